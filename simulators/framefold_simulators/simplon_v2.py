"""Messages of DECTRIS SIMPLON stream v2 (CBOR), as lists of one part; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import cbor2
import numpy as np
from cbor2 import CBORTag
from numpy.typing import NDArray

from framefold_simulators.encode import encoded
from framefold_simulators.series import Series

CODECS = {"none": "raw", "lz4": "lz4-framed", "bslz4": "bslz4"}
"""Compression as people name it -> how a blob of this protocol is made."""

_TICKS = 50_000_000  # per second, the denominator of all times
_SELF_DESCRIBED = b"\xd9\xd9\xf7"
_MARK = bytes.fromhex("8d1f4ea2b06c9735")  # of no number, text or key
_TYPED = {"uint8": 64, "uint16": 69, "uint32": 70, "float32": 85}  # little-endian, RFC 8746


def messages(
    series: Series, frames: Iterable[tuple[int, bytes | Sequence[bytes]]]
) -> Iterator[list[bytes]]:
    """A whole series: start, images, end.

    Parameters
    ----------
    series : Series
        What to announce.
    frames : iterable of (int, bytes or sequence of bytes)
        Number and blob of each frame, in the order in which to send them; one blob for all
        channels, or one for each.

    Yields
    ------
    list of bytes
        The single part of the next message.
    """
    yield header(series)
    for frame, blobs in frames:
        yield image(series, frame, blobs)
    yield end(series)


def of_stack(series: Series, stack: NDArray[Any]) -> Iterator[list[bytes]]:
    """A whole series from decoded frames in order.

    Parameters
    ----------
    series : Series
        What to announce.
    stack : ndarray, shape (n, rows, columns) or (n, channels, rows, columns)
        The frames, one for all channels or one for each.
    """
    codec = CODECS[series.compression]
    if stack.ndim == 3:
        return messages(series, enumerate(encoded(stack, codec)))
    channels = [encoded(stack[:, i], codec) for i in range(stack.shape[1])]
    return messages(series, enumerate(zip(*channels, strict=True)))


def header(series: Series) -> list[bytes]:
    """The start message; masks and tables only with header detail ``all``."""
    return [as_message(start_content(series))]


def start_content(series: Series) -> dict[str, object]:
    """The keys and values of a start message."""
    h, w = series.sig_shape
    content: dict[str, object] = {
        "type": "start",
        "series_id": series.number,
        "series_unique_id": series.unique_id,
        "arm_date": _date(series.epoch_ms),
        "beam_center_x": w / 2,
        "beam_center_y": h / 2,
        "channels": list(series.channels),
        "count_time": series.frame_time,
        "countrate_correction_enabled": False,
        "detector_description": "framefold simulator",
        "detector_serial_number": "S-00-0000",
        "detector_translation": [0.0, 0.0, 0.0],
        "flatfield_enabled": True,
        "frame_time": series.frame_time,
        "image_dtype": series.dtype.name,
        "image_size_x": w,
        "image_size_y": h,
        "incident_energy": 200000.0,
        "incident_wavelength": 0.0250793,
        "number_of_images": series.count,
        "pixel_mask_enabled": True,
        "pixel_size_x": 75e-6,
        "pixel_size_y": 75e-6,
        "saturation_value": int(np.iinfo(series.dtype).max) - 2,
        "sensor_material": "Si",
        "sensor_thickness": 0.00045,
        "threshold_energy": dict.fromkeys(series.channels, 4020.5),
        "virtual_pixel_interpolation_enabled": True,
    }
    if series.header_detail == "all":
        content["countrate_correction_lookup_table"] = CBORTag(
            70, np.arange(65536, dtype="<u4").tobytes()
        )
        content["flatfield"] = dict.fromkeys(series.channels, _plain(series.gain))
        content["pixel_mask"] = dict.fromkeys(series.channels, _plain(series.mask))
    if series.appendix:
        content["user_data"] = series.appendix
    return content


def image(series: Series, frame: int, blobs: bytes | Sequence[bytes]) -> list[bytes]:
    """One image message with all channels; `image_content`, in less than half the time."""
    if isinstance(blobs, bytes):
        blobs = [blobs] * len(series.channels)
    first, *others = _around(
        series.number, series.epoch_ms, series.frame_time, series.sig_shape, series.dtype,
        series.compression, series.channels, series.image_appendix,
    )  # fmt: skip
    begin, end = _times(series, frame)
    parts = [first]
    for value, piece in zip((frame, begin, end, *blobs), others, strict=True):
        parts += (cbor2.dumps(value), piece)
    return [b"".join(parts)]


@lru_cache(maxsize=64)
def _around(
    number: int,
    epoch_ms: int,
    frame_time: float,
    sig_shape: tuple[int, int],
    dtype: np.dtype[Any],
    compression: str,
    channels: tuple[str, ...],
    image_appendix: str | bytes,
) -> list[bytes]:
    """What is the same in all image messages of a series, cut where they differ."""
    series = Series(
        number, (1,), sig_shape, dtype, compression, channels, frame_time,
        image_appendix=image_appendix, epoch_ms=epoch_ms,
    )  # fmt: skip
    content = image_content(series, 0, [_MARK] * len(channels))
    content |= dict.fromkeys(("image_id", "start_time", "stop_time"), _MARK)
    return as_message(content).split(cbor2.dumps(_MARK))


def image_content(series: Series, frame: int, blobs: Sequence[bytes]) -> dict[str, object]:
    """The keys and values of an image message."""
    begin, end = _times(series, frame)
    content: dict[str, object] = {
        "type": "image",
        "series_id": series.number,
        "series_unique_id": series.unique_id,
        "image_id": frame,
        "real_time": [end[0] - begin[0], _TICKS],
        "series_date": _date(series.epoch_ms),
        "start_time": begin,
        "stop_time": end,
        "data": {
            channel: _image_array(series, blob)
            for channel, blob in zip(series.channels, blobs, strict=True)
        },
    }
    if series.image_appendix:
        content["user_data"] = series.image_appendix
    return content


def end(series: Series, sent: int | None = None, reason: str = "") -> list[bytes]:  # noqa: ARG001
    """The end of the series, however it came about: the message does not tell."""
    return [
        as_message(
            {"type": "end", "series_id": series.number, "series_unique_id": series.unique_id}
        )
    ]


def _image_array(series: Series, blob: bytes) -> CBORTag:
    content: object = blob
    if series.compression == "bslz4":
        content = CBORTag(56500, ["bslz4", series.dtype.itemsize, blob])
    elif series.compression == "lz4":
        content = CBORTag(56500, ["lz4", 0, blob])
    return CBORTag(40, [list(series.sig_shape), CBORTag(_TYPED[series.dtype.name], content)])


def _plain(array: NDArray[Any]) -> CBORTag:
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return CBORTag(40, [list(array.shape), CBORTag(_TYPED[array.dtype.name], data)])


def _times(series: Series, frame: int) -> tuple[list[int], list[int]]:
    """When the exposure of a frame began and ended, in ticks and ticks a second."""
    exposure = round(series.frame_time * _TICKS)
    return [frame * exposure, _TICKS], [(frame + 1) * exposure, _TICKS]


@lru_cache(maxsize=64)  # the messages of other protocols have it, too
def _date(epoch_ms: int) -> CBORTag:
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return CBORTag(0, moment.isoformat(timespec="milliseconds"))


def as_message(content: dict[str, object]) -> bytes:
    """A map as one message that says it is CBOR."""
    return _SELF_DESCRIBED + cbor2.dumps(content)
