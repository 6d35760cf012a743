"""Messages of DECTRIS SIMPLON stream v1, as lists of parts; no I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold_simulators.encode import encoded
from framefold_simulators.series import Series

CODECS = {"none": "raw", "lz4": "lz4", "bslz4": "bslz4"}
"""Compression as people name it -> how a blob of this protocol is made."""

_COUNTRATES = 1000  # entries of the count-rate table


def messages(series: Series, frames: Iterable[tuple[int, bytes]]) -> Iterator[list[bytes]]:
    """A whole series: header, images, end.

    Parameters
    ----------
    series : Series
        What to announce.
    frames : iterable of (int, bytes)
        Number and blob of each frame, in the order in which to send them.

    Yields
    ------
    list of bytes
        The parts of the next message.
    """
    yield header(series)
    for frame, blob in frames:
        yield image(series, frame, blob)
    yield end(series)


def of_stack(series: Series, stack: NDArray[Any]) -> Iterator[list[bytes]]:
    """A whole series from decoded frames, shape (n, rows, columns), in order."""
    return messages(series, enumerate(encoded(stack, CODECS[series.compression])))


def header(series: Series) -> list[bytes]:
    """The global header: 1, 2 or 8 parts by its detail, and the appendix if there is one."""
    detail = series.header_detail
    parts = [as_json(htype="dheader-1.0", series=series.number, header_detail=detail)]
    if detail != "none":
        parts.append(as_json(**configuration(series)))
    if detail == "all":
        counts = np.linspace(0, 1e6, _COUNTRATES, dtype="<f4")
        for htype, array in (
            ("dflatfield-1.0", series.gain.astype("<f4")),
            ("dpixelmask-1.0", series.mask.astype("<u4")),
            ("dcountrate_table-1.0", np.stack([counts, counts], axis=1)),
        ):
            kind = array.dtype.newbyteorder("=").name
            # shapes are written fastest axis first
            parts.append(as_json(htype=htype, shape=list(array.shape[::-1]), type=kind))
            parts.append(array.tobytes())
    return parts + _appendix(series.appendix)


def image(series: Series, frame: int, blobs: bytes | Sequence[bytes]) -> list[bytes]:
    """One image: 4 parts, and the appendix if there is one; of several blobs only the first."""
    blob = blobs if isinstance(blobs, bytes) else blobs[0]
    h, w = series.sig_shape
    encoding = {"none": "<", "lz4": "lz4<", "bslz4": f"bs{8 * series.dtype.itemsize}-lz4<"}
    start = round(frame * series.frame_time * 1e9)
    exposure = round(series.frame_time * 1e9)
    return [
        as_json(
            frame=frame,
            # 32 hexadecimal digits that no receiver should check: not even the detectors' own
            # are the MD5 of anything one can find
            hash=hashlib.md5(b"%d" % frame, usedforsecurity=False).hexdigest(),
            htype="dimage-1.0",
            series=series.number,
        ),
        as_json(
            encoding=encoding[series.compression],
            htype="dimage_d-1.0",
            shape=[w, h],
            size=len(blob),
            type=series.dtype.name,
        ),
        blob,
        as_json(
            htype="dconfig-1.0", real_time=exposure, start_time=start, stop_time=start + exposure
        ),
        *_appendix(series.image_appendix),
    ]


def end(series: Series, sent: int | None = None, reason: str = "") -> list[bytes]:  # noqa: ARG001
    """The end of the series, however it came about: the message does not tell."""
    return [as_json(htype="dseries_end-1.0", series=series.number)]


def configuration(series: Series) -> dict[str, object]:
    """The detector configuration as part 1 of the header tells it."""
    h, w = series.sig_shape
    nimages, ntrigger = series.triggers
    return {
        "auto_summation": True,
        "beam_center_x": w / 2,
        "beam_center_y": h / 2,
        "bit_depth_image": 8 * series.dtype.itemsize,
        "bit_depth_readout": 16,
        "compression": series.compression,
        "count_time": series.frame_time,
        "countrate_correction_applied": False,
        "countrate_correction_count_cutoff": int(np.iinfo(series.dtype).max) - 2,
        "description": "framefold simulator",
        "detector_number": "S-00-0000",
        "detector_readout_time": 1e-7,
        "detector_translation": [0.0, 0.0, 0.0],
        "frame_time": series.frame_time,
        "nimages": nimages,
        "ntrigger": ntrigger,
        "number_of_excluded_pixels": int(np.count_nonzero(series.mask)),
        "photon_energy": 8041.0,
        "pixel_mask_applied": True,
        "roi_mode": "disabled",
        "sensor_material": "Si",
        "sensor_thickness": 0.00045,
        "software_version": "1.8.0",
        "threshold_energy": 4020.5,
        "trigger_mode": series.trigger_mode,
        "x_pixel_size": 75e-6,
        "x_pixels_in_detector": w,
        "y_pixel_size": 75e-6,
        "y_pixels_in_detector": h,
    }


def _appendix(text: str | bytes) -> list[bytes]:
    return [text.encode() if isinstance(text, str) else text] if text else []


def as_json(**keys: object) -> bytes:
    """JSON in the detectors' own spelling: no blanks."""
    return json.dumps(keys, separators=(",", ":")).encode()
