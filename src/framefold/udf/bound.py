"""BoundRun: the UDFs of a run in a worker; one partition after another goes through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.udf import backends
from framefold.udf.base import UDF
from framefold.udf.bound_udf import BoundUDF, Zeros
from framefold.udf.corrector import Corrector
from framefold.udf.domain import Domain
from framefold.udf.meta import UDFMeta
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.spec import RunSpec, takes_native_tiles
from framefold.udf.tile_formats import TileFormats
from framefold.udf.tiling import TilingScheme

__all__ = ["BoundRun", "PartitionResult", "UDFError"]

Read = Callable[[int, int], NDArray[Any]]

# attributes of tiles that UDFs of long ago read, and where to find the same today
_MOVED = {"tile_slice": "self.meta.slice", "scheme_idx": "self.meta.tiling_scheme_idx"}


class BoundRun:
    """All UDFs of a run, ready for partitions; built once in each worker.

    Parameters
    ----------
    spec : RunSpec
        The run.
    """

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self._cells = [cell.get() for cell in spec.scheme()]
        self._formats = TileFormats(spec.input_dtype)
        self._corrector = (
            Corrector(spec.corrections, spec.dtype, spec.sig_shape)
            if spec.corrections.have_corrections()
            else None
        )
        self._metas: list[UDFMeta] = []
        self._kinds = self._sorted_out()
        # what get_worker_data gave, by number of the UDF
        self._kept: dict[int, dict[str, Any]] = {}

    def _sorted_out(self) -> tuple[Kind, ...]:
        """What kind of tiles each UDF gets; UDFs of the same kind share their meta."""
        spec = self._spec
        numbers: dict[tuple[str, bool], int] = {}
        kinds = []
        for i, (cls, _) in enumerate(spec.udfs):
            backend = spec.backends[i] if spec.backends else backends.NUMPY
            native = takes_native_tiles(cls) and backend == backends.NUMPY
            whole = native and len(self._cells) > 1
            number = numbers.setdefault((backend, whole), len(numbers))
            if number == len(self._metas):
                scheme = spec.whole_scheme() if whole else spec.scheme()
                self._metas.append(self._meta(scheme, backend))
            kinds.append(Kind(native, backend, number))
        return tuple(kinds)

    def _meta(self, scheme: TilingScheme, backend: str) -> UDFMeta:
        spec = self._spec
        return UDFMeta(
            None,
            spec.dataset_shape,
            spec.selection,
            spec.dtype,
            spec.input_dtype,
            tiling_scheme=scheme,
            corrections=spec.corrections,
            threads_per_worker=spec.threads_per_worker,
            array_backend=backend,
        )

    def process(
        self, start: int, positions: NDArray[np.int64], read: Read, zeros: Zeros
    ) -> PartitionResult:
        """Send a partition through all UDFs.

        Parameters
        ----------
        start : int
            Number of the first frame among the selected ones.
        positions : ndarray of int64, shape (frames,)
            Flat scan positions, ascending.
        read : callable
            ``read(first, count)`` gives frames ``[first, first + count)`` of the partition in
            the recorded type, shape ``(count,) + sig_shape``; valid until the next call.
        zeros : callable
            ``zeros(shape, dtype)`` gives a zeroed array for a result.

        Returns
        -------
        PartitionResult
            A UDF that raised has a `UDFError` in it; the others went on.

        Notes
        -----
        What ``read`` raises is passed on after all UDFs have cleaned up; nothing of the
        partition counts then.
        """
        metas = [meta.for_partition(start, positions) for meta in self._metas]
        passage = _Passage(self._spec, self._kinds, metas, positions)
        try:
            passage.bind(self._kept, zeros)
            self._process_tiles(passage, len(positions), read)
            passage.each(BoundUDF.finish)
        finally:
            passage.close()
        return PartitionResult(start, len(positions), passage.results())

    def _process_tiles(self, passage: _Passage, frames: int, read: Read) -> None:
        spec, formats = self._spec, self._formats
        depth = max(1, frames if spec.intent == "partition" else spec.depth)
        for first in range(0, frames, depth):
            if not passage.is_alive:
                return
            tile = self._native_tile(read(first, min(depth, frames - first)))
            formats.load(tile)
            if len(self._cells) == 1:
                passage.process(tile, formats, first)
                continue
            passage.process_whole(tile, first)
            for index, cell in enumerate(self._cells):
                formats.load(tile[(slice(None), *cell)])
                passage.process_cell(index, formats, first)

    def _native_tile(self, tile: NDArray[Any]) -> NDArray[Any]:
        if tile.dtype != self._spec.dtype:
            tile = tile.astype(self._spec.dtype)  # another byte order
        if self._corrector is not None:
            tile = self._corrector.apply(tile)
        return _read_only(tile)


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of tiles a UDF gets.

    Parameters
    ----------
    native : bool
        Whether the pixels keep the recorded (or corrected) type, and frames are whole.
    backend : str
        Array library.
    meta : int
        Number of the meta object it shares with others of its kind.
    """

    native: bool
    backend: str
    meta: int


class _Passage:
    """One partition on its way through the UDFs: who is still alive, and why others are not."""

    def __init__(
        self,
        spec: RunSpec,
        kinds: tuple[Kind, ...],
        metas: list[UDFMeta],
        positions: NDArray[np.int64],
    ) -> None:
        self._spec = spec
        self._kinds = kinds
        self._metas = metas
        self._positions = positions
        self._bound: list[BoundUDF | None] = [None] * len(spec.udfs)
        self._errors: dict[int, UDFError] = {}
        self._alive: list[tuple[int, BoundUDF]] = []

    def bind(self, kept: dict[int, dict[str, Any]], zeros: Zeros) -> None:
        """Construct and prepare all UDFs."""
        domain = Domain((len(self._positions),), self._spec.sig_shape)
        for i, ((cls, kwargs), kind) in enumerate(zip(self._spec.udfs, self._kinds, strict=True)):
            try:
                bound = BoundUDF(
                    cls,
                    kwargs,
                    native=kind.native,
                    backend=kind.backend,
                    meta=self._metas[kind.meta],
                    positions=self._positions,
                )
                if cls.get_worker_data is not UDF.get_worker_data:
                    bound.keep_for_worker(kept, i)
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)
            else:
                self._bound[i] = bound
                self._alive.append((i, bound))
        for meta in self._metas:
            meta.place()
        self.each(lambda bound: bound.prepare(domain, zeros))

    @property
    def is_alive(self) -> bool:
        """Whether any UDF is still willing."""
        return bool(self._alive)

    def process(self, tile: NDArray[Any], formats: TileFormats, first: int) -> None:
        """Send a tile of whole frames through all UDFs."""
        failed = False
        for i, bound in self._alive:
            try:
                bound.process(tile if bound.native else formats.get(bound.backend), first)
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)
                failed = True
        if failed:
            self._bury()

    def process_whole(self, tile: NDArray[Any], first: int) -> None:
        """Send a tile of whole frames through the UDFs that take native tiles."""

        def step(bound: BoundUDF) -> None:
            if bound.native:
                bound.process(tile, first)

        self.each(step)

    def process_cell(self, index: int, formats: TileFormats, first: int) -> None:
        """Send a cell of a tile through the UDFs that do not."""

        def step(bound: BoundUDF) -> None:
            if not bound.native:
                bound.enter_cell(index)
                bound.process(formats.get(bound.backend), first)

        self.each(step)

    def each(self, step: Callable[[BoundUDF], None]) -> None:
        """Do the same with every UDF that is alive."""
        for i, bound in self._alive:
            try:
                step(bound)
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)
        self._bury()

    def close(self) -> None:
        """Let every UDF clean up that had been constructed, whatever happened to it."""
        for i, bound in enumerate(self._bound):
            if bound is None:
                continue
            try:
                bound.close()
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)

    def results(self) -> tuple[dict[str, NDArray[Any]] | UDFError, ...]:
        """Arrays or error of each UDF."""
        return tuple(
            self._errors[i] if bound is None or i in self._errors else bound.arrays
            for i, bound in enumerate(self._bound)
        )

    def _bury(self) -> None:
        self._alive = [(i, bound) for i, bound in self._alive if i not in self._errors]

    def _fail(self, i: int, error: Exception) -> None:
        if i in self._errors:
            return  # what cleanup raises after that is a consequence
        moved = _MOVED.get(getattr(error, "name", None) or "")
        if isinstance(error, AttributeError) and moved:
            error.add_note(f"tiles are plain arrays; read {moved} instead")
        if len(self._positions):
            first, last = int(self._positions[0]), int(self._positions[-1])
            name = self._spec.udfs[i][0].__name__
            error.add_note(f"{name}, in the partition of scan positions {first} to {last}")
        self._errors[i] = UDFError.of(error)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.setflags(write=False)
    return view
