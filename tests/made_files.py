"""Small files of formats that others write, made here from arrays of shape (frames, rows, columns).

Each writer takes a folder and frames and gives the path to open.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import tifffile
from numpy.typing import NDArray

Writer = Callable[[Path, NDArray[Any]], Path]


def write_blo(folder: Path, frames: NDArray[Any]) -> Path:
    """A block file with a scan of one line."""
    side = frames.shape[-1]
    header = struct.pack(
        "<6sHIIIHHHHHddIHId",
        b"IMGBLO", 0x0102, 0x100, 0x140, 131141, side, 0, len(frames), 1, 0,
        64.0, 64.0, 200_000, 6226, 2000, 42341.0,
    )  # fmt: skip
    path = folder / "made.blo"
    with path.open("wb") as file:
        file.write(header.ljust(0x140, b"\0"))
        for i, frame in enumerate(frames):
            file.write(struct.pack("<HI", 0x55AA, i) + frame.astype("u1").tobytes())
    return path


def write_tvips(
    folder: Path, frames: NDArray[Any], *, version: int = 2, per_file: int = 1 << 20
) -> Path:
    """A TVIPS series, continued in further files after ``per_file`` frames."""
    rows, columns = frames.shape[-2:]
    extra = 12 if version == 1 else 60
    bits = 8 * frames.dtype.itemsize
    told = extra if version > 1 else 0
    numbers = (256, version, columns, rows, bits, 0, 0, 1, 1, 1, 200, 80, told)
    header = struct.pack("<13I", *numbers).ljust(256, b" ")
    for number, first in enumerate(range(0, len(frames), per_file)):
        with (folder / f"made_{number:03d}.tvips").open("wb") as file:
            file.write(header if number == 0 else b"")
            for i, frame in enumerate(frames[first : first + per_file], start=first):
                file.write(struct.pack("<3I", i, 0, i).ljust(extra, b"\x7f") + frame.tobytes())
    return folder / "made_000.tvips"


def write_ser(folder: Path, frames: NDArray[Any]) -> Path:
    """A TIA series of version 0x0220 with one dimension; the bottom row of a frame first."""
    count = len(frames)
    rows, columns = frames.shape[-2:]
    kinds = {"u1": 1, "u2": 2, "u4": 3, "i1": 4, "i2": 5, "i4": 6, "f4": 7, "f8": 8}
    kind = kinds[frames.dtype.str[1:]]
    dimension = struct.pack("<iddi", count, 0.0, 1.0, 0) + struct.pack(
        "<i6si0s", 6, b"Number", 0, b""
    )
    start = 34 + len(dimension)
    table = start + 16 * count
    element = 50 + frames[0].nbytes
    offsets = table + np.arange(count, dtype="<i8") * (element + 12)
    head = struct.pack("<2sHHiiiiqi", b"II", 0x0197, 0x0220, 0x4122, 0x4152, count, count, start, 1)
    path = folder / "made.ser"
    with path.open("wb") as file:
        file.write(head + dimension + offsets.tobytes() + (offsets + element).tobytes())
        for frame in frames:
            file.write(struct.pack("<ddiddihii", 0, 1, 0, 0, 1, 0, kind, columns, rows))
            file.write(np.ascontiguousarray(frame[::-1]).tobytes() + bytes(12))
    return path


def write_mrc(folder: Path, frames: NDArray[Any]) -> Path:
    """An MRC stack, by mrcfile."""
    with mrcfile.new(folder / "made.mrc") as file:
        file.set_data(frames)
        file.set_image_stack()
    return folder / "made.mrc"


def write_tiff(folder: Path, frames: NDArray[Any], **options: Any) -> Path:
    """A TIFF stack, by tifffile."""
    tifffile.imwrite(folder / "made.tif", frames, photometric="minisblack", **options)
    return folder / "made.tif"


def write_dm4(folder: Path, frames: NDArray[Any], *, swapped: bool = True) -> Path:
    """A DM4 file with nothing but an array, two scan axes if ``frames`` has four."""

    def group(entries: list[bytes]) -> bytes:
        return b"\1\0" + struct.pack(">Q", len(entries)) + b"".join(entries)

    def named(kind: int, name: str, content: bytes) -> bytes:
        text = name.encode()
        return (
            struct.pack(">BH", kind, len(text)) + text + struct.pack(">Q", len(content)) + content
        )

    def number(name: str, value: int) -> bytes:
        return named(21, name, struct.pack(">4sQQ", b"%%%%", 1, 5) + struct.pack("<I", value))

    def array(name: str, values: NDArray[Any], code: int) -> bytes:
        about = struct.pack(">4sQQQQ", b"%%%%", 3, 20, code, values.size)
        return named(21, name, about + values.astype(values.dtype.newbyteorder("<")).tobytes())

    code, kind = {"u2": (4, 10), "u1": (10, 6), "f4": (6, 2)}[frames.dtype.str[1:]]
    lengths = group([number("", n) for n in reversed(frames.shape)])
    data = group(
        [
            array("Data", frames, code),
            number("DataType", kind),
            named(20, "Dimensions", lengths),
            number("PixelDepth", frames.dtype.itemsize),
        ]
    )
    meta = group([number("Data Order Swapped", int(swapped))])
    tags = group([named(20, "Meta Data", meta)])
    image = group([named(20, "ImageData", data), named(20, "ImageTags", tags)])
    images = group([named(20, "", image)])
    root = group([named(20, "ImageList", images)])
    path = folder / "made.dm4"
    path.write_bytes(struct.pack(">IQI", 4, len(root) + 8, 1) + root + bytes(8))
    return path


WRITERS: dict[str, Writer] = {
    "blo": write_blo,
    "tvips": write_tvips,
    "ser": write_ser,
    "mrc": write_mrc,
    "tiff": write_tiff,
    "dm": write_dm4,
}
"""By the name of the format."""
