"""Messages of a Jungfraujoch server, as lists of one part; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from cbor2 import CBORTag
from numpy.typing import NDArray

from framefold_simulators import simplon_v2
from framefold_simulators.encode import encoded
from framefold_simulators.series import Series

CODECS = {"none": "raw", "bslz4": "bslz4"}
"""Compression as people name it -> how a blob of this protocol is made; no plain LZ4."""

MAGIC = 0x52320000A
_CHANNEL = ("default",)


def messages(
    series: Series, frames: Iterable[tuple[int, bytes | Sequence[bytes]]]
) -> Iterator[list[bytes]]:
    """A whole series, with the messages that only Jungfraujoch has."""
    yield header(series)
    yield calibration(series)
    for frame, blobs in frames:
        yield image(series, frame, blobs)
    yield metadata(series)
    yield end(series)


def of_stack(series: Series, stack: NDArray[Any]) -> Iterator[list[bytes]]:
    """A whole series from decoded frames, shape (n, rows, columns), in order."""
    return messages(series, enumerate(encoded(stack, CODECS[series.compression])))


def header(series: Series) -> list[bytes]:
    """The start message: that of stream v2 and keys of its own; the channel is "default"."""
    content = simplon_v2.start_content(replace(series, channels=_CHANNEL)) | {
        "magic_number": MAGIC,
        "detector_distance": 0.1,
        "error_value": _error_value(series),
        "az_int_bin_to_q": [0.1, 0.2, 0.3],
    }
    return [simplon_v2.as_message(content)]


def image(series: Series, frame: int, blobs: bytes | Sequence[bytes]) -> list[bytes]:
    """One image message, with what was found in it."""
    blob = blobs if isinstance(blobs, bytes) else blobs[0]
    content = simplon_v2.image_content(replace(series, channels=_CHANNEL), frame, [blob])
    data = content.pop("data")
    content |= {
        "spots": [],
        "indexing_result": False,
        "saturated_pixels": 0,
        "data": data,
    }
    return [simplon_v2.as_message(content)]


def end(series: Series, sent: int | None = None, reason: str = "") -> list[bytes]:
    """The end of the series, however it came about."""
    return simplon_v2.end(series, sent, reason)


def calibration(series: Series) -> list[bytes]:
    """An array that only the first of several sockets carries."""
    pedestal = CBORTag(40, [list(series.sig_shape), CBORTag(70, _zeros(series))])
    return [
        simplon_v2.as_message(
            {"type": "calibration", "series_id": series.number, "data": {"pedestal_G0": pedestal}}
        )
    ]


def metadata(series: Series) -> list[bytes]:
    """What is known of many images, without their pixels."""
    images = [{"image_id": frame, "saturated_pixels": 0} for frame in range(min(3, series.count))]
    return [
        simplon_v2.as_message({"type": "metadata", "series_id": series.number, "images": images})
    ]


def _zeros(series: Series) -> bytes:
    return np.zeros(series.sig_shape, "<u4").tobytes()


def _error_value(series: Series) -> int:
    limits = np.iinfo(series.dtype)
    return int(limits.min if series.dtype.kind == "i" else limits.max)
