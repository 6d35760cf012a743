"""BoundRun: the UDFs of a run in a worker; one partition after another goes through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.udf import backends
from framefold.udf.bound_udf import BoundUDF, Zeros
from framefold.udf.domain import Domain
from framefold.udf.meta import UDFMeta
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.spec import RunSpec, takes_native_tiles

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
        self._native = tuple(takes_native_tiles(cls) for cls, _ in spec.udfs)
        self._facts = UDFMeta(
            None,
            spec.dataset_shape,
            spec.selection,
            spec.dtype,
            spec.input_dtype,
            tiling_scheme=spec.scheme(),
            threads_per_worker=spec.threads_per_worker,
            array_backend=backends.NUMPY,
        )
        # converted pixels of one tile, written anew for each; grows to the largest tile
        self._converted = np.empty((0, *spec.sig_shape), dtype=spec.input_dtype)

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
        passage = _Passage(self._spec, self._facts.for_partition(start, positions), positions)
        try:
            passage.bind(self._native, zeros)
            self._process_tiles(passage, len(positions), read)
            passage.each(BoundUDF.finish)
        finally:
            passage.close()
        return PartitionResult(start, len(positions), passage.results())

    def _process_tiles(self, passage: _Passage, frames: int, read: Read) -> None:
        spec = self._spec
        depth = max(1, frames if spec.intent == "partition" else spec.depth)
        for first in range(0, frames, depth):
            if not passage.is_alive:
                return
            native = read(first, min(depth, frames - first))
            if native.dtype != spec.dtype:
                native = native.astype(spec.dtype)  # another byte order
            native = _read_only(native)
            converted = self._convert(native) if passage.wants_converted else native
            passage.process(native, converted, first)

    def _convert(self, native: NDArray[Any]) -> NDArray[Any]:
        if native.dtype == self._spec.input_dtype:
            return native
        if len(native) > len(self._converted):
            self._converted = np.empty(native.shape, dtype=self._spec.input_dtype)
        converted = self._converted[: len(native)]
        np.copyto(converted, native, casting="same_kind")
        return _read_only(converted)


class _Passage:
    """One partition on its way through the UDFs: who is still alive, and why others are not."""

    def __init__(self, spec: RunSpec, meta: UDFMeta, positions: NDArray[np.int64]) -> None:
        self._spec = spec
        self._meta = meta
        self._positions = positions
        self._bound: list[BoundUDF | None] = [None] * len(spec.udfs)
        self._errors: dict[int, UDFError] = {}
        self._alive: list[tuple[int, BoundUDF]] = []

    def bind(self, native: tuple[bool, ...], zeros: Zeros) -> None:
        """Construct and prepare all UDFs."""
        domain = Domain((len(self._positions),), self._spec.sig_shape)
        for i, (cls, kwargs) in enumerate(self._spec.udfs):
            try:
                bound = BoundUDF(
                    cls, kwargs, native=native[i], meta=self._meta, positions=self._positions
                )
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)
            else:
                self._bound[i] = bound
                self._alive.append((i, bound))
        self._meta.place()
        self.each(lambda bound: bound.prepare(domain, zeros))

    @property
    def is_alive(self) -> bool:
        """Whether any UDF is still willing."""
        return bool(self._alive)

    @property
    def wants_converted(self) -> bool:
        """Whether any UDF needs the negotiated pixel type."""
        return any(not bound.native for _, bound in self._alive)

    def process(self, native: NDArray[Any], converted: NDArray[Any], first: int) -> None:
        """Send one tile through all UDFs."""
        failed = False
        for i, bound in self._alive:
            try:
                bound.process(native if bound.native else converted, first)
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)
                failed = True
        if failed:
            self._bury()

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
