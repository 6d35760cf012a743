"""The first bytes of an HDF5 file: whether it was closed, and where it ends."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framefold.errors import DataError
from framefold.registry import load_target

_LAYOUT = struct.Struct("<8sBBBBQQQQ")
_CHECKSUM = struct.Struct("<I")
_BYTES = _LAYOUT.size + _CHECKSUM.size
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
CLOSED = 0
BEING_WRITTEN = 5
"""Flags of a file that is open for writing, by a single writer of many readers (SWMR)."""


@dataclass(frozen=True, slots=True)
class Superblock:
    """What stands at the start of a file written with ``libver="latest"``.

    Parameters
    ----------
    version : int
        2 or 3.
    flags : int
        0 once the file was closed; bit 0: open for writing, bit 2: by a single writer of many
        readers (SWMR).
    base, extension, end, root : int
        Addresses [bytes]; ``end`` is that behind the last byte in use.

    Notes
    -----
    HDF5 File Format Specification 3.0, section II.A, "Disk Format: Level 0A".
    """

    version: int
    flags: int
    base: int
    extension: int
    end: int
    root: int

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Superblock | None:
        """The superblock of a file; None if it is of another kind than recordings have.

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        try:
            with Path(path).open("rb") as file:
                found = file.read(_BYTES)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        if len(found) < _BYTES:
            return None
        signature, version, offsets, lengths, flags, *addresses = _LAYOUT.unpack_from(found)
        if signature != _SIGNATURE or version not in (2, 3) or (offsets, lengths) != (8, 8):
            return None
        if _CHECKSUM.unpack_from(found, _LAYOUT.size)[0] != lookup3(found[: _LAYOUT.size]):
            return None
        return cls(version, flags, *addresses)

    @property
    def is_closed(self) -> bool:
        """Whether nobody writes, or died writing."""
        return self.flags == CLOSED

    def packed(self) -> bytes:
        """The bytes, checksum included."""
        head = _LAYOUT.pack(
            _SIGNATURE, self.version, 8, 8, self.flags, self.base, self.extension, self.end,
            self.root,
        )  # fmt: skip
        return head + _CHECKSUM.pack(lookup3(head))


def lookup3(data: bytes) -> int:
    """The checksum of HDF5's metadata; see `framefold.kernels.lookup3`."""
    # late, since it brings the compiler: files that were closed in order need no checksum of ours
    return int(load_target("framefold.kernels.lookup3:lookup3")(np.frombuffer(data, np.uint8)))
