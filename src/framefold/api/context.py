"""Context: runs UDFs, on files and on live streams."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from framefold.analyses import classic
from framefold.analyses.analysis import Analysis, AnalysisResultSet
from framefold.api.description import RunDescription
from framefold.api.executors import Executor, InlineExecutor, named, processes
from framefold.api.export import export_npy
from framefold.api.iteration import AsyncRunIterator, Results, RunIterator
from framefold.api.plots import Live2DPlot
from framefold.api.preparation import prepared
from framefold.api.progress import ProgressReporter
from framefold.api.watching import Watching
from framefold.connections import CONNECTIONS, make_acquisition
from framefold.core.picking import Picked, pick
from framefold.core.reader import DataSet, Reader
from framefold.core.roi import selection
from framefold.core.snapshot import Snapshot
from framefold.engine.limits import Limits
from framefold.engine.pool import InlinePool, Pool
from framefold.engine.process_pool import ProcessPool
from framefold.engine.report import Report
from framefold.engine.run import Run
from framefold.errors import ParameterError
from framefold.faults.faults import Faults
from framefold.formats import FORMATS, open_dataset
from framefold.formats.dask_arrays import DaskDataSet, is_dask
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.formats.position_files import read_positions
from framefold.live.held_stream import HeldStream
from framefold.live.settings import StreamSettings
from framefold.live.stream import TO_A_DETECTOR, Listening, Stream
from framefold.processes.launcher import Launcher
from framefold.record.logging_receiver import logging_messages
from framefold.record.message_log import LogSettings
from framefold.record.recording import Recording
from framefold.record.settings import RecordingSettings
from framefold.registry import load_target
from framefold.replay.pace import Pace
from framefold.replay.receiver import playing
from framefold.replay.source import ReplaySource
from framefold.udf import UDF, AutoUDF, BufferWrapper

log = logging.getLogger(__name__)

PRELOAD = (
    "framefold.engine.worker",
    "framefold.live.receiver",
    "framefold.codecs:warm",
    "framefold.kernels.warm:warm",
)
"""What the fork server imports and runs once, so that a worker starts in milliseconds."""

PLOT = "framefold.api.matplotlib_plot:MPLLive2DPlot"
"""What draws when nobody says; imported when the first plot is asked for."""

AnyStream = TypeVar("AnyStream", bound=Stream)

AllResults = Results | tuple[Results, ...]


class Context:
    """Runs UDFs, on files and on live streams, in worker processes.

    Parameters
    ----------
    workers : int or Executor, optional
        How many; one per core by default.
    executor : Executor, optional
        The same, under the name that LiberTEM users know.
    plot_class : type, optional
        What draws for ``plots=``: `Live2DPlot` or the like; matplotlib when left out.
    limits : Limits, optional
        Time for a block, and memory, after which a worker is replaced: ten minutes, and most of
        the machine's memory when left out.

    Examples
    --------
    >>> from framefold import Context, SumUDF
    >>> with Context(workers=2) as ctx:  # doctest: +SKIP
    ...     data = ctx.load("scan.h5")
    ...     image = ctx.run_udf(dataset=data, udf=SumUDF())["intensity"].data
    """

    def __init__(
        self,
        workers: int | Executor | None = None,
        *,
        executor: Executor | None = None,
        plot_class: Callable[..., Live2DPlot] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits
        if executor is None:
            executor = workers if isinstance(workers, Executor) else processes(workers)
        self.executor = executor
        """Where the work is done."""
        self._plot_class = plot_class
        self._launcher: Launcher | None = None
        self._pool: Pool | None = InlinePool() if executor.is_inline else None
        self._streams: list[Stream] = []
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()
        self._report: Report | None = None
        # held by: who starts or ends processes; any thread may be the first to need them
        self._starting = threading.RLock()

    @classmethod
    def inline(cls) -> Self:
        """A context without processes: all work is done in the calling thread, where a
        debugger or a profiler sees it.
        """
        return cls(InlineExecutor())

    @classmethod
    def make_with(
        cls,
        executor_spec: str = "dask",
        *,
        cpus: int | Iterable[int] | None = None,
        gpus: int | Iterable[int] | None = None,
        plot_class: Callable[..., Live2DPlot] | None = None,
        snooze_timeout: float | None = None,  # noqa: ARG003
        main_process_gpu: int | bool | None = None,
    ) -> Self:
        """A context with an executor by one of the names that LiberTEM users know.

        Parameters
        ----------
        executor_spec : str
            ``"inline"`` or ``"synchronous"``: all in the calling thread. ``"threads"``,
            ``"dask"``, ``"pipelined"``: worker processes, the same for all three.
        cpus : int or iterable of int, optional
            How many workers, or one for each number listed.
        gpus : int or iterable of int, optional
            None, 0 or empty.
        plot_class : type, optional
            As for the constructor.
        snooze_timeout : float, optional
            Accepted; idle workers cost nothing here.
        main_process_gpu : int or bool, optional
            None or False: results are merged by the CPU.

        Raises
        ------
        ExecutorSpecException
            If there is no such executor, or not with these ``cpus`` and ``gpus``.
        """
        no_gpu = main_process_gpu is None or main_process_gpu is False
        executor = named(executor_spec, cpus, gpus if no_gpu else [0])
        return cls(executor, plot_class=plot_class)

    @property
    def plot_class(self) -> Callable[..., Live2DPlot]:
        """What draws; may be assigned.

        Raises
        ------
        ImportError
            If none was given and matplotlib is not installed.
        """
        if self._plot_class is None:
            self._plot_class = load_target(PLOT)
        assert self._plot_class is not None
        return self._plot_class

    @plot_class.setter
    def plot_class(self, value: Callable[..., Live2DPlot] | None) -> None:
        self._plot_class = value

    @property
    def launcher(self) -> Launcher:
        """Where processes come from; started now if it was not before."""
        with self._starting:
            if self._launcher is None:
                self._launcher = Launcher(PRELOAD)
            return self._launcher

    @property
    def pool(self) -> Pool:
        """The workers; started now if they were not before."""
        with self._starting:
            if self._pool is None:
                self._pool = ProcessPool(self.launcher, self.executor.processes, self._limits)
            return self._pool

    def load(
        self,
        first: str | os.PathLike[str] | None = None,
        *args: Any,
        filetype: str | None = None,
        io_backend: object = None,  # noqa: ARG002 - files are read in one way
        **options: Any,
    ) -> DataSet:
        """Open a recording.

        Parameters
        ----------
        first : str or path
            The file; or the name of a format, or ``"auto"``, with the file next; or
            ``"memory"`` with ``data=`` and what else `MemoryDataSet` takes; or a Dask array, with
            ``"dask"`` before it or without.
        filetype : str
            The name of a format, for those who leave out ``first`` and give ``path=``.
        io_backend : object
            Accepted and without effect.
        *args, **options
            What the format takes: ``nav_shape``, ``sig_shape``, ``dtype``, ``sync_offset``,
            ``num_partitions``, ``ds_path`` ...

        Raises
        ------
        DataError
            If the file is missing, or nothing here can read it.
        """
        first = filetype if first is None else first
        if first is None:
            raise ParameterError("load needs a file, or the name of a format and a file")
        if first == "memory":
            return MemoryDataSet(*args, **options)
        if first == "dask" or is_dask(first):
            return (
                DaskDataSet(*args, **options) if first == "dask" else DaskDataSet(first, **options)
            )
        if isinstance(first, str) and (first == "auto" or first in FORMATS.names()):
            if args:
                return open_dataset(args[0], first, **options)
            if "path" in options:
                return open_dataset(options.pop("path"), first, **options)
            if not Path(first).exists():
                raise ParameterError(f"load({first!r}) names a format; give the file, too")
        if "path" in options:  # then the first is to be a format's name, and is none
            FORMATS.target(str(first))
        return open_dataset(first, options.pop("format", "auto"), **options)

    def stream(
        self, endpoint: str, *, wire_log: str | os.PathLike[str] | None = None, **settings: Any
    ) -> Stream:
        """Connect to a detector.

        Parameters
        ----------
        endpoint : str
            Where it sends, e.g. ``"tcp://detector:9999"``.
        wire_log : path-like or None
            Folder for wire logs, one for each series; None for no logs.
        **settings
            The fields of `StreamSettings`.

        Returns
        -------
        Stream
            Iterating over it gives one reader per acquisition, for `run_udf`.
        """
        listening = TO_A_DETECTOR
        if wire_log is not None:
            listening = logging_messages(LogSettings(os.fspath(wire_log), endpoint))
        return self._opened(Stream, endpoint, settings, listening)

    def replay(
        self,
        path: str | os.PathLike[str],
        *,
        speed: float | None = None,
        rate: float | None = None,
        language: str | None = None,
        skip: int = 0,
        limit: int = -1,
        loop: int = 1,
        faults: Mapping[str, Any] | None = None,
        opening: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Stream:
        """Play a recording as if its detector sent it now.

        Parameters
        ----------
        path : path-like
            A wire log, recorded messages, or frames in any format that can be loaded.
        speed : float or None
            Times as fast as it was recorded, if it is a wire log; None for as fast as possible.
        rate : float or None
            Messages a second instead.
        language : str or None
            ``"simplon-v1"``, ``"simplon-v2"`` or ``"plain"`` to have the frames sent in it;
            None for the messages as they were recorded, or stream v2 for recordings of frames.
        skip, limit : int
            Images left out at the start, and images played then; -1 for all of them.
        loop : int
            How often it is played; 0 for without end.
        faults : mapping or None
            What goes wrong on the way: the fields of `framefold.faults.faults.Faults`, e.g.
            ``{"drop": 0.01, "seed": 7}``.
        opening : mapping or None
            What must be said of the recording to open it, as for `load`. Its ``positions``
            hold for the stream, too.
        **settings
            The fields of `StreamSettings` but ``endpoint``.

        Returns
        -------
        Stream
            As of `stream`; it is closed once the recording is through.
        """
        pace = Pace(speed, rate)
        try:
            wrong = Faults(**(faults or {}))
        except (TypeError, ValueError) as error:
            raise ParameterError(f"faults: {error}") from error
        source = ReplaySource(
            os.fspath(path), language, pace, skip, limit, loop, wrong, dict(opening or {})
        )
        if "positions" in source.opening:
            settings.setdefault("positions", read_positions(source.opening["positions"]))
        return self._opened(Stream, source.path, settings, playing(source.untold()))

    def recording(self, directory: str | os.PathLike[str], **settings: Any) -> Recording:
        """Record what streams bring, while it is processed.

        Parameters
        ----------
        directory : path-like
            Folder for the files; ``{date}`` in it becomes the day.
        **settings
            The other fields of `RecordingSettings`.

        Returns
        -------
        Recording
            A context manager; its ``reader(...)`` of a stream's reader is what to run UDFs on.
        """
        try:
            made = RecordingSettings(os.fspath(directory), **settings)
        except TypeError as error:
            raise ParameterError(f"recording settings: {error}") from error
        return Recording(self.launcher, made)

    def frame(self, source: DataSet | Reader, position: int | Sequence[int]) -> NDArray[Any]:
        """The frame at a scan position.

        Parameters
        ----------
        source : DataSet or Reader
            A data set; or the reader of a live acquisition, also while it is being run and
            afterwards: its frames come from memory while they are held there, then from the
            recording if there is one.
        position : int or sequence of int
            Scan coordinates, e.g. ``(y, x)``.

        Returns
        -------
        ndarray, shape sig_shape
            As it was recorded; pixels that the detector masks are zero.

        Raises
        ------
        FrameNotHeldError
            If it is not there: not yet, or not any more, or it never came.
        ParameterError
            If there is no such position.
        """
        return pick(source, _flat(source, [position])).data

    def frame_sum(self, source: DataSet | Reader, roi: Any = None) -> Picked:
        """The sum of the frames at some scan positions, as far as they are there.

        Parameters
        ----------
        source : DataSet or Reader
            As for `frame`.
        roi : object
            Which positions, as `run_udf` takes it; None for all.

        Returns
        -------
        Picked
            ``data``, and which ``positions`` are in it and which are ``lacking``.

        Raises
        ------
        FrameNotHeldError
            If none of them is there.
        """
        return pick(source, _flat(source, roi))

    def make_connection(self, detector_type: str) -> Any:
        """What opens connections to a kind of detector.

        Parameters
        ----------
        detector_type : str
            ``"dectris"``, ``"merlin"``, ``"plain"``, or ``"memory"`` for an array that arrives
            frame by frame; names of plug-ins.

        Returns
        -------
        DectrisConnector, MemoryConnector ...
            Its ``open(...)`` gives a `Connection`, for `make_acquisition`.

        Raises
        ------
        UnknownNameError
            If there is no such kind; it names those that there are.
        """

        def open_stream(endpoint: str, **settings: Any) -> HeldStream:
            return self._opened(HeldStream, endpoint, settings)

        return CONNECTIONS.load(str(detector_type).lower())(open_stream)

    make_acquisition = staticmethod(make_acquisition)

    def _opened(
        self,
        kind: type[AnyStream],
        endpoint: str,
        settings: dict[str, Any],
        listening: Listening = TO_A_DETECTOR,
    ) -> AnyStream:
        try:
            made = StreamSettings(endpoint, **settings)
        except TypeError as error:
            raise ParameterError(f"stream settings: {error}") from error
        stream = kind(self.launcher, made, listening)
        with self._starting:
            self._streams = [one for one in self._streams if not one.is_closed]
            self._streams.append(stream)
        return stream

    @overload
    def run_udf(
        self,
        dataset: DataSet | Reader,
        udf: UDF | Iterable[UDF],
        roi: Any = ...,
        corrections: Any = ...,
        progress: bool | ProgressReporter = ...,
        backends: str | Iterable[str] | None = ...,
        plots: Any = ...,
        sync: Literal[True] = ...,
        *,
        ordered: bool = ...,
        dry_run: bool = ...,
    ) -> AllResults: ...
    @overload
    def run_udf(
        self,
        dataset: DataSet | Reader,
        udf: UDF | Iterable[UDF],
        roi: Any = ...,
        corrections: Any = ...,
        progress: bool | ProgressReporter = ...,
        backends: str | Iterable[str] | None = ...,
        plots: Any = ...,
        *,
        sync: Literal[False],
        ordered: bool = ...,
        dry_run: bool = ...,
    ) -> Awaitable[AllResults]: ...
    def run_udf(
        self,
        dataset: DataSet | Reader,
        udf: UDF | Iterable[UDF],
        roi: Any = None,
        corrections: Any = None,
        progress: bool | ProgressReporter = False,
        backends: str | Iterable[str] | None = None,
        plots: Any = None,
        sync: bool = True,
        *,
        ordered: bool = False,
        dry_run: bool = True,
    ) -> AllResults | Awaitable[AllResults]:
        """Run UDFs over a data set, or over one acquisition of a stream.

        Parameters
        ----------
        dataset : DataSet or Reader
            What `load` gave, or one reader of a stream.
        udf : UDF or iterable of UDF
            All of them run in one pass over the data.
        roi : optional
            Region of interest: bool array of the scan's shape, coordinates, ...
        corrections : CorrectionSet, optional
            What is done to the pixels; what the data set brings along when left out, nothing
            for an empty set.
        progress : bool or ProgressReporter
            Whether to show a progress bar, or who is told of the progress.
        backends : str or iterable of str, optional
            Array libraries frames may come in; all that the UDFs ask for when left out.
        plots : optional
            True for all results that are pictures; a list of names, ``(name, function)``, or
            plot objects (for several UDFs a list of lists).
        sync : bool
            Whether to wait here; otherwise the answer is awaitable.
        ordered : bool
            Whether partitions are merged in the order of the scan: float sums are then the
            same bits for any number of workers. Otherwise as they come, which is quicker.
        dry_run : bool
            Whether made-up frames are sent through users' UDFs first, so that mistakes are
            heard of before the data are read.

        Returns
        -------
        dict of str to BufferWrapper, or a tuple of them
            Results by name; a tuple for several UDFs.

        Raises
        ------
        Exception
            What a UDF raised, with the worker's traceback.
        UDFRunCancelled
            If the run was cancelled.
        """
        udfs = (udf,) if isinstance(udf, UDF) else tuple(udf)
        run, watching = self._prepared(
            dataset, udfs, roi, corrections, progress, backends, plots, ordered, dry_run
        )
        if sync:
            found = self._to_end(run, watching)
            return found[0] if isinstance(udf, UDF) else found
        return self._awaited(run, watching, one=isinstance(udf, UDF))

    @overload
    def run_udf_iter(
        self,
        dataset: DataSet | Reader,
        udf: UDF | Iterable[UDF],
        roi: Any = ...,
        corrections: Any = ...,
        progress: bool | ProgressReporter = ...,
        backends: str | Iterable[str] | None = ...,
        plots: Any = ...,
        sync: Literal[True] = ...,
        *,
        ordered: bool = ...,
        dry_run: bool = ...,
    ) -> RunIterator: ...
    @overload
    def run_udf_iter(
        self,
        dataset: DataSet | Reader,
        udf: UDF | Iterable[UDF],
        roi: Any = ...,
        corrections: Any = ...,
        progress: bool | ProgressReporter = ...,
        backends: str | Iterable[str] | None = ...,
        plots: Any = ...,
        *,
        sync: Literal[False],
        ordered: bool = ...,
        dry_run: bool = ...,
    ) -> AsyncRunIterator: ...
    def run_udf_iter(
        self,
        dataset: DataSet | Reader,
        udf: UDF | Iterable[UDF],
        roi: Any = None,
        corrections: Any = None,
        progress: bool | ProgressReporter = False,
        backends: str | Iterable[str] | None = None,
        plots: Any = None,
        sync: bool = True,
        *,
        ordered: bool = False,
        dry_run: bool = True,
    ) -> RunIterator | AsyncRunIterator:
        """Run UDFs and see the results grow; parameters as for `run_udf`.

        Returns
        -------
        RunIterator, or AsyncRunIterator if not ``sync``
            Gives a `UDFResults` for each block that was folded, at least one.
        """
        udfs = (udf,) if isinstance(udf, UDF) else tuple(udf)
        run, watching = self._prepared(
            dataset, udfs, roi, corrections, progress, backends, plots, ordered, dry_run
        )
        updates = RunIterator(run, watching, in_this_thread=self.pool.in_this_thread)
        return updates if sync else AsyncRunIterator(updates)

    def map(
        self,
        dataset: DataSet | Reader,
        f: Callable[[NDArray[Any]], Any],
        roi: Any = None,
        progress: bool | ProgressReporter = False,
        corrections: Any = None,
        backends: str | Iterable[str] | None = None,
    ) -> BufferWrapper:
        """Call a function on every frame.

        Parameters
        ----------
        dataset : DataSet or Reader
        f : callable
            Takes a frame, gives a number or an array of fixed shape.
        roi, progress, corrections, backends
            As for `run_udf`.

        Returns
        -------
        BufferWrapper
            Its results by scan position.
        """
        results = self.run_udf(dataset, AutoUDF(f=f), roi, corrections, progress, backends)
        assert isinstance(results, dict)
        return results["result"]

    def run(
        self,
        job_analysis: Analysis,
        roi: Any = None,
        progress: bool | ProgressReporter = False,
        corrections: Any = None,
    ) -> AnalysisResultSet:
        """Answer a question to a data set.

        Parameters
        ----------
        job_analysis : Analysis
            What one of the ``create_..._analysis`` methods made.
        roi, progress, corrections
            As for `run_udf`; an analysis of a part of the scan brings its own ``roi``.

        Returns
        -------
        AnalysisResultSet
            Its results, by attribute, key or number.
        """
        own = job_analysis.get_roi()
        chosen = roi if own is None else own
        run, watching = self._prepared(
            job_analysis.dataset, (job_analysis.get_udf(),), chosen, corrections, progress
        )
        (results,) = self._to_end(run, watching)
        return job_analysis.get_udf_results(results, chosen, run.fold.damage)

    create_mask_analysis = staticmethod(classic.create_mask_analysis)
    create_com_analysis = staticmethod(classic.create_com_analysis)
    create_radial_fourier_analysis = staticmethod(classic.create_radial_fourier_analysis)
    create_disk_analysis = staticmethod(classic.create_disk_analysis)
    create_ring_analysis = staticmethod(classic.create_ring_analysis)
    create_point_analysis = staticmethod(classic.create_point_analysis)
    create_sum_analysis = staticmethod(classic.create_sum_analysis)
    create_pick_analysis = staticmethod(classic.create_pick_analysis)

    def display(self, dataset: DataSet | Reader, udf: UDF, roi: Any = None) -> RunDescription:
        """What a run would do: shapes, pixel types, results; a notebook shows it as a table."""
        return RunDescription(dataset, udf, roi)

    def export_dataset(
        self,
        dataset: DataSet,
        *,
        path: str | os.PathLike[str],
        progress: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Write all frames to a ``.npy`` file; parameters as in `export_npy`."""
        export_npy(dataset, path, progress=progress, overwrite=overwrite)

    @property
    def report(self) -> Report | None:
        """Where the time of the run that ended last went; None before the first."""
        return self._report

    def _note_report(self, run: Run) -> Callable[[Snapshot], None]:
        seen = weakref.ref(run)  # a report outlives its run, and does not keep it

        def note(snapshot: Snapshot) -> None:
            ended = seen()
            if snapshot.state.is_final and ended is not None:
                self._report = ended.report()

        return note

    def _prepared(
        self,
        dataset: DataSet | Reader,
        udfs: tuple[UDF, ...],
        roi: Any,
        corrections: Any,
        progress: bool | ProgressReporter,
        backends: str | Iterable[str] | None = None,
        plots: Any = None,
        ordered: bool = False,
        dry_run: bool = True,
    ) -> tuple[Run, Watching]:
        """Everything that is done before the first frame, so that errors come at once."""
        run, watching = prepared(
            self.pool,
            lambda: self.plot_class,
            dataset,
            udfs,
            roi=roi,
            corrections=corrections,
            progress=progress,
            backends=backends,
            plots=plots,
            ordered=ordered,
            dry_run=dry_run,
        )
        self._runs.add(run)
        run.watch(self._note_report(run))
        return run, watching

    def _to_end(self, run: Run, watching: Watching) -> tuple[Results, ...]:
        in_this_thread = self.pool.in_this_thread
        with closing(RunIterator(run, watching, in_this_thread=in_this_thread)) as updates:
            for _ in updates:
                pass
        # only now, for a look afterwards: while a run goes on, it leaves the user's objects alone
        for udf in run.udfs.values():
            udf.meta = run.fold.meta
        return tuple(run.fold.results(i) for i in range(len(run.udfs)))

    async def _awaited(self, run: Run, watching: Watching, *, one: bool) -> AllResults:
        try:
            found = await asyncio.to_thread(self._to_end, run, watching)
        except asyncio.CancelledError:
            run.cancel()
            raise
        return found[0] if one else found

    def close(self) -> None:
        """End every process this context started, and the runs that use them."""
        with self._starting:
            streams, pool, launcher = self._streams, self._pool, self._launcher
            self._streams, self._launcher = [], None
            self._pool = InlinePool() if self.executor.is_inline else None
        for run in list(self._runs):
            run.cancel()
        for stream in streams:
            stream.end()
        for run in list(self._runs):
            run.end()
        if pool is not None:
            pool.close()
        if launcher is not None:
            launcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _flat(source: DataSet | Reader, roi: Any) -> NDArray[np.int64]:
    """Flat scan positions of a selection."""
    scan = source.acquisition.scan
    chosen = selection(roi, scan.shape)
    return np.arange(scan.size) if chosen is None else np.flatnonzero(chosen)


LiveContext = Context
"""The same, by the name that users of LiberTEM-live know: files and streams need one context."""
