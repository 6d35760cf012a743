"""Messages of a Quantum Detectors Merlin, as parts that follow each other in a stream; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from numpy.typing import NDArray

from framefold_simulators.encode import encoded
from framefold_simulators.medipix import CHIP
from framefold_simulators.series import Series

CODECS = {"none": "big-endian"} | {f"r64-{n}": f"r64-{n}" for n in (1, 6, 12, 24)}
"""Compression as people name it -> how a blob of this protocol is made; r64 are packed frames."""

_TYPES = {1: "U08", 2: "U16", 4: "U32", 8: "U64"}
_DEPTHS = {1: 6, 2: 12, 4: 24, 8: 48}


def messages(series: Series, frames: Iterable[tuple[int, bytes]]) -> Iterator[list[bytes]]:
    """A whole acquisition: its header and its frames; no message tells its end."""
    yield header(series)
    for frame, blob in frames:
        yield image(series, frame, blob)


def of_stack(series: Series, stack: NDArray[Any]) -> Iterator[list[bytes]]:
    """A whole acquisition from decoded frames, shape (n, rows, columns), in order."""
    return messages(series, enumerate(encoded(stack, CODECS[series.compression])))


def header(series: Series) -> list[bytes]:
    """The acquisition header, behind its prefix."""
    nimages, _ = series.triggers
    moment = datetime.fromtimestamp(series.epoch_ms / 1000 + series.number, UTC)
    facts = {
        "Time and Date Stamp (day, mnth, yr, hr, min, s)": f"{moment:%d/%m/%Y %H:%M:%S}",
        "Chip ID": "W000_A0,-,-,-",
        "Chip Type (Medipix 3.0, Medipix 3.1, Medipix 3RX)": "Medipix 3RX",
        "Assembly Size (NX1, 2X2)": "2x2" if chips(series) == 4 else "1x1",
        "Chip Mode  (SPM, CSM, CM, CSCM)": "SPM",
        "Counter Depth (number)": depth(series),
        "Gain": "SLGM",
        "Active Counters": "Alternating",
        "Acquisition Type (Normal, Th_scan, Config)": "Normal",
        "Frames in Acquisition (Number)": series.count,
        "Frames per Trigger (Number)": nimages,
        "Trigger Start (Positive, Negative, Internal)": "Rising Edge",
        "Trigger Stop (Positive, Negative, Internal)": "Internal",
        "Acquisition Time (ms)": f"{series.frame_time * 1000:g}",
        "Acquisition Period (ms)": f"{series.frame_time * 1000:g}",
        "Gap Fill Mode": "Distribute",
        "Software Version": "0.0.0.0 framefold simulator",
    }
    if len(series.scan) == 2:
        facts |= {"ScanX": series.scan[1], "ScanY": series.scan[0]}
    lines = ["HDR,\t", *(f"{name}:\t{value}" for name, value in facts.items()), "End\t"]
    return _prefixed("\r\n".join(lines).encode("latin-1").ljust(2048))


def image(series: Series, frame: int, blobs: bytes | Sequence[bytes]) -> list[bytes]:
    """One frame: prefix, header, pixels."""
    blob = blobs if isinstance(blobs, bytes) else blobs[0]
    offset = 768 if chips(series) == 4 else 384
    h, w = series.sig_shape
    is_raw = series.compression != "none"
    if is_raw and chips(series) == 4:
        h, w = 256, 1024
    layout = "1x1" if chips(series) == 1 else "2x2G" if series.sig_shape[0] > 2 * CHIP else "2x2"
    kind = "R64" if is_raw else _TYPES[series.dtype.itemsize]
    # of the clock that ran since the acquisition began
    moment = datetime.fromtimestamp(
        series.epoch_ms / 1000 + series.number + frame * series.frame_time, UTC
    )
    thresholds = ",".join(["1.200000E+1", *["5.110000E+2"] * 7])
    text = (
        f"MQ1,{frame + 1:06},{offset:05},{chips(series):02},{w:04},{h:04},{kind},{layout:>6},"
        f"{'0F' if chips(series) == 4 else '01'},{moment:%Y-%m-%d %H:%M:%S.%f},"
        f"{series.frame_time:.6f},0,0,0,{thresholds},3RX,{','.join(['175'] * 27)},"
        f"MQ1A,{moment:%Y-%m-%dT%H:%M:%S.%f}000Z,{round(series.frame_time * 1e9)}ns,"
        f"{depth(series)},"
    )
    return _prefixed(text.encode("latin-1").ljust(offset, b"\0"), blob)


def end(series: Series, sent: int | None = None, reason: str = "") -> list[bytes]:  # noqa: ARG001
    """Nothing: no message tells that an acquisition is over."""
    return []


def depth(series: Series) -> int:
    """Bits of a counter."""
    if series.compression != "none":
        return int(series.compression.removeprefix("r64-"))
    return _DEPTHS[series.dtype.itemsize]


def chips(series: Series) -> int:
    """How many chips such frames come from."""
    return 4 if series.sig_shape[0] >= 2 * CHIP and series.sig_shape[1] >= 2 * CHIP else 1


def _prefixed(*parts: bytes) -> list[bytes]:
    # the number counts the comma behind it
    return [b"MPX,%010d," % (1 + sum(map(len, parts))), *parts]
