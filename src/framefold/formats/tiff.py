"""TIFF stacks: pages of one shape; used in place where they are not compressed."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.errors import DataError
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.extras import extra, library_errors
from framefold.formats.files import FileDataSet
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import Storage
from framefold.formats.request import Request
from framefold.formats.stack import Stack, one_segment, whole_frames

SUMMARY = "TIFF image stack"

_MARKS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""Byte order, and 42 for TIFF or 43 for BigTIFF."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file starts as TIFF does, classic or Big."""
    with Path(path).open("rb") as file:
        start = file.read(4)
    return f"starts with the TIFF mark {start!r}" if start in _MARKS else None


def open_file(path: str | os.PathLike[str], request: Request, *, sig_dims: int = 2) -> FileDataSet:
    """A TIFF stack as a data set; its pages are listed by tifffile.

    Parameters
    ----------
    path : path-like
        The file; its largest series of pages is taken.
    request : Request
        What the user said; everything may be left out.
    sig_dims : int
        2; others are refused, a page is a frame.

    Raises
    ------
    DataError
        If tifffile is not installed, the file is damaged, or its pages are no frames.
    """
    identity = FileIdentity.of(path)
    tifffile = extra("tifffile", "tiff", identity.path)
    with library_errors(identity.path, "tifffile"), tifffile.TiffFile(identity.path) as file:
        series = max(file.series, key=lambda one: int(one.size))
        shape = tuple(int(n) for n in series.shape)
        if sig_dims != 2 or len(shape) < 2 or series.keyframe.samplesperpixel != 1:
            raise DataError(
                f"{identity.path} holds {shape} (axes {series.axes}); frames are pages of one "
                "sample for each pixel"
            )
        dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
        nav, sig = shape[:-2] or (1,), shape[-2:]
        # a writer that adds page after page leaves as many series
        alike = [s for s in file.series if s.shape == series.shape and s.dtype == series.dtype]
        if len(alike) > 1:
            nav = (len(alike), *shape[:-2])
        storage, codec = _storage(identity, alike, math.prod(nav), sig, dtype)
        axes = str(series.axes)
    return Stack(
        identity,
        "tiff",
        understands(identity.path) or "told by the user",
        sig,
        dtype,
        one_segment(storage),
        math.prod(nav),
        nav_shape=nav,
        nav_reason=f"the axes {axes} of the stack",
        codec=codec,
        metadata={"axes": axes},
    ).data_set(request)


def _storage(
    identity: FileIdentity,
    series: list[Any],
    frames: int,
    sig: tuple[int, ...],
    dtype: np.dtype[Any],
) -> tuple[Storage, str]:
    """The fastest way to the pixels, and how they are stored."""
    pixels = math.prod(sig)
    frame_bytes = pixels * dtype.itemsize
    kinds = {(s.keyframe.compression, s.keyframe.predictor, s.keyframe.fillorder) for s in series}
    plain = kinds == {(1, 1, 1)}
    start = series[0].dataoffset
    if plain and len(series) == 1 and start is not None:
        found = min(frames, whole_frames(identity.size, start, frame_bytes, frame_bytes))
        return MappedFrames(identity, start, frame_bytes, found, pixels, dtype), "raw"
    pages = [page for one in series for page in one.pages]
    lacking = frames - sum(page is not None for page in pages)
    if lacking:
        raise DataError(f"{identity.path} lacks {lacking} of the {frames} pages of its stack")
    if plain and all(page.is_contiguous for page in pages):
        offsets = np.array([page.dataoffsets[0] for page in pages], dtype=np.int64)
        lengths = np.full(frames, frame_bytes, dtype=np.int64)
        return ChunkedFrames(identity, offsets, lengths, "raw", pixels, dtype), "raw"
    indexes = np.array([page.index for page in pages], dtype=np.int64)
    compression = series[0].keyframe.compression
    name = getattr(compression, "name", str(compression)).lower()
    return PagedFrames(identity, indexes), "in pieces" if plain else name


@dataclass(frozen=True, slots=True, eq=False)
class PagedFrames:
    """Pages that tifffile decodes; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    pages : ndarray of int64, shape (frames,)
        Number of the page that each frame is.
    """

    identity: FileIdentity
    pages: NDArray[np.int64]

    @property
    def frames(self) -> int:
        """How many frames."""
        return len(self.pages)

    def piece(self, first: int, stop: int) -> PagedFrames:
        """The frames ``[first, stop)``."""
        return PagedFrames(self.identity, self.pages[first:stop])

    def open(self) -> OpenPagedFrames:
        """The file, opened.

        Raises
        ------
        DataError
            If it has changed, or tifffile is not installed.
        """
        self.identity.check()
        tifffile = extra("tifffile", "tiff", self.identity.path)
        with library_errors(self.identity.path, "tifffile"):
            return OpenPagedFrames(self, tifffile.TiffFile(self.identity.path))


class OpenPagedFrames:
    """Decodes pages one by one.

    Parameters
    ----------
    piece : PagedFrames
        What to read.
    file : tifffile.TiffFile
        Where from; closed with this.
    """

    def __init__(self, piece: PagedFrames, file: Any) -> None:
        self._piece = piece
        self._file = file

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        damaged: list[int] = []
        reason = ""
        for i, row in enumerate(rows.tolist()):
            try:
                with library_errors(self._piece.identity.path, "tifffile"):
                    page = _sane(self._file.pages[int(self._piece.pages[row])], out.shape[1])
                    out[i] = page.asarray().reshape(-1)
            except DataError as error:
                damaged.append(row)
                reason = reason or str(error)
        if damaged:
            raise UndecodableFrames(np.array(damaged, dtype=np.int64), reason)
        return out


def _sane(page: Any, pixels: int) -> Any:
    """A page that has the pieces it promises, all of them of a size that pieces have.

    Raises
    ------
    DataError
        If not: tifffile would go through millions of pieces that a damaged tag promises.
    """
    page = page.aspage()
    pieces, there = math.prod(page.chunked), len(page.dataoffsets)
    if math.prod(page.shape) != pixels or pieces != there or len(page.databytecounts) != there:
        raise DataError(
            f"page {page.index} has {there} pieces of {page.shape}, and promises {pieces} pieces "
            f"of {pixels} pixels in all"
        )
    # pieces at the edges reach beyond the page, but none is much larger than it
    if math.prod(page.chunks) > 4 * pixels + (1 << 20):
        raise DataError(f"page {page.index} has pieces of {page.chunks} pixels")
    return page
