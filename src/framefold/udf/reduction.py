"""Reduction: the main side of a run. Allocates, merges, gives results at any time."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.core.corrections import CorrectionSet
from framefold.core.pixel_mask import PixelMask
from framefold.core.shape import Shape
from framefold.core.tally import Tally
from framefold.errors import ParameterError, ShapeError
from framefold.udf.backends import NUMPY, plan, result_type
from framefold.udf.base import UDF
from framefold.udf.buffers import BufferWrapper
from framefold.udf.domain import Domain
from framefold.udf.dry_run import Attempt, DryRun, tried
from framefold.udf.dry_run import attempt as dry_run_attempt
from framefold.udf.dtype import machine_order, negotiate
from framefold.udf.main_udf import MainUDF
from framefold.udf.meta import UDFMeta
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.spec import RunSpec, checked_method, takes_native_tiles
from framefold.udf.tile_size import Wishes, decide
from framefold.udf.tiling import TilingScheme


class Reduction:
    """What the workers' results become; may be asked from any thread, merges one at a time.

    The UDFs given are not touched: their attributes are copied, so that an instance may take
    part in several runs at once.

    Parameters
    ----------
    udfs : sequence of UDF
        In the order of the results.
    nav_shape, sig_shape : tuple of int
        Scan and detector.
    dtype : dtype-like
        Pixel type as recorded.
    selection : ndarray of bool, flat or nav-shaped, or None
        Selected positions; None for all.
    threads_per_worker : int, optional
        How many threads a UDF may start in a worker.
    tile_shape : sequence of int, optional
        Frames of a tile, and its lengths along the signal axes; for tests of UDFs. What suits
        them when left out.
    corrections : CorrectionSet, optional
        What is done to the pixels before UDFs see them; nothing when left out.
    backends : str or iterable of str, optional
        Array libraries that frames may come in; all that UDFs ask for when left out.
    array_backends : sequence of str
        Array libraries that the data come in without effort, the cheapest first.
    mask : PixelMask, optional
        Which pixels are made zero before anything else is done to them; none when left out.

    Raises
    ------
    ValueError
        If there is no UDF, or an array library is named that means nothing.
    RuntimeError
        If a UDF takes none of the array libraries that can be had.
    UDFException, TypeError, NotImplementedError
        If a UDF breaks the contract in a way that can be seen before the first frame.
    ShapeError
        If the selection or aux data do not fit the scan.
    """

    def __init__(
        self,
        udfs: Sequence[UDF],
        *,
        nav_shape: tuple[int, ...],
        sig_shape: tuple[int, ...],
        dtype: DTypeLike,
        selection: NDArray[np.bool_] | None = None,
        threads_per_worker: int | None = None,
        tile_shape: Sequence[int] | None = None,
        corrections: CorrectionSet | None = None,
        backends: str | Iterable[str] | None = None,
        array_backends: Sequence[str] = (NUMPY,),
        mask: PixelMask | None = None,
    ) -> None:
        if not udfs:
            raise ValueError("empty list of UDFs - nothing to do!")
        for udf in udfs:
            if not isinstance(udf, UDF):
                raise TypeError(f"{udf!r} is no UDF; give an instance of a subclass of UDF")
        self.tally = Tally()  # written under _lock
        self._lock = threading.RLock()  # users' merge and get_results never run at the same time
        self._threads = threads_per_worker
        self._domain = _domain(nav_shape, sig_shape, selection)
        self._dtype = machine_order(dtype)
        if corrections is not None and not isinstance(corrections, CorrectionSet):
            raise TypeError(f"corrections={corrections!r} is no CorrectionSet")
        self._mask = mask or PixelMask()
        self._corrections = corrections or CorrectionSet()
        self._corrections.check_fits(self._domain.sig_shape)
        self._backends = plan(
            [(type(udf).__name__, udf.get_backends()) for udf in udfs], array_backends, backends
        )
        self._input_dtype = self._negotiated(udfs)
        self._processed = np.zeros(self._domain.frames, dtype=bool)
        self._meta = self._main_meta()
        self._failures: dict[int, UDFError] = {}
        self._left_out: set[int] = set()  # failed or dropped: nothing more is merged for them
        self._udfs = tuple(MainUDF(udf, self._meta, self._domain) for udf in udfs)
        for main in self._udfs:
            main.prepare()
        self._scheme = self._decided() if tile_shape is None else self._forced(tile_shape)
        self._spec = self._make_spec()

    def _negotiated(self, udfs: Sequence[UDF]) -> np.dtype[Any]:
        preferences = [udf.get_preferred_input_dtype() for udf in udfs]
        if self._corrections.have_corrections():
            preferences.append(np.float32)
        return result_type(negotiate(self._dtype, preferences), self._backends)

    def _decided(self) -> TilingScheme:
        wishes = []
        for main, backend in zip(self._udfs, self._backends, strict=True):
            whole = takes_native_tiles(type(main.udf)) and backend == NUMPY
            method, preferences = checked_method(main.udf), main.udf.get_tiling_preferences()
            wishes.append(Wishes(main.name, method, preferences, whole_frames=whole))
        # bytes of a pixel in the largest tile there will be
        native = self._meta.tile_dtype.itemsize
        all_native = all(wish.whole_frames for wish in wishes)
        itemsize = native if all_native else max(self._input_dtype.itemsize, native)
        return decide(self._meta.dataset_shape, itemsize, wishes, native)

    def _forced(self, tile_shape: Sequence[int]) -> TilingScheme:
        """The scheme a data set asks for; whole frames where some UDF wants them."""
        domain, asked = self._domain, tuple(int(n) for n in tile_shape)
        intent = self._decided().intent
        if len(asked) != 1 + len(domain.sig_shape) or any(n < 1 for n in asked):
            raise ShapeError(f"tiles of shape {asked} do not fit frames of {domain.sig_shape}")
        cell = domain.sig_shape
        if intent == "tile":
            cell = tuple(min(n, m) for n, m in zip(asked[1:], cell, strict=True))
        shape = Shape((asked[0], *cell), len(cell))
        return TilingScheme.make_for_shape(shape, self._meta.dataset_shape, intent)

    def _main_meta(self) -> UDFMeta:
        domain = self._domain
        valid = self._processed.view()
        valid.setflags(write=False)
        return UDFMeta(
            None,
            Shape(domain.nav_shape + domain.sig_shape, len(domain.sig_shape)),
            domain.selection,
            self._dtype,
            self._input_dtype,
            corrections=self._corrections,
            valid_nav_mask=valid,
        )

    def _make_spec(self) -> RunSpec:
        return RunSpec(
            udfs=tuple((type(main.udf), main.kwargs) for main in self._udfs),
            nav_shape=self._domain.nav_shape,
            sig_shape=self._domain.sig_shape,
            dtype=self._dtype,
            input_dtype=self._input_dtype,
            selection=self._domain.selection,
            depth=self._scheme.depth,
            intent=self._scheme.intent or "tile",
            threads_per_worker=self._threads,
            cell=tuple(self._scheme.shape.sig),
            corrections=self._corrections,
            backends=self._backends,
            mask=self._mask,
        )

    @property
    def meta(self) -> UDFMeta:
        """What the UDFs of the run are told of it here; the mask of merged positions is live."""
        return self._meta

    @property
    def spec(self) -> RunSpec:
        """What workers must know; another object after `update_parameters`."""
        return self._spec

    def mistakes(self, attempt: Attempt | None = None) -> dict[int, UDFError]:
        """Send made-up frames through the UDFs, to hear of mistakes before data come.

        Nothing of it stays: the UDFs are made anew for it, and so are the results.

        Parameters
        ----------
        attempt : callable, optional
            Has a worker do its part, `framefold.udf.dry_run.attempt`; done here when left out.

        Returns
        -------
        dict of int to UDFError
            What would certainly go wrong with real frames, too, by number of the UDF.
        """
        spec = self._spec
        if not tried(spec):
            return {}
        here: Attempt = lambda noise: dry_run_attempt(spec, np.zeros, noise=noise)  # noqa: E731
        return DryRun(spec, self._domain, self._meta).mistakes(attempt or here)

    def declared(self, i: int) -> dict[str, BufferWrapper]:
        """What one UDF declares, private buffers included."""
        return self._udfs[i].declared

    @property
    def failures(self) -> Mapping[int, UDFError]:
        """Number of each UDF that raised, in a worker or here, with what it raised."""
        return dict(self._failures)

    @property
    def merged(self) -> int:
        """How many positions are merged."""
        return int(np.count_nonzero(self._processed))

    @property
    def damage(self) -> BufferWrapper:
        """Which positions are merged, as they are now: a nav result of bool."""
        return BufferWrapper("nav", (), bool).bound(self._domain, self._processed.copy())

    def merge(self, part: PartitionResult) -> None:
        """Put the results of a partition into those of the run.

        A UDF that failed in the worker is recorded in `failures` and left out from now on;
        that is no error here.

        Parameters
        ----------
        part : PartitionResult
            What a worker sent.

        Raises
        ------
        Exception
            Whatever a UDF's ``merge`` raised, after all others have been merged; a note tells
            which UDF, `failures` has it, and it is left out from now on.
        """
        raised: Exception | None = None
        with self._lock:
            for i, (main, arrays) in enumerate(zip(self._udfs, part.results, strict=True)):
                if isinstance(arrays, UDFError):
                    self.fail(i, arrays)
                if i in self._left_out or isinstance(arrays, UDFError):
                    continue
                began = perf_counter_ns()
                try:
                    main.merge(part.rows, arrays)
                except Exception as error:  # noqa: BLE001 - the fence around users' code
                    self._blame(i, error)
                    raised = raised or error
                self.tally.add(i, "merge", perf_counter_ns() - began)
            self._processed[part.rows] = True
        if raised is not None:
            raise raised

    def results(self, i: int, *, copy: bool = False) -> dict[str, BufferWrapper]:
        """Results of one UDF as they are now.

        Parameters
        ----------
        i : int
            Number of the UDF.
        copy : bool
            Whether values must stay as they are; otherwise they may be the very arrays that
            the next `merge` writes to. Masks are always copies.

        Returns
        -------
        dict of str to BufferWrapper
            Everything that is not private.

        Raises
        ------
        Exception
            Whatever ``get_results`` raised; a note tells which UDF. The UDF is not dropped:
            what cannot be computed now may be computable later.
        """
        with self._lock:
            main = self._udfs[i]
            began = perf_counter_ns()
            try:
                return main.results(self._processed.copy(), copy=copy)
            except Exception as error:
                error.add_note(f"in get_results of UDF {i}, {main.name}")
                raise
            finally:
                self.tally.add(i, "get_results", perf_counter_ns() - began)

    def refolded(
        self,
        nav_shape: tuple[int, ...],
        selection: NDArray[np.bool_] | None,
        rows: tuple[NDArray[np.int64], NDArray[np.int64]],
        *,
        whole: bool,
    ) -> tuple[Reduction | None, dict[int, str]]:
        """The same results in another scan of the same frames, none of which is looked at.

        Parameters
        ----------
        nav_shape : tuple of int
            Of the other scan.
        selection : ndarray of bool, flat, or None
            Its region of interest.
        rows : tuple of two ndarray of int64
            Numbers of the same frames among the selected ones: in the other scan, and here.
        whole : bool
            Whether all frames that are merged here have a place in the other scan.

        Returns
        -------
        Reduction or None
            Of the UDFs that can do without the frames, in their order; it shares nothing with
            this one. None if there are none.
        dict of int to str
            Why the others cannot, by number of the UDF.
        """
        with self._lock:
            left_out = dict.fromkeys(self._left_out, "it raised")
            for i, main in enumerate(self._udfs):
                if main.needs_positions:
                    left_out[i] = "its parameters differ from position to position"
                elif main.accumulates and not whole:
                    left_out[i] = (
                        "it has summed up frames that have no place in this scan, and they are "
                        "not held any more: run it again with this scan, on the recording"
                    )
            for i, udf in enumerate(self._udfs):
                if i not in left_out and (why := self._refusal(udf, nav_shape, selection)):
                    left_out[i] = why
            chosen = [udf for i, udf in enumerate(self._udfs) if i not in left_out]
            if not chosen:
                return None, left_out
            made = self._alike(chosen, nav_shape, selection)
            made._adopt(self, chosen, rows)  # noqa: SLF001 - of our own kind
            return made, left_out

    def _adopt(
        self,
        other: Reduction,
        theirs: Sequence[MainUDF],
        rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> None:
        for mine, old in zip(self._udfs, theirs, strict=True):
            mine.adopt(old, *rows)
        self._processed[rows[0]] = other._processed[rows[1]]

    def _alike(
        self,
        udfs: Sequence[MainUDF],
        nav_shape: tuple[int, ...],
        selection: NDArray[np.bool_] | None,
    ) -> Reduction:
        """Some UDFs of this run in another scan, without results."""
        return Reduction(
            [main.refreshed() for main in udfs],
            nav_shape=nav_shape,
            sig_shape=self._domain.sig_shape,
            dtype=self._dtype,
            selection=selection,
            threads_per_worker=self._threads,
            corrections=self._corrections,
            mask=self._mask,
        )

    def _refusal(
        self, main: MainUDF, nav_shape: tuple[int, ...], selection: NDArray[np.bool_] | None
    ) -> str:
        """Why a UDF cannot be in another scan; empty if it can."""
        try:
            alone = self._alike([main], nav_shape, selection)
        except Exception as error:  # noqa: BLE001 - the fence around users' code
            return f"it cannot work with this scan: {error}"
        return alone._udfs[0].misfit(main)  # noqa: SLF001 - of our own kind

    def drop(self, i: int) -> None:
        """Merge nothing more for a UDF; `results` keep what there is."""
        with self._lock:
            self._left_out.add(i)

    def fail(self, i: int, error: UDFError) -> None:
        """Note that a UDF raised, and merge nothing more for it. The first error is kept."""
        with self._lock:
            self._failures.setdefault(i, error)
            self._left_out.add(i)

    def update_parameters(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """Change parameters of partitions yet to come, and of the main side.

        Parameters
        ----------
        patches : sequence of mapping
            New values by name, one mapping a UDF; it may be empty.

        Raises
        ------
        ParameterError
            If there is not one patch for each UDF.
        ShapeError
            If new aux data do not fit; nothing is changed then.
        """
        if len(patches) != len(self._udfs):
            raise ParameterError(
                f"{len(patches)} patches for {len(self._udfs)} UDFs; give one each, {{}} for none"
            )
        with self._lock:
            for main, patch in zip(self._udfs, patches, strict=True):
                main.check_parameters(patch)
            for main, patch in zip(self._udfs, patches, strict=True):
                main.update_parameters(patch)
            self._spec = self._make_spec()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is merged while the context lasts: several `results` of the same moment."""
        with self._lock:
            yield

    def _blame(self, i: int, error: Exception) -> None:
        error.add_note(f"in merge of UDF {i}, {self._udfs[i].name}")
        self.fail(i, UDFError.of(error))


def _domain(
    nav_shape: tuple[int, ...],
    sig_shape: tuple[int, ...],
    selection: NDArray[np.bool_] | None,
) -> Domain:
    nav, sig = tuple(int(n) for n in nav_shape), tuple(int(n) for n in sig_shape)
    if selection is None:
        return Domain(nav, sig)
    flat = np.array(selection, dtype=bool).reshape(-1)
    flat.setflags(write=False)
    if flat.size != np.prod(nav, dtype=np.int64):
        raise ShapeError(f"a selection of {flat.size} positions does not fit the scan {nav}")
    return Domain(nav, sig, flat)
