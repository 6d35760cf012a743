"""The Python face: a Context runs UDFs on files and on live streams."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray
from tqdm.auto import tqdm

from framefold.api.iteration import Results, RunIterator
from framefold.core.reader import DataSet, Reader
from framefold.core.roi import selection
from framefold.engine.pool import InlinePool, Pool
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run
from framefold.errors import ParameterError
from framefold.formats import FORMATS, open_dataset
from framefold.live.settings import StreamSettings
from framefold.live.stream import Stream
from framefold.processes.launcher import Launcher
from framefold.udf import UDF, AutoUDF, BufferWrapper

log = logging.getLogger(__name__)

PRELOAD = (
    "framefold.engine.worker",
    "framefold.live.receiver",
    "framefold.codecs:warm",
    "framefold.kernels.warm:warm",
)
"""What the fork server imports and runs once, so that a worker starts in milliseconds."""


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Context:
    """Runs UDFs, on files and on live streams, in worker processes.

    Parameters
    ----------
    workers : int, optional
        How many; one per core by default.

    Examples
    --------
    >>> from framefold import Context, SumUDF
    >>> with Context(workers=2) as ctx:  # doctest: +SKIP
    ...     data = ctx.load("scan.h5")
    ...     image = ctx.run_udf(dataset=data, udf=SumUDF())["intensity"].data
    """

    def __init__(self, workers: int | None = None) -> None:
        count = usable_cores() if workers is None else workers
        if count < 1:
            raise ParameterError(f"workers={workers}: give at least 1; Context.inline() has none")
        self._launcher: Launcher | None = None
        self._pool: Pool | None = None
        self._workers = count
        self._streams: list[Stream] = []

    @classmethod
    def inline(cls) -> Context:
        """A context without processes: all work is done in the calling thread, where a
        debugger or a profiler sees it.
        """
        context = cls(workers=1)
        context._pool = InlinePool()
        return context

    @property
    def launcher(self) -> Launcher:
        """Where processes come from; started now if it was not before."""
        if self._launcher is None:
            self._launcher = Launcher(PRELOAD)
        return self._launcher

    @property
    def pool(self) -> Pool:
        """The workers; started now if they were not before."""
        if self._pool is None:
            self._pool = ProcessPool(self.launcher, self._workers)
        return self._pool

    def load(self, first: str | os.PathLike[str], *args: Any, **options: Any) -> DataSet:
        """Open a recording.

        Parameters
        ----------
        first : str or path
            The file; or the name of a format, or ``"auto"``, with the file next.
        *args, **options
            What the format takes: ``nav_shape``, ``sig_shape``, ``dtype``, ``sync_offset``,
            ``num_partitions``, ``ds_path`` ...

        Raises
        ------
        DataError
            If the file is missing, or nothing here can read it.
        """
        if isinstance(first, str) and (first == "auto" or first in FORMATS.names()):
            if args:
                return open_dataset(args[0], first, **options)
            if "path" in options:
                return open_dataset(options.pop("path"), first, **options)
            if not Path(first).exists():
                raise ParameterError(f"load({first!r}) names a format; give the file, too")
        return open_dataset(first, options.pop("format", "auto"), **options)

    def stream(self, endpoint: str, **settings: Any) -> Stream:
        """Connect to a detector.

        Parameters
        ----------
        endpoint : str
            Where it sends, e.g. ``"tcp://detector:9999"``.
        **settings
            The fields of `StreamSettings`.

        Returns
        -------
        Stream
            Iterating over it gives one reader per acquisition, for `run_udf`.
        """
        try:
            made = StreamSettings(endpoint, **settings)
        except TypeError as error:
            raise ParameterError(f"stream settings: {error}") from error
        stream = Stream(self.launcher, made)
        self._streams.append(stream)
        return stream

    def run_udf(
        self,
        dataset: DataSet | Reader,
        udf: UDF | Sequence[UDF],
        roi: Any = None,
        progress: bool = False,
    ) -> Results | tuple[Results, ...]:
        """Run UDFs over a data set, or over one acquisition of a stream.

        Parameters
        ----------
        dataset : DataSet or Reader
            What `load` gave, or one reader of a stream.
        udf : UDF or sequence of UDF
            All of a sequence run in one pass over the data.
        roi : optional
            Region of interest: bool array of the scan's shape, coordinates, ...
        progress : bool
            Whether to show a progress bar.

        Returns
        -------
        dict of str to BufferWrapper, or a tuple of them
            Results by name; a tuple for a sequence of UDFs.

        Raises
        ------
        Exception
            What a UDF raised, with the worker's traceback.
        UDFRunCancelled
            If the run was cancelled.
        """
        run = self._run(dataset, udf, roi)
        with (
            closing(RunIterator(run, in_this_thread=self.pool.in_this_thread)) as updates,
            tqdm(total=run.fold.wanted, unit="frame", disable=not progress) as bar,
        ):
            for _ in updates:
                bar.update(run.fold.merged - bar.n)
        results = tuple(run.fold.results(i) for i in range(len(run.udfs)))
        return results[0] if isinstance(udf, UDF) else results

    def run_udf_iter(
        self, dataset: DataSet | Reader, udf: UDF | Sequence[UDF], roi: Any = None
    ) -> RunIterator:
        """Run UDFs and see the results grow.

        Parameters
        ----------
        dataset, udf, roi
            As for `run_udf`.

        Returns
        -------
        RunIterator
            Gives a `UDFResults` for each block that was folded, at least one.
        """
        run = self._run(dataset, udf, roi)
        return RunIterator(run, in_this_thread=self.pool.in_this_thread)

    def map(
        self,
        dataset: DataSet | Reader,
        f: Callable[[NDArray[Any]], Any],
        roi: Any = None,
        progress: bool = False,
    ) -> BufferWrapper:
        """Call a function on every frame.

        Parameters
        ----------
        dataset : DataSet or Reader
        f : callable
            Takes a frame, gives a number or an array of fixed shape.
        roi, progress
            As for `run_udf`.

        Returns
        -------
        BufferWrapper
            Its results by scan position.
        """
        results = self.run_udf(dataset, AutoUDF(f=f), roi, progress)
        assert isinstance(results, dict)
        return results["result"]

    def _run(self, dataset: DataSet | Reader, udf: UDF | Sequence[UDF], roi: Any) -> Run:
        udfs = [udf] if isinstance(udf, UDF) else list(udf)
        source = dataset.acquisition
        selected = selection(roi, source.nav_shape)
        reader = dataset.reader() if hasattr(dataset, "reader") else dataset
        named = {f"{number}": one for number, one in enumerate(udfs)}
        return Run(reader, named, self.pool, selection=selected, stop_on_error=True)

    def close(self) -> None:
        """End every process this context started."""
        for stream in self._streams:
            stream.end()
        self._streams.clear()
        if self._pool is not None:
            self._pool.close()
        if self._launcher is not None:
            self._launcher.close()
        self._pool = self._launcher = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
