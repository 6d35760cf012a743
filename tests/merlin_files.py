"""Recordings as Merlin writes them, by plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from medipix_frames import packed, quad_as_stored

PIXELS = {"u1": "U08", "u2": "U16", "u4": "U32", "u8": "U64"}


def frame(
    pixels: NDArray[Any],
    number: int,
    *,
    depth: int = 12,
    raw: bool = False,
    layout: str = "1x1",
    time_ns: int | None = None,
    shutter_ns: int = 1000000,
    extension: bool = True,
) -> bytes:
    """One frame behind its header."""
    offset = 768 if layout.startswith("2x2") else 384
    kind = "R64" if raw else PIXELS[pixels.dtype.str[1:]]
    if raw and layout.startswith("2x2"):
        stored = quad_as_stored(pixels, 2 if layout.endswith("G") else 0)
        pixels = stored
    height, width = pixels.shape
    moment = number * 1500000 if time_ns is None else time_ns
    seconds, part = divmod(moment, 10**9)
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part:09}"
    chips = 4 if layout.startswith("2x2") else 1
    head = (
        f"MQ1,{number:06},{offset:05},{chips:02},{width:04},{height:04},{kind},{layout:>6},01,"
        f"2024-07-02 {clock[:-3]},{shutter_ns / 1e9:.6f},0,0,0,1.2E+1,5.11E+2,3RX,023,511,"
    )
    if extension:
        head += f"MQ1A,2024-07-02T{clock}Z,{shutter_ns}ns,{depth},"
    body = packed(pixels, depth) if raw else pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    return head.encode().ljust(offset, b"\0") + body


def write_mib(
    path: Path,
    frames: NDArray[Any] | Sequence[NDArray[Any]],
    *,
    first: int = 1,
    numbers: Sequence[int] | None = None,
    times_ns: Sequence[int] | None = None,
    shutters_ns: Sequence[int] | None = None,
    hdr: dict[str, object] | None = None,
    **form: Any,
) -> Path:
    """A recording, and the .hdr file beside it if something is to be in it."""
    with path.open("wb") as file:
        for i, pixels in enumerate(frames):
            each = dict(form)
            if times_ns is not None:
                each["time_ns"] = times_ns[i]
            if shutters_ns is not None:
                each["shutter_ns"] = shutters_ns[i]
            file.write(frame(pixels, first + i if numbers is None else numbers[i], **each))
    if hdr is not None:
        write_hdr(path.with_suffix(".hdr"), **hdr)
    return path


def write_hdr(path: Path, **facts: object) -> None:
    """What Merlin writes beside a recording; underscores stand for blanks."""
    lines = ["HDR,\t", "Software Version:\t1.5.0.197"]
    lines += [f"{name.replace('_', ' ')} (Number):\t{value}" for name, value in facts.items()]
    path.write_bytes("\r\n".join([*lines, "End\t"]).encode("latin-1").ljust(2048))
