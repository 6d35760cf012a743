"""BoundRun: the UDFs of a run in a worker; one partition after another goes through them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.encoded_tile import EncodedTile
from framefold.core.pixel_mask import largest
from framefold.core.pulse import WHERE, Pulse, unwatched
from framefold.core.tally import SHARED, Tally
from framefold.udf import backends
from framefold.udf.blanker import Blanker
from framefold.udf.bound_udf import BoundUDF, Zeros
from framefold.udf.corrector import Corrector
from framefold.udf.meta import UDFMeta
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.passage import Kind, Passage
from framefold.udf.spec import RunSpec, takes_native_tiles
from framefold.udf.tile_formats import TileFormats
from framefold.udf.tiling import TilingScheme

__all__ = ["BoundRun", "PartitionResult", "UDFError"]

Read = Callable[[int, int], NDArray[Any]]

Encoded = Callable[[int, int], EncodedTile | None]
"""``encoded(first, count)`` gives frames as they came, or None if they must be read."""

ENCODED_BYTES = 2**25
"""Frames that are handed out as they came at once, by their size as pixels [bytes]. What is done
once for all of them, such as turning a sum of planes into integers, is shared by so many."""

FEWEST_ENCODED = 16
"""Fewer frames are not worth that [frames]."""


class BoundRun:
    """All UDFs of a run, ready for partitions; built once in each worker.

    Parameters
    ----------
    spec : RunSpec
        The run.
    pulse : Pulse, optional
        Where it is noted whose code runs.
    suspended : frozenset of int
        Numbers of UDFs that get no frames.
    """

    def __init__(
        self,
        spec: RunSpec,
        pulse: Pulse | None = None,
        suspended: frozenset[int] = frozenset(),
    ) -> None:
        self._spec = spec
        self._pulse = unwatched() if pulse is None else pulse
        self._suspended = suspended
        self._cells = [cell.get() for cell in spec.scheme()]
        self._blanker = Blanker(spec.mask, spec.dtype, spec.sig_shape) if spec.mask.blanks else None
        self._corrector = (
            Corrector(spec.corrections, spec.dtype, spec.sig_shape)
            if spec.corrections.have_corrections()
            else None
        )
        self.blanked = False
        """Whether tiles come with zero in place of the detector's word for "no value"."""
        self._metas: list[UDFMeta] = []
        self._kinds = self._sorted_out()
        self._tally = Tally()
        self._formats = TileFormats(spec.input_dtype, partial(self._tally.add, SHARED))
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

    @property
    def blanks_largest(self) -> bool:
        """Whether the pixels that become zero are those with the largest value of their type."""
        mask = self._spec.mask
        return mask.blanks and not mask.count and mask.sentinel == largest(self._spec.dtype)

    def process(
        self,
        start: int,
        positions: NDArray[np.int64],
        read: Read,
        zeros: Zeros,
        encoded: Encoded | None = None,
        numbers: NDArray[np.int64] | None = None,
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
        encoded : callable, optional
            As `Encoded`; where left out, frames are always read.
        numbers : ndarray of int64, shape (frames,), optional
            Number of each frame among the selected ones, where there are holes between them.

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
        passage = Passage(
            self._spec, self._kinds, metas, positions, self._tally, self._pulse, self._suspended
        )
        try:
            passage.bind(self._kept, zeros)
            left_from = self._process_encoded(passage, len(positions), encoded)
            self._process_tiles(passage, left_from, len(positions), read)
            passage.each(BoundUDF.finish)
        finally:
            passage.close()
            self._pulse[WHERE] = SHARED
        return PartitionResult(
            start, len(positions), passage.results(), self._tally.taken(), numbers
        )

    def _process_encoded(self, passage: Passage, frames: int, encoded: Encoded | None) -> int:
        """Send frames through as they came, as far as that goes; the first one that is left."""
        spec = self._spec
        frame_bytes = max(1, math.prod(spec.sig_shape) * spec.dtype.itemsize)
        depth = ENCODED_BYTES // frame_bytes
        may = self._corrector is None and (self._blanker is None or self.blanks_largest)
        if encoded is None or not may or depth < FEWEST_ENCODED:
            return 0
        first = 0
        while frames - first >= FEWEST_ENCODED and passage.takes_encoded:
            self._pulse[WHERE] = SHARED
            began = perf_counter_ns()
            tile = encoded(first, min(depth, frames - first))
            self._tally.add(SHARED, "read and decode", perf_counter_ns() - began)
            if tile is None or not passage.process_encoded(tile, first):
                break
            first += tile.shape[0]
        return first

    def _process_tiles(self, passage: Passage, begin: int, frames: int, read: Read) -> None:
        spec, formats = self._spec, self._formats
        depth = max(1, frames if spec.intent == "partition" else spec.depth)
        for first in range(begin, frames, depth):
            if not passage.is_alive:
                return
            self._pulse[WHERE] = SHARED
            began = perf_counter_ns()
            given = read(first, min(depth, frames - first))
            self._tally.add(SHARED, "read and decode", perf_counter_ns() - began)
            tile = self._native_tile(given)
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
        if self._blanker is not None:
            began = perf_counter_ns()
            tile = self._blanker.apply(tile, blanked=self.blanked)
            self._tally.add(SHARED, "mask", perf_counter_ns() - began)
        if self._corrector is not None:
            began = perf_counter_ns()
            tile = self._corrector.apply(tile)
            self._tally.add(SHARED, "correct", perf_counter_ns() - began)
        return _read_only(tile)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.setflags(write=False)
    return view
