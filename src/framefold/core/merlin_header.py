"""What Merlin writes in front of each frame (MQ1), and before or beside all of them (HDR)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from framefold.core.medipix_layout import CHIP, DEPTHS, encoded_bytes
from framefold.errors import DataError

MARK = b"MQ1,"
"""What every frame's header begins with."""

HEAD = b"HDR,"
"""What the file beside a recording begins with."""

LONGEST_HEADER = 1 << 16
"""A longer header of a frame is a damaged one."""

LONGEST_HDR = 1 << 20
"""A longer file beside a recording is none of Merlin's."""

_NAMES = ("mark", "sequence", "offset", "chips", "width", "height", "type", "layout", "select")

_PLAIN = {"U08": ">u1", "U16": ">u2", "U32": ">u4", "U64": ">u8"}

_RAW = {1: "u1", 6: "u1", 12: "u2", 24: "u4"}

_EXTENSION = re.compile(r"MQ1A,([^,]*),(\d+)ns,(\d+)")


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """One frame's header.

    Parameters
    ----------
    sequence : int
        Number of the frame, usually from 1.
    offset : int
        Length of the header [bytes].
    chips : int
        How many chips.
    width, height : int
        Of the frame as it is stored [pixels].
    pixel_type : str
        ``U08``, ``U16``, ``U32``, ``U64``, or ``R64`` for packed frames.
    layout : str
        ``1x1``, ``2x2``, ``Nx1``; with a G where the gap between chips is filled.
    depth : int or None
        Bits of a counter, where the header tells them.
    shutter_ns : int or None
        Exposure [ns].
    time : str
        When, as it is written.
    """

    sequence: int
    offset: int
    chips: int
    width: int
    height: int
    pixel_type: str
    layout: str
    depth: int | None
    shutter_ns: int | None
    time: str

    @property
    def is_raw(self) -> bool:
        """Whether pixels are packed."""
        return self.pixel_type == "R64"

    @property
    def is_quad(self) -> bool:
        """Whether the stored rows have to be put together from four chips."""
        return self.is_raw and self.layout.startswith("2x2") and self.width == 4 * CHIP

    @property
    def sig_shape(self) -> tuple[int, int]:
        """Shape of the frame, put together [pixels]."""
        if not self.is_quad:
            return self.height, self.width
        gap = 2 if self.layout.endswith("G") else 0
        return 2 * self.height + gap, 2 * CHIP + gap

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type as decoded, byte order included."""
        if self.is_raw:
            return np.dtype(_RAW[self.depth or 12])
        return np.dtype(_PLAIN[self.pixel_type])

    @property
    def encoded(self) -> int:
        """Length of the pixels as they are stored [bytes]."""
        pixels = self.width * self.height
        if self.is_raw:
            return encoded_bytes(pixels, self.depth or 12)
        return pixels * self.dtype.itemsize

    @property
    def codec(self) -> str:
        """Which codec decodes it."""
        if not self.is_raw:
            return "raw"
        return f"r64-{self.depth}{'-quad' if self.is_quad else ''}"


def read_frame_header(data: bytes, what: str, depth: int | None = None) -> FrameHeader:
    """The header that some bytes begin with.

    Parameters
    ----------
    data : bytes
        The start of a frame.
    what : str
        Name of the file and place in it, for messages.
    depth : int or None
        Bits of a counter, where the header does not tell them.

    Raises
    ------
    DataError
        If it is damaged, or describes frames that Merlin does not make.

    Notes
    -----
    Source: Quantum Detectors, "Merlin user manual", MQ1 header.
    """
    text = data[:LONGEST_HEADER].decode("latin-1")
    words = text.split(",", 12)
    if not data.startswith(MARK) or len(words) < len(_NAMES) + 2:
        raise DataError(f"{what}: no header of a Merlin frame (MQ1)")
    found = dict(zip(_NAMES, (word.strip() for word in words), strict=False))
    numbers = {}
    for name in ("sequence", "offset", "chips", "width", "height"):
        if not found[name].isascii() or not found[name].isdigit() or len(found[name]) > 12:
            raise DataError(f"{what}: the frame header's {name} is {found[name][:20]!r}")
        numbers[name] = int(found[name])
    extension = _EXTENSION.search(text[: numbers["offset"]])
    header = FrameHeader(
        **numbers,
        pixel_type=found["type"],
        layout=found["layout"],
        depth=int(extension[3]) if extension else depth,
        shutter_ns=int(extension[2]) if extension else _nanoseconds(words[10]),
        time=(extension[1] if extension else words[9]).strip(),
    )
    check(header, what)
    return header


def _nanoseconds(seconds: str) -> int | None:
    try:
        return round(float(seconds) * 1e9)
    except (ValueError, OverflowError):  # older software writes what it likes here
        return None


def check(header: FrameHeader, what: str) -> None:
    """Refuse what Merlin does not make.

    Raises
    ------
    DataError
        Naming ``what``.
    """
    pixels = header.width * header.height
    if not len(MARK) < header.offset <= LONGEST_HEADER or not 0 < pixels <= 2**28:
        raise DataError(
            f"{what}: a frame header of {header.offset} bytes and {header.height} x "
            f"{header.width} pixels; it is damaged"
        )
    if not header.is_raw and header.pixel_type not in _PLAIN:
        raise DataError(
            f"{what}: pixels of type {header.pixel_type!r}; known are {', '.join(_PLAIN)} and R64"
        )
    if header.is_raw and header.depth not in DEPTHS:
        raise DataError(
            f"{what}: packed pixels of {header.depth or 'unknown'} bits, which Merlin does not "
            "write; the .hdr file beside the recording names its counter depth: is it there?"
        )
    if header.is_raw and header.width % CHIP:
        raise DataError(
            f"{what}: packed frames of {header.height} x {header.width} pixels, no whole chips"
        )


def read_hdr(content: bytes) -> dict[str, str]:
    """What the file beside a recording says: names without units, and values as they are.

    Parameters
    ----------
    content : bytes
        The file.
    """
    found: dict[str, str] = {}
    for line in content[:LONGEST_HDR].decode("latin-1").splitlines():
        if line.startswith("End"):
            break
        name, colon, value = line.partition(":")
        if colon and (name := re.sub(r"\s*\([^)]*\)?\s*$", "", name).strip()):
            found[name] = value.strip()
    return found
