"""Progress of a run: what is told, and the bar that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from tqdm.auto import tqdm

from framefold.engine.run import Run


@dataclass(frozen=True, slots=True)
class ProgressState:
    """How far a run has come.

    Parameters
    ----------
    num_frames_complete, num_frames_total : int
        Scan positions in the results, and selected in all.
    num_part_complete : int
        Partitions that are merged.
    num_part_in_progress : int
        Partitions that may be in work; an estimate.
    num_part_total : int
        Partitions in all, as far as can be told before the last one: those of a stream are
        cut while it runs.
    progress_id : str
        Tells this run from others.
    """

    num_frames_complete: int
    num_frames_total: int
    num_part_complete: int
    num_part_in_progress: int
    num_part_total: int
    progress_id: str


@runtime_checkable
class ProgressReporter(Protocol):
    """Somebody who is told how a run goes on, in the thread that waits for it."""

    def start(self, state: ProgressState) -> None:
        """A run begins."""

    def update(self, state: ProgressState) -> None:
        """Something was merged."""

    def end(self, state: ProgressState) -> None:
        """The run is over, in whatever way."""


class NoProgress:
    """Tells nobody."""

    def start(self, state: ProgressState) -> None:
        """Ignore it."""

    def update(self, state: ProgressState) -> None:
        """Ignore it."""

    def end(self, state: ProgressState) -> None:
        """Ignore it."""


class TQDMProgressReporter:
    """A bar of text, or of a notebook."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None

    def start(self, state: ProgressState) -> None:
        """Show the bar."""
        self._bar = tqdm(total=state.num_frames_total, unit="frame", desc=_text(state))

    def update(self, state: ProgressState) -> None:
        """Move the bar."""
        bar = self._bar
        if bar is None:
            return
        bar.set_description_str(_text(state), refresh=False)
        bar.update(state.num_frames_complete - bar.n)

    def end(self, state: ProgressState) -> None:
        """Leave the bar as it is."""
        self.update(state)
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def _text(state: ProgressState) -> str:
    working = f"({state.num_part_in_progress})" if state.num_part_in_progress else ""
    return f"Partitions {state.num_part_complete}{working}/{state.num_part_total}, Frames"


def reporter(progress: Any) -> ProgressReporter:
    """Who is told: the object given if it can be told, else a bar for what is true."""
    if all(hasattr(progress, name) for name in ("start", "update", "end")):
        told: ProgressReporter = progress
        return told
    return TQDMProgressReporter() if progress else NoProgress()


class Tracker:
    """Watches one run for a reporter.

    Parameters
    ----------
    run : Run
        What is watched.
    partitions : int or None
        How many there will be, if somebody knows.
    workers : int
        How many may be in work at the same time.
    """

    def __init__(self, run: Run, partitions: int | None, workers: int) -> None:
        self._run = run
        self._partitions = partitions
        self._workers = workers

    def state(self, *, over: bool = False) -> ProgressState:
        """How far the run has come by now."""
        fold = self._run.fold
        done = fold.folded_blocks
        left = fold.wanted - fold.merged
        if self._partitions is None:
            # judged by the size of those that are done
            size = fold.merged / done if done and fold.merged else 0.0
            total = done + (round(left / size + 0.499) if size else 0)
        else:
            total = max(done, self._partitions)
        in_work = 0 if over else min(self._workers, total - done)
        return ProgressState(fold.merged, fold.wanted, done, in_work, total, self._run.ident)
