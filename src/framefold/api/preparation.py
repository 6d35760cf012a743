"""Preparation: from what a user asks for to a run, and those who watch it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from framefold.api.plots import Channel, Live2DPlot
from framefold.api.plots import Results as AnyResults
from framefold.api.plotting import planned
from framefold.api.progress import ProgressReporter, Tracker, reporter
from framefold.api.watching import Watching
from framefold.connections.acquired import AcquiredReader
from framefold.core.reader import DataSet, Reader
from framefold.core.roi import selection
from framefold.engine.pool import Pool
from framefold.engine.run import Run
from framefold.errors import ParameterError
from framefold.formats.dataset import RecordedDataSet
from framefold.udf import UDF


def prepared(
    pool: Pool,
    plot_class: Callable[[], Callable[..., Live2DPlot]],
    dataset: DataSet | Reader,
    udfs: tuple[UDF, ...],
    *,
    roi: Any,
    corrections: Any,
    progress: bool | ProgressReporter,
    backends: str | Iterable[str] | None,
    plots: Any,
    ordered: bool,
    dry_run: bool,
) -> tuple[Run, Watching]:
    """A run that is not started, and those who are shown how it goes on.

    Parameters
    ----------
    pool : Pool
        Who works.
    plot_class : callable
        Gives what makes plots, once some are asked for.
    dataset, udfs, roi, corrections, progress, backends, plots, ordered, dry_run
        As for ``Context.run_udf``. A live acquisition is waited for.

    Raises
    ------
    ParameterError
        If ``dataset`` is none.
    """
    if hasattr(dataset, "reader"):
        reader: Reader = dataset.reader()
    elif hasattr(dataset, "blocks"):
        reader = dataset
    else:
        raise ParameterError(f"dataset={dataset!r} is no data set; give what Context.load returns")
    try:
        return _prepared(
            reader, pool, plot_class, dataset, udfs, roi, corrections, progress, backends, plots,
            ordered, dry_run,
        )  # fmt: skip
    except BaseException:
        if isinstance(reader, AcquiredReader):
            reader.abandon()
        raise


def _prepared(
    reader: Reader,
    pool: Pool,
    plot_class: Callable[[], Callable[..., Live2DPlot]],
    dataset: DataSet | Reader,
    udfs: tuple[UDF, ...],
    roi: Any,
    corrections: Any,
    progress: bool | ProgressReporter,
    backends: str | Iterable[str] | None,
    plots: Any,
    ordered: bool,
    dry_run: bool,
) -> tuple[Run, Watching]:
    by_number = {f"{number}": one for number, one in enumerate(udfs)}
    selected = selection(roi, reader.acquisition.nav_shape)
    if corrections is None and hasattr(dataset, "get_correction_data"):
        corrections = dataset.get_correction_data()
    run = Run(
        reader,
        by_number,
        pool,
        selection=selected,
        stop_on_error=True,
        corrections=corrections,
        backends=backends,
        array_backends=getattr(dataset, "array_backends", ("numpy",)),
        tile_shape=getattr(dataset, "tile_shape", None),
        ordered=ordered,
        dry_run=dry_run,
        shown=False,  # results are asked for when somebody looks at them
    )

    def make(udf: UDF, channel: Channel, results: AnyResults) -> Live2DPlot:
        return plot_class()(dataset, udf, roi=roi, channel=channel, udfresult=results)

    plotting = planned(plots, udfs, run.fold.results, make)
    partitions = None  # a stream is cut while it runs
    if isinstance(dataset, RecordedDataSet):
        partitions = dataset.partitions_in_run(run.plan.workers, selected)
    tracker = Tracker(run, partitions, pool.workers)
    acquired = reader if isinstance(reader, AcquiredReader) else None
    return run, Watching(run, tracker, reporter(progress), plotting, acquired)
