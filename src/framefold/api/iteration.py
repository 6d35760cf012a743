"""What a run gives while it goes on: one `UDFResults` after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from framefold.core.snapshot import RunState
from framefold.engine.run import Run, check_failed
from framefold.errors import UDFRunCancelled
from framefold.udf import BufferWrapper

Results = dict[str, BufferWrapper]


class UDFResults:
    """Where a run stands, as `Context.run_udf_iter` gives it.

    Parameters
    ----------
    run : Run
        It is asked when `buffers` is first read, so updates that nobody looks at cost nothing.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @cached_property
    def buffers(self) -> tuple[Results, ...]:
        """For each UDF, its result buffers by name."""
        return tuple(self._run.fold.results(i) for i in range(len(self._run.udfs)))

    @property
    def damage(self) -> BufferWrapper:
        """Which scan positions are in the results; nav-shaped bool."""
        return self._run.fold.damage


class RunIterator(Iterator[UDFResults]):
    """Iterates over the updates of a run; `close` ends it early.

    Parameters
    ----------
    run : Run
        Not started yet.
    in_this_thread : bool
        Whether the work is done by `__next__` itself.
    """

    def __init__(self, run: Run, *, in_this_thread: bool) -> None:
        self._run = run
        self._steps = run.steps() if in_this_thread else None
        self._seen = 0
        self._given = 0
        self._over = False
        if self._steps is None:
            run.start()

    def __next__(self) -> UDFResults:
        if self._over:
            raise StopIteration
        if not self._advance():
            self._over = True
            self._finish()
            if self._given:
                raise StopIteration
            # a run without any partition still has one result: the empty one
        self._given += 1
        return UDFResults(self._run)

    def _advance(self) -> bool:
        if self._steps is not None:
            try:
                next(self._steps)
            except StopIteration:
                return False
            return True
        if self._given < self._seen:
            return True
        self._seen = self._run.wait_for_blocks(self._given)
        return self._given < self._seen

    def _finish(self) -> None:
        self._run.join()
        check_failed(self._run)
        if self._run.state is RunState.ABORTED and self._run.latest.reason == "cancelled":
            raise UDFRunCancelled(f"UDF run cancelled after {self._given} partitions")

    def update_parameters_experimental(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """Change UDF parameters for every block that was not handed out yet.

        Parameters
        ----------
        patches : sequence of mapping
            One for each UDF; may be empty.
        """
        self._run.update(patches)

    def close(self) -> None:
        """End the run; results taken so far stay good."""
        if self._over:
            return
        self._over = True
        self._run.cancel()
        if self._steps is not None:
            for _ in self._steps:
                pass
        self._run.join()

    def __del__(self) -> None:
        if not self._over and self._steps is None:
            self._run.cancel()
