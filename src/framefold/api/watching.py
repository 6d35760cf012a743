"""Watching: those who are shown how a run goes on, while somebody waits for it."""

from __future__ import annotations

from framefold.api.plotting import Plotting
from framefold.api.progress import NoProgress, ProgressReporter, Tracker
from framefold.connections.acquired import AcquiredReader
from framefold.connections.hooks import Moment
from framefold.engine.run import Run


class Watching:
    """Progress and plots of one run; called in the thread that waits, not in the one that merges.

    Parameters
    ----------
    run : Run
    tracker : Tracker
    reporter : ProgressReporter
    plotting : Plotting
    acquired : AcquiredReader or None
        Whose hooks are called, where the frames come from a connection.
    """

    def __init__(
        self,
        run: Run,
        tracker: Tracker,
        reporter: ProgressReporter,
        plotting: Plotting,
        acquired: AcquiredReader | None = None,
    ) -> None:
        self._run = run
        self._tracker = tracker
        self._reporter = reporter
        self._plotting = plotting
        self._acquired = acquired
        self._silent = isinstance(reporter, NoProgress)
        self._begun = self._ended = False

    def begin(self) -> None:
        """The run is about to start."""
        self._begun = True
        self._reporter.start(self._tracker.state())
        self._plotting.display()

    @property
    def wants_whole(self) -> bool:
        """Whether a measurement that ended early is an error to whoever waits."""
        return self._acquired is not None

    def moved(self, results: Moment) -> None:
        """Something was merged."""
        if not self._silent:
            self._reporter.update(self._tracker.state())
        if self._plotting:
            self._plotting.show(self._run.fold.results, self._run.fold.damage)
        if self._acquired is not None and not self._ended:
            self._acquired.merged(results)

    def end(self, results: Moment, *, well: bool, early: str | None = None) -> None:
        """The run is over.

        Parameters
        ----------
        results : Moment
            What there is.
        well : bool
            Whether results are to be shown once more, as they are in the end.
        early : str or None
            Why it ended before its time; None if it did not.
        """
        if not self._begun or self._ended:
            return
        self._ended = True
        self._reporter.end(self._tracker.state(over=True))
        if well and self._plotting:
            self._plotting.show(self._run.fold.results, self._run.fold.damage, force=True)
        if self._acquired is not None:
            self._acquired.ended(results, early)
