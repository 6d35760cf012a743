"""A data set as a Quantum Detectors Merlin would have sent it, without the prefix of messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from framefold.replay.played_series import PlayedSeries

_TYPES = {"uint8": ("U08", 6), "uint16": ("U16", 12), "uint32": ("U32", 24)}
"""Pixel type -> what a frame's header calls it, and the counter depth that has it."""

_HEADER_BYTES = 384  # of one chip
_HDR_BYTES = 2048


def as_merlin(source: PlayedSeries) -> Iterator[list[bytes]]:
    """The messages of an acquisition: its header, and frames of plain pixels.

    Parameters
    ----------
    source : PlayedSeries
        This protocol has no word for masked pixels: they are zero.

    Yields
    ------
    list of bytes
        The single part of the next message, as a connection would have it behind ``MPX,`` and its
        length.

    Raises
    ------
    ParameterError
        If its pixels are of a type that a Merlin does not have.

    Notes
    -----
    Quantum Detectors, "Merlin user manual": acquisition header, and MQ1 frame header.
    """
    source.require(_TYPES, "Merlin")
    began, mask = datetime.now(UTC), source.known.mask.shaped(source.sig_shape)
    yield [_acquisition(source, began)]
    for frame in source.frames():
        raw = source.raw(frame)
        if raw is None:
            continue
        pixels = np.frombuffer(raw, source.dtype.newbyteorder("<")).reshape(source.sig_shape)
        content = np.ascontiguousarray(mask.blanked(pixels), source.dtype.newbyteorder(">"))
        yield [_frame_header(source, frame.number, began) + content.tobytes()]


def _acquisition(source: PlayedSeries, began: datetime) -> bytes:
    nimages, _ = source.triggers
    scan = source.known.scan
    period = f"{1000 * (source.frame_time or 0.0):g}"
    facts: dict[str, object] = {
        "Time and Date Stamp (day, mnth, yr, hr, min, s)": f"{began:%d/%m/%Y %H:%M:%S.%f}",
        "Assembly Size (NX1, 2X2)": "1x1",
        "Counter Depth (number)": _TYPES[source.dtype.name][1],
        "Frames in Acquisition (Number)": source.promised,
        "Frames per Trigger (Number)": nimages,
        "Acquisition Period (ms)": period,
        "Software Version": f"replay of {source.known.source}".replace("\n", " ")[:200],
    }
    # elsewhere frame numbers are no positions, and the receiver must be told the scan
    if len(scan.shape) == 2 and scan.is_plain and not scan.sync_offset:
        facts |= {"ScanX": scan.shape[1], "ScanY": scan.shape[0]}
    lines = ["HDR,\t", *(f"{name}:\t{value}" for name, value in facts.items()), "End\t"]
    return "\r\n".join(lines).encode("latin-1", "replace").ljust(_HDR_BYTES)


def _frame_header(source: PlayedSeries, number: int, began: datetime) -> bytes:
    height, width = source.sig_shape
    kind, depth = _TYPES[source.dtype.name]
    exposure = source.frame_time or 0.0
    moment = began + timedelta(seconds=number * exposure)
    text = (
        f"MQ1,{number + 1:06},{_HEADER_BYTES:05},01,{width:04},{height:04},{kind},   1x1,01,"
        f"{moment:%Y-%m-%d %H:%M:%S.%f},{exposure:.6f},0,0,0,{','.join(['0'] * 8)},3RX,"
        f"{','.join(['0'] * 27)},MQ1A,{moment:%Y-%m-%dT%H:%M:%S.%f}000Z,"
        f"{round(exposure * 1e9)}ns,{depth},"
    )
    return text.encode("ascii").ljust(_HEADER_BYTES, b"\0")
