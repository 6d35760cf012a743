"""Frames in chunks that hold several of them, or parts: each chunk is decoded once for a block."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.formats.box_grid import BoxGrid, groups
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import WHEREVER
from framefold.formats.rooms import Rooms

KEPT_BYTES = 256 * 1024 * 1024
"""Most memory for decoded chunks that a block keeps until it is closed."""

_BATCH_BYTES = 16 * 1024 * 1024
"""Decoded bytes of the chunks that are fetched and decoded in one go."""

Stack = list[NDArray[Any]]
"""The decoded cells of a stack."""


class OpenCells(Protocol):
    """Chunks that can be fetched, in the process that works on them."""

    def impossible(self, cells: NDArray[np.int64], cell_bytes: int) -> dict[int, str]:
        """Which chunks cannot become ``cell_bytes`` by what is stored of them; as `decode`.

        Asked before there is memory for them: a damaged header can name any size.
        """

    def in_place(self, cells: NDArray[np.int64], elements: int) -> list[NDArray[Any]] | None:
        """Chunks of so many pixels each as they lie in the file; None if they must be decoded."""

    def decode(self, cells: NDArray[np.int64], out: NDArray[Any]) -> dict[int, str]:
        """Fetch and decode some chunks.

        Parameters
        ----------
        cells : ndarray of int64, shape (n,)
            Their numbers, C order over stacks and the cells of a stack.
        out : ndarray, shape (n, elements), C-contiguous
            Memory for the pixels, machine byte order.

        Returns
        -------
        dict of int to str
            What is wrong with those that are damaged, by their place in ``cells``.
        """


class Cells(Protocol):
    """Where the chunks of an array lie; small, immutable, picklable."""

    @property
    def identity(self) -> FileIdentity:
        """The file that stands for them."""

    def part(self, window: tuple[slice, ...]) -> Cells:
        """Those of some stacks."""

    def open(self) -> OpenCells:
        """Reach them, in whatever process this is called.

        Raises
        ------
        DataError
            If the file has vanished or changed.
        """


@dataclass(frozen=True, slots=True, eq=False)
class BoxedFrames:
    """Frames in chunks of any shape; storage on the main side and piece in a block.

    Parameters
    ----------
    grid : BoxGrid
        How they lie in the chunks.
    cells : Cells
        Where the chunks lie.
    dtype : numpy.dtype
        Pixel type, in the byte order of this machine.
    first, frames : int
        Which of the frames, counted in C order over the navigation axes.
    """

    grid: BoxGrid
    cells: Cells
    dtype: np.dtype[Any]
    first: int
    frames: int

    gap: ClassVar[int] = WHEREVER

    @property
    def identity(self) -> FileIdentity:
        """The file, for those who want to know whether it is still the same."""
        return self.cells.identity

    def piece(self, first: int, stop: int) -> BoxedFrames:
        """The frames ``[first, stop)``, with the places of the chunks that hold them."""
        low, high = self.first + first, self.first + stop
        grid = self.grid.part(low, high)
        cells = self.cells.part(grid.window(self.grid))
        return BoxedFrames(grid, cells, self.dtype, low, stop - first)

    def open(self) -> OpenBoxedFrames:
        """The chunks, ready to be fetched."""
        return OpenBoxedFrames(self, self.cells.open())


class OpenBoxedFrames:
    """Puts frames together from decoded chunks, and keeps these for the frames to come.

    Parameters
    ----------
    piece : BoxedFrames
        What to read.
    cells : OpenCells
        Where the chunks come from.
    """

    def __init__(self, piece: BoxedFrames, cells: OpenCells) -> None:
        self._grid = piece.grid
        self._dtype = piece.dtype
        self._cells = cells
        self._boxes = piece.grid.boxes
        numbers = np.arange(piece.first, piece.first + piece.frames)
        self._stack, self._inside = piece.grid.places(numbers)
        self._rooms = Rooms()
        self._kept: dict[int, Stack] = {}
        self._kept_bytes = 0
        self._damaged: dict[int, str] = {}  # stack -> what is wrong with it
        self._stack_bytes = piece.grid.per_stack * piece.grid.elements * piece.dtype.itemsize

    def close(self) -> None:
        """Forget the decoded chunks."""
        self._kept.clear()
        self._rooms.give_back()

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`; frames of one chunk come in place."""
        stacks, inside = self._stack[rows], self._inside[rows]
        wanted = np.unique(stacks).tolist()
        lacking = [stack for stack in wanted if stack not in self._kept]
        found: dict[int, Stack] = {}
        target = out.reshape(len(rows), *self._grid.sig_shape)
        for group in groups(lacking, _BATCH_BYTES // max(1, self._stack_bytes)):
            found = self._fetch([stack for stack in group if stack not in self._damaged])
            if len(wanted) > 1:
                for stack, cells in found.items():
                    self._place(np.flatnonzero(stacks == stack), inside, cells, target)
        bad = [stack for stack in wanted if stack in self._damaged]
        if bad:
            damaged = rows[np.isin(stacks, bad)]
            raise UndecodableFrames(damaged, self._damaged[bad[0]])
        if len(wanted) == 1:
            cells = found[wanted[0]] if lacking else self._kept[wanted[0]]
            view = self._view(cells, inside)
            if view is not None:
                return view
            self._place(np.arange(len(rows)), inside, cells, target)
            return out
        fresh = set(lacking)
        for stack in wanted:
            if stack not in fresh:
                self._place(np.flatnonzero(stacks == stack), inside, self._kept[stack], target)
        return out

    def _view(self, cells: Stack, inside: NDArray[np.int64]) -> NDArray[Any] | None:
        """Consecutive frames of a stack as they lie there; None if they must be put together."""
        grid = self._grid
        if len(cells) > 1 or grid.fixed or grid.sig_chunk != grid.sig_shape:
            return None
        if inside[-1] - inside[0] + 1 != len(inside) or (np.diff(inside) != 1).any():
            return None
        found: NDArray[Any] = grid.frames(cells[0])[inside[0] : inside[-1] + 1]
        view = found.reshape(len(inside), -1)
        view.flags.writeable = False  # other tiles may be views of the same frames
        return view

    def _place(
        self,
        rows: NDArray[np.int64],
        inside: NDArray[np.int64],
        cells: Stack,
        target: NDArray[Any],
    ) -> None:
        """Copy the frames of a stack to some rows of the target."""
        chosen = inside[rows]
        cuts = np.flatnonzero((np.diff(rows) != 1) | (np.diff(chosen) != 1)) + 1
        edges = [0, *cuts.tolist(), len(rows)]
        for box, cell in zip(self._boxes, cells, strict=True):
            frames = self._grid.frames(cell)
            within = tuple(slice(0, side.stop - side.start) for side in box)
            for low, high in itertools.pairwise(edges):
                row, frame, count = int(rows[low]), int(chosen[low]), high - low
                target[(slice(row, row + count), *box)] = frames[
                    (slice(frame, frame + count), *within)
                ]

    def _fetch(self, stacks: list[int]) -> dict[int, Stack]:
        """Decode some stacks; what there is room for is kept."""
        if not stacks:
            return {}
        each = self._grid.per_stack
        cells = (np.array(stacks)[:, None] * each + np.arange(each)).reshape(-1)
        cell_bytes = self._grid.elements * self._dtype.itemsize
        if impossible := self._cells.impossible(cells, cell_bytes):
            for at, reason in impossible.items():
                self._damaged.setdefault(stacks[at // each], reason)
            return self._fetch([stack for stack in stacks if stack not in self._damaged])
        lying = self._cells.in_place(cells, self._grid.elements)
        if lying is not None:
            found = {stack: lying[i * each : (i + 1) * each] for i, stack in enumerate(stacks)}
            self._kept.update(found)
            return found
        size = len(stacks) * self._stack_bytes
        keep = self._kept_bytes + size <= KEPT_BYTES
        memory = self._rooms.borrow(size) if keep else np.empty(size, np.uint8)
        room = memory.view(self._dtype).reshape(len(cells), self._grid.elements)
        for at, reason in self._cells.decode(cells, room).items():
            self._damaged.setdefault(stacks[at // each], reason)
        found = {
            stack: list(room[i * each : (i + 1) * each])
            for i, stack in enumerate(stacks)
            if stack not in self._damaged
        }
        if keep:
            self._kept.update(found)
            self._kept_bytes += size
        return found
