"""TilingScheme: one decision, for all UDFs of a run, how frames are cut into tiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from framefold.core.shape import Shape, Slice

TILE_SIZE_BEST_FIT: Final = "best-fit"
TILE_SIZE_MAX: Final = math.inf
TILE_DEPTH_DEFAULT: Final = "default-depth"
TILE_DEPTH_MAX: Final = math.inf


DEFAULT_DEPTH: Final = 32
"""Frames that ``TILE_DEPTH_DEFAULT`` stands for where frames are cut into cells."""


class UDFMethod(Enum):
    """Which of its methods a UDF wants to be called."""

    TILE = "tile"
    FRAME = "frame"
    PARTITION = "partition"


class TilingScheme:
    """A regular grid of cells over the detector, and how many frames a tile has.

    Parameters
    ----------
    cells : sequence of Slice
        Signal boxes that cover the detector without overlap.
    tile_shape : Shape
        ``(depth,)`` and the lengths of the largest cell.
    dataset_shape : Shape
        What is cut.
    intent : str or None
        ``"tile"``, ``"frame"`` or ``"partition"``: what the most demanding UDF asked for.
    debug : object
        Kept for people, never read.
    """

    def __init__(
        self,
        cells: Sequence[Slice],
        tile_shape: Shape,
        dataset_shape: Shape,
        intent: str | None = None,
        debug: Any = None,
    ) -> None:
        self._cells = tuple(cells)
        self._shape = tile_shape
        self._dataset_shape = dataset_shape
        self._intent = intent
        self.debug = debug

    @classmethod
    def make_for_shape(
        cls,
        tileshape: Shape,
        dataset_shape: Shape,
        intent: str | None = None,
        debug: Any = None,
    ) -> TilingScheme:
        """The scheme whose cells have the signal part of ``tileshape``.

        Parameters
        ----------
        tileshape : Shape
            ``(depth,)`` and the lengths of one cell.
        dataset_shape : Shape
            What is cut.
        intent : str, optional
            ``"tile"``, ``"frame"`` or ``"partition"``.
        debug : object, optional
            Kept for people, never read.
        """
        whole = Slice.from_shape(dataset_shape.sig, dataset_shape.sig.dims)
        return cls(tuple(whole.subslices(tileshape.sig)), tileshape, dataset_shape, intent, debug)

    def adjust_for_partition(self, partition: Any) -> TilingScheme:
        """The scheme for one partition: in partition mode a tile is as deep as the partition.

        Parameters
        ----------
        partition : int or object with ``shape.nav.size``
            How many frames the partition has, or the partition itself.
        """
        if self._intent != "partition":
            return self
        frames = partition if isinstance(partition, int) else int(partition.shape.nav.size)
        if frames == self.depth:
            return self
        shape = Shape((frames, *self._shape.sig), self._shape.sig_dims)
        return TilingScheme(self._cells, shape, self._dataset_shape, self._intent, self.debug)

    @property
    def depth(self) -> int:
        """How many frames a tile has at most [frames]."""
        return self._shape[0]

    @property
    def shape(self) -> Shape:
        """``(depth,)`` and the lengths of the largest cell."""
        return self._shape

    @property
    def dataset_shape(self) -> Shape:
        """What is cut."""
        return self._dataset_shape

    @property
    def intent(self) -> str | None:
        """``"tile"``, ``"frame"`` or ``"partition"``."""
        return self._intent

    @property
    def slices(self) -> list[tuple[int, Slice]]:
        """All cells with their index."""
        return list(enumerate(self._cells))

    @property
    def slices_array(self) -> NDArray[np.int64]:
        """Origins and lengths of all cells: int64, shape (cells, 2, sig_dims) [pixels]."""
        return np.array([(c.origin, tuple(c.shape)) for c in self._cells], dtype=np.int64)

    def __getitem__(self, index: int) -> Slice:
        return self._cells[index]

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Slice]:
        return iter(self._cells)

    def __repr__(self) -> str:
        return f"<TilingScheme cells={len(self)} depth={self.depth} intent={self._intent}>"
