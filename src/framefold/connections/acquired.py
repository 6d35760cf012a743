"""AcquiredReader: the frames of one acquisition, and the hooks that go with its run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from framefold.connections.hooks import Acquiring, EndEnv, Hooks, Moment, PartitionEnv
from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending, Reader


class AcquiredReader:
    """The frames of one acquisition; who runs it calls `merged` and `ended` as it goes on.

    Parameters
    ----------
    reader : Reader
        Where the frames come from.
    aq : Acquiring
        What the hooks are told it is.
    hooks : Hooks
    stopped : callable
        Called once if the run ends before the series does.
    """

    def __init__(
        self, reader: Reader, aq: Acquiring, hooks: Hooks, stopped: Callable[[], None]
    ) -> None:
        self._reader = reader
        self._aq = aq
        self._hooks = hooks
        self._stopped = stopped
        self._partitions = 0

    @property
    def acquisition(self) -> Acquisition:
        """What is known of the measurement."""
        return self._reader.acquisition

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:
        """See `Reader.blocks`."""
        return self._reader.blocks(plan)

    def release(self, block: Block) -> None:
        """See `Reader.release`."""
        self._reader.release(block)

    def stop(self) -> None:
        """See `Reader.stop`."""
        self._reader.stop()

    def abandon(self) -> None:
        """There will be no run after all."""
        self.stop()
        self._stopped()

    def losses(self) -> Losses:
        """See `Reader.losses`."""
        return self._reader.losses()

    def ending(self) -> Ending:
        """See `Reader.ending`."""
        return self._reader.ending()

    def merged(self, results: Moment) -> None:
        """More is in the results."""
        self._partitions += 1
        self._hooks.on_partition(PartitionEnv(self._aq, self._partitions, results))

    def ended(self, results: Moment, early: str | None) -> None:
        """The run is over.

        Parameters
        ----------
        results : Moment
        early : str or None
            Why it ended before its time; None if it did not.
        """
        ending = self.ending()
        if early is None:
            self._hooks.on_complete(EndEnv(self._aq, results, ending, ending.reason))
            return
        self._stopped()
        self._hooks.on_abort(EndEnv(self._aq, results, ending, early))
