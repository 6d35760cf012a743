"""What a run gives while it goes on: one `UDFResults` after another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.api.watching import Watching
from framefold.core.position_table import whole_numbers
from framefold.core.scan import NOWHERE, Scan
from framefold.core.scan_estimate import ScanEstimate, estimated
from framefold.core.scan_rule import ScanRule
from framefold.core.snapshot import RunState
from framefold.engine.fold import Refolded
from framefold.engine.run import CANCELLED, Run, check_failed
from framefold.errors import JobCancelledError, ParameterError, UDFRunCancelled
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
    def _moment(self) -> tuple[tuple[Results, ...], BufferWrapper]:
        # copies: while somebody looks at them, the folding thread goes on merging
        return self._run.fold.moment()

    @property
    def buffers(self) -> tuple[Results, ...]:
        """For each UDF, its result buffers by name, as they were when first asked for."""
        return self._moment[0]

    @property
    def damage(self) -> BufferWrapper:
        """Which scan positions are in `buffers`; nav-shaped bool."""
        return self._moment[1]

    def refold(
        self,
        nav_shape: Sequence[int] | None = None,
        sync_offset: int = 0,
        *,
        order: Literal["raster", "snake"] | None = None,
        flyback: int | None = None,
        lead_in: int | None = None,
        frames_per_position: int = 1,
        positions: ArrayLike | None = None,
    ) -> RefoldedResults:
        """The results of the run as they are now, in another scan of the same frames.

        No frame is looked at again: what UDFs keep for each frame moves to where the frame
        belongs, and ``get_results`` is called with the new shape. May be called while the run
        goes on, and afterwards.

        Parameters
        ----------
        nav_shape : sequence of int, optional
            Scan shape; up to two axes may be ``-1``. That of the run when left out.
        sync_offset : int
            Frames to skip at the start, or positions to leave blank (negative).
        order, flyback, lead_in, frames_per_position, positions
            As in `ScanRule`; several frames at each position become one more axis.

        Raises
        ------
        ScanError
            If there is no such scan.
        """
        run = self._run
        shape = run.reader.acquisition.nav_shape if nav_shape is None else nav_shape
        rule = ScanRule(
            tuple(int(n) for n in shape),
            sync_offset,
            order=order,
            flyback=flyback,
            lead_in=lead_in,
            frames_per_position=frames_per_position,
            repeats="axis",
            positions=None if positions is None else whole_numbers(positions),
        )
        scan = run.scan_of(rule)
        return RefoldedResults(run, scan, run.fold.refolded(scan))

    def estimate_scan(self, sums: ArrayLike | None = None) -> ScanEstimate:
        """How long a line of the scan is, and where the first begins, by the looks of it.

        Parameters
        ----------
        sums : array-like, optional
            A brightness of each frame, in the order in which they were taken; the first nav
            result of one number for each position when left out.

        Raises
        ------
        ParameterError
            If there is no such result, or too little in it.
        """
        if sums is None:
            sums = self._brightness()
        return estimated(np.asarray(sums, dtype=np.float64))

    def _brightness(self) -> NDArray[np.float64]:
        scan = self._run.reader.acquisition.scan
        for results in self.buffers:
            for buffer in results.values():
                if buffer.kind == "nav" and buffer.data.shape == scan.shape:
                    numbers = scan.numbers(0, scan.size)
                    here = (numbers != NOWHERE) & np.asarray(self.damage.data).reshape(-1)
                    if not here.any() or buffer.data.dtype.kind not in "iuf":
                        continue
                    found = np.full(int(numbers[here].max()) + 1, np.nan)
                    found[numbers[here]] = buffer.data.reshape(-1)[here]
                    return found
        raise ParameterError(
            "no result has one number for each position; run SumSigUDF or a virtual detector, too"
        )

    def settled(self) -> UDFResults:
        """The same, computed now."""
        _ = self._moment
        return self


class RefoldedResults:
    """Results of a run in another scan, as `UDFResults.refold` gives them.

    Parameters
    ----------
    run : Run
    scan : Scan
        The other scan.
    refolded : Refolded
    """

    def __init__(self, run: Run, scan: Scan, refolded: Refolded) -> None:
        self.scan = scan
        """The other scan."""
        self.left_out = dict(refolded.left_out)
        """Why UDFs have no results here, by their names."""
        fold = refolded.fold
        names = [name for name in run.udfs if name not in self.left_out]
        buffers = () if fold is None else fold.moment()[0]
        found = dict(zip(names, buffers, strict=True))
        self.buffers = tuple(found.get(name, {}) for name in run.udfs)
        """For each UDF of the run, its result buffers by name; empty for those left out."""
        self.damage = None if fold is None else fold.damage
        """Which positions are in `buffers`; nav-shaped bool. None if no UDF is left."""


class RunIterator(Iterator[UDFResults]):
    """Iterates over the updates of a run; `close` ends it early.

    Parameters
    ----------
    run : Run
        Not started yet.
    watching : Watching
        Who is shown how it goes on.
    in_this_thread : bool
        Whether the work is done by `__next__` itself.
    """

    def __init__(self, run: Run, watching: Watching, *, in_this_thread: bool) -> None:
        self._run = run
        self._watching = watching
        self._steps = run.steps() if in_this_thread else None
        self._seen = 0
        self._given = 0
        self._over = False
        watching.begin()
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
        update = UDFResults(self._run)
        self._watching.moved(update)
        return update

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
        run = self._run
        run.join()
        cancelled = run.state is RunState.ABORTED and run.latest.reason == CANCELLED
        cut_short = self._watching.wants_whole and run.reader.ending().cut_short
        failed = run.error is not None or run.state is RunState.FAILED
        early = run.latest.reason if cancelled or cut_short or failed else None
        self._watching.end(UDFResults(run), well=run.error is None, early=early)
        if isinstance(run.error, JobCancelledError):
            raise self._cancelled() from run.error
        check_failed(run)
        if cancelled:
            raise self._cancelled()
        if cut_short:
            raise self._cancelled(f": {early}")

    def _cancelled(self, why: str = "") -> UDFRunCancelled:
        error = UDFRunCancelled(f"UDF run cancelled after {self._given} partitions{why}")
        error.buffers, error.damage = self._run.fold.moment()
        return error

    def refold(
        self, nav_shape: Sequence[int] | None = None, sync_offset: int = 0, **scan: Any
    ) -> RefoldedResults:
        """The results as they are now, in another scan; see `UDFResults.refold`."""
        return UDFResults(self._run).refold(nav_shape, sync_offset, **scan)

    def update_parameters_experimental(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """Change UDF parameters for every block that was not handed out yet.

        Parameters
        ----------
        patches : sequence of mapping
            One for each UDF; may be empty.
        """
        self._run.update(patches)

    def throw(
        self,
        kind: BaseException | type[BaseException],
        value: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> NoReturn:
        """End the run and raise an exception, as if it had come up in it.

        Parameters
        ----------
        kind : exception, or class of exceptions
            What to raise; the other two as for a generator's ``throw``.
        """
        self.close()
        raised = value if value is not None else kind if isinstance(kind, BaseException) else kind()
        raise raised.with_traceback(trace) if trace is not None else raised

    def close(self) -> None:
        """End the run; results taken so far stay good."""
        if self._over:
            return
        self._over = True
        self._run.cancel()
        if self._steps is not None:
            for _ in self._steps:
                pass
        self._run.end()
        self._watching.end(UDFResults(self._run), well=False, early="nobody waits for its end")

    def cancel(self) -> None:
        """Ask the run to end soon, from any thread; does not wait for it."""
        if not self._over:
            self._run.cancel()

    def __del__(self) -> None:
        if not self._over and self._steps is None:
            self._run.cancel()


class AsyncRunIterator(AsyncIterator[UDFResults]):
    """The updates of a run for ``async for``; waiting for them keeps no event loop.

    Each update is computed when it is given and has arrays of its own.

    Parameters
    ----------
    updates : RunIterator
        Nobody else draws from it.
    """

    def __init__(self, updates: RunIterator) -> None:
        self._updates = updates
        self._drawing = threading.Lock()  # an `aclose` may come while `__anext__` still waits

    async def __anext__(self) -> UDFResults:
        found = await asyncio.to_thread(self._draw)
        if found is None:
            raise StopAsyncIteration
        return found

    def _draw(self) -> UDFResults | None:
        with self._drawing:
            found = next(self._updates, None)
            return None if found is None else found.settled()

    async def update_parameters_experimental(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """See `RunIterator.update_parameters_experimental`."""
        await asyncio.to_thread(self._updates.update_parameters_experimental, patches)

    async def athrow(
        self,
        kind: BaseException | type[BaseException],
        value: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> NoReturn:
        """See `RunIterator.throw`."""
        await self.aclose()
        self._updates.throw(kind, value, trace)

    async def aclose(self) -> None:
        """End the run; results taken so far stay good."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._updates.cancel()  # what waits in `_draw` ends soon
        with self._drawing:
            self._updates.close()
