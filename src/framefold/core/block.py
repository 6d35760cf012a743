"""Block: the seam. A picklable claim on frames that are ready, wherever they lie."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from framefold.errors import FramefoldError


class UndecodableFrames(FramefoldError):  # noqa: N818 - a finding, not a failure
    """Some frames of a block cannot be decoded; the others can.

    Parameters
    ----------
    rows : ndarray of int64
        Rows of the block that are damaged.
    reason : str
        What was wrong with the first of them.
    """

    def __init__(self, rows: NDArray[np.int64], reason: str) -> None:
        self.rows = rows
        self.reason = reason
        super().__init__(f"{len(rows)} frames cannot be decoded: {reason}")


class Frames(Protocol):
    """A block that has been opened in the process that works on it."""

    @property
    def positions(self) -> NDArray[np.int64]:
        """Flat scan position of each row, strictly ascending [positions]."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """Decode frames.

        Parameters
        ----------
        rows : ndarray of int64
            Rows of this block, ascending.
        out : ndarray, shape (at least len(rows),) + sig_shape, C-contiguous
            Memory for the pixels, in the acquisition's dtype.

        Returns
        -------
        ndarray, shape (len(rows),) + sig_shape
            The pixels: ``out[:len(rows)]``, or a view of memory the block already holds.
            Valid until the block is closed or ``out`` is written again.

        Raises
        ------
        UndecodableFrames
            If some of the rows are damaged; ``out`` then holds no promise.
        """


@runtime_checkable
class Blankable(Protocol):
    """Frames that may be able to put zero in place of a value while they are decoded."""

    def blank(self, value: int, dtype: np.dtype[Any]) -> bool:
        """Have `Frames.read` put zero in place of a value, from now on, if that costs nothing.

        Parameters
        ----------
        value : int
            What stands for "no value" in frames.
        dtype : numpy.dtype
            Type of the pixels.

        Returns
        -------
        bool
            Whether it will be done; False leaves it to the caller.
        """


class Block(Protocol):
    """A small picklable claim on some frames: slot of shared memory, range of a file ..."""

    @property
    def ident(self) -> int:
        """Number of the block, unique within its reader."""

    def open(self) -> AbstractContextManager[Frames]:
        """Reach the frames, in whatever process this is called."""


def positions_of(block: Block) -> NDArray[np.int64]:
    """Flat positions of a block's frames; a copy."""
    with block.open() as frames:
        return np.array(frames.positions)
