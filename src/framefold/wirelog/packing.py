"""Zstandard, where somebody installed it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from framefold.errors import DataError, ParameterError

_MISSING = "needs `pip install 'framefold[zstd]'`"


@cache
def _library() -> Any:
    try:
        # optional: only compressed logs need it
        import zstandard
    except ImportError:
        return None
    return zstandard


def packer(level: int) -> Callable[[bytes], bytes]:
    """What compresses.

    Parameters
    ----------
    level : int
        How hard, 1 to 19.

    Raises
    ------
    ParameterError
        If the package ``zstandard`` is not there.
    """
    library = _library()
    if library is None:
        raise ParameterError(f"a compressed log {_MISSING}")
    made = library.ZstdCompressor(level=level)
    return lambda data: bytes(made.compress(data))


def unpacked(data: bytes | memoryview, size: int) -> bytes:
    """What was compressed.

    Parameters
    ----------
    data : bytes or memoryview
    size : int
        How long it must be [bytes]; nothing longer is made.

    Raises
    ------
    DataError
        If it is damaged, or the package ``zstandard`` is not there.
    """
    library = _library()
    if library is None:
        raise DataError(f"this log is compressed: reading it {_MISSING}")
    try:
        told = library.get_frame_parameters(data).content_size
        found = library.ZstdDecompressor().decompress(data) if told == size else b""
    except library.ZstdError as error:
        raise DataError(f"a compressed message is damaged: {error}") from error
    if len(found) != size:
        raise DataError(f"a compressed message tells {told} bytes instead of {size}")
    return bytes(found)
