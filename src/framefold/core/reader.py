"""Reader: one acquisition's frames as blocks, taken back when folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.losses import Losses


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """What a run would like of its blocks; a reader does what it can.

    Parameters
    ----------
    workers : int
        How many workers will share the blocks.
    selection : ndarray of bool, shape (positions,), or None
        Flat C-order positions that are wanted; blocks without any may be left out.
    """

    workers: int = 1
    selection: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How an acquisition ended, as far as its reader knows.

    Parameters
    ----------
    complete : bool
        Whether the source ended it in good order with all frames it had promised.
    reason : str
        One sentence for people.
    losses : Losses
        Everything that was counted on the way.
    cut_short : bool
        Whether the last of the frames that the scan needs never came. Frames that are
        missing in between do not count: those were lost, and the measurement went to its end.
    joined : int or None
        Number of the first frame that came, if we began to listen in the middle of the series.
    """

    complete: bool
    reason: str
    losses: Losses
    cut_short: bool = False
    joined: int | None = None


class Reader(Protocol):
    """The frames of one acquisition, handed out as blocks, taken back when folded.

    ``blocks`` and ``release`` are called from different threads.
    """

    @property
    def acquisition(self) -> Acquisition:
        """What is known of the measurement."""

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:
        """Blocks as they become ready; waits for them; ends with the acquisition or on `stop`."""

    def release(self, block: Block) -> None:
        """Take a block back: its frames are folded, or given up."""

    def stop(self) -> None:
        """Hand out no more blocks; `blocks` ends soon. Callable from any thread, repeatedly."""

    def losses(self) -> Losses:
        """What was counted so far."""

    def ending(self) -> Ending:
        """How it ended; meaningful once `blocks` has ended."""


class DataSet(Protocol):
    """Something recorded that can be read again and again: each run gets its own reader."""

    @property
    def acquisition(self) -> Acquisition:
        """What is known of the measurement."""

    def reader(self) -> Reader:
        """A fresh reader over all frames."""
