"""HDF5's filters undone here: our codecs, deflate, shuffle and Fletcher-32, in any order."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import codec, describe

DEFLATE: Final = "deflate"
SHUFFLE: Final = "shuffle"
FLETCHER32: Final = "fletcher32"
CODECS: Final = ("bslz4", "lz4-framed")
UNDONE_HERE: Final = (DEFLATE, SHUFFLE, FLETCHER32, *CODECS)

MOST_EXPANDED: Final = 1100
"""No filter of these makes more of a byte: 1032 is deflate's limit, 255 that of LZ4."""

_CHECKSUM_BYTES = 4
_WORDS = 1 << 20
"""Words of a checksum that are added up at a time."""


@dataclass(frozen=True, slots=True)
class FilterChain:
    """What was done to the chunks of a dataset before they were stored.

    Parameters
    ----------
    names : tuple of str
        Each of `UNDONE_HERE`, in the order of writing.
    dtype : numpy.dtype
        Pixel type as stored, byte order included.
    """

    names: tuple[str, ...]
    dtype: np.dtype[Any]

    @property
    def codec(self) -> str | None:
        """The codec that takes chunks as they are stored; None if there is more to undo."""
        if not self.names:
            return "raw"
        return self.names[0] if len(self.names) == 1 and self.names[0] in CODECS else None

    def undo(self, stored: NDArray[np.uint8], skipped: int, out: NDArray[Any]) -> str | None:
        """Decode one chunk.

        Parameters
        ----------
        stored : ndarray of uint8
            Its bytes in the file.
        skipped : int
            A bit for each filter that was left out when this chunk was written.
        out : ndarray, C-contiguous, machine byte order
            Memory for the pixels.

        Returns
        -------
        str or None
            What is wrong with it; None when it is good.
        """
        content = stored
        for i, name in reversed(list(enumerate(self.names))):
            if skipped >> i & 1:
                continue
            try:
                content = self._undo_one(name, content, out.nbytes)
            except (ValueError, zlib.error) as error:
                return f"does not decode ({name}: {error})"
        if len(content) != out.nbytes:
            return f"decodes to {len(content)} bytes instead of {out.nbytes}"
        np.copyto(out.reshape(-1), content.view(self.dtype))
        return None

    def _undo_one(self, name: str, content: NDArray[np.uint8], wanted: int) -> NDArray[np.uint8]:
        if name == FLETCHER32:
            return checked(content)
        if name == DEFLATE:
            decoder = zlib.decompressobj()
            # one filter may stand behind that adds a checksum
            made = decoder.decompress(content.data, wanted + _CHECKSUM_BYTES + 1)
            if not decoder.eof:
                raise ValueError(f"longer than {wanted} bytes, or cut off")
            return np.frombuffer(made, np.uint8)
        itemsize = self.dtype.itemsize
        if name == SHUFFLE:
            if len(content) % itemsize:
                raise ValueError(f"{len(content)} bytes are no whole number of pixels")
            return _unshuffled(content, itemsize)
        room = np.empty((1, wanted // itemsize), np.dtype(f"V{itemsize}"))
        begin, length = np.zeros(1, np.int64), np.array([len(content)], np.int64)
        (status,) = codec(name).decode(np.ascontiguousarray(content), begin, length, room)
        if status:
            raise ValueError(describe(status))
        return room.reshape(-1).view(np.uint8)


def _unshuffled(content: NDArray[np.uint8], itemsize: int) -> NDArray[np.uint8]:
    """Bytes back in their pixels: the first of all pixels were stored first."""
    pixels = np.empty((len(content) // itemsize, itemsize), np.uint8)
    # byte by byte is ten times as fast as numpy's transposition (2 bytes: 60 and 580 us a frame)
    for i, plane in enumerate(content.reshape(itemsize, -1)):
        pixels[:, i] = plane
    return pixels.reshape(-1)


def checked(content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bytes in front of a Fletcher-32 checksum.

    Raises
    ------
    ValueError
        If the checksum is another one.

    Notes
    -----
    HDF5 1.14, src/H5checksum.c: sums of big-endian words, modulo 65535. Files by libraries
    older than 1.6.3 have the bytes of each half swapped; HDF5 takes both.
    """
    if len(content) < _CHECKSUM_BYTES:
        raise ValueError("no room for a checksum")
    body = content[:-_CHECKSUM_BYTES]
    low, high = content[-_CHECKSUM_BYTES:].view("<u2").tolist()
    swapped = content[-_CHECKSUM_BYTES:].view(">u2").tolist()
    found = _sums(body)
    if found not in ((low % 65535, high % 65535), (swapped[0] % 65535, swapped[1] % 65535)):
        raise ValueError("the checksum is another one")
    return body


def _sums(body: NDArray[np.uint8]) -> tuple[int, int]:
    even = body[: len(body) // 2 * 2].view(">u2")
    words = len(even) + len(body) % 2
    low = high = 0
    for first in range(0, len(even), _WORDS):
        part = even[first : first + _WORDS].astype(np.int64)
        left = words - first - np.arange(len(part), dtype=np.int64)
        low += int(part.sum())
        high += int((part * (left % 65535)).sum())
    if len(body) % 2:
        last = int(body[-1]) << 8
        low, high = low + last, high + last
    return low % 65535, high % 65535
