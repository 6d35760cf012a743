"""Passage: one partition on its way through the UDFs of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.core.encoded_tile import EncodedTile
from framefold.core.pulse import WHERE, Pulse
from framefold.core.tally import Tally
from framefold.udf.base import UDF
from framefold.udf.bound_udf import CONSTRUCTION, BoundUDF, Zeros
from framefold.udf.domain import Domain
from framefold.udf.meta import UDFMeta
from framefold.udf.partial import UDFError
from framefold.udf.spec import RunSpec
from framefold.udf.tile_formats import TileFormats

# attributes of tiles that UDFs of long ago read, and where to find the same today
_MOVED = {"tile_slice": "self.meta.slice", "scheme_idx": "self.meta.tiling_scheme_idx"}


SUSPENDED = UDFError(None, "Suspended", "gets no more frames in this run", "")
"""Stands in the place of results of a UDF that was suspended."""


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


class Passage:
    """One partition on its way through the UDFs: who is still alive, and why others are not.

    Parameters
    ----------
    spec : RunSpec
        The run.
    kinds : tuple of Kind
        What kind of tiles each UDF gets.
    metas : list of UDFMeta
        Those that `Kind.meta` numbers, standing before the partition.
    positions : ndarray of int64
        Flat scan positions of the partition's frames.
    tally : Tally
        Where the time of hooks is noted.
    pulse : Pulse
        Where it is noted whose code runs.
    suspended : frozenset of int
        Numbers of UDFs that get no frames; the main side knows why.
    """

    def __init__(
        self,
        spec: RunSpec,
        kinds: tuple[Kind, ...],
        metas: list[UDFMeta],
        positions: NDArray[np.int64],
        tally: Tally,
        pulse: Pulse,
        suspended: frozenset[int],
    ) -> None:
        self._tally = tally
        self._pulse = pulse
        self._spec = spec
        self._kinds = kinds
        self._metas = metas
        self._positions = positions
        self._bound: list[BoundUDF | None] = [None] * len(spec.udfs)
        self._errors: dict[int, UDFError] = dict.fromkeys(suspended, SUSPENDED)
        self._alive: list[tuple[int, BoundUDF]] = []

    def bind(self, kept: dict[int, dict[str, Any]], zeros: Zeros) -> None:
        """Construct and prepare all UDFs."""
        domain = Domain((len(self._positions),), self._spec.sig_shape)
        for i, ((cls, kwargs), kind) in enumerate(zip(self._spec.udfs, self._kinds, strict=True)):
            if i in self._errors:
                continue
            self._pulse[WHERE] = i
            try:
                bound = BoundUDF(
                    cls,
                    kwargs,
                    native=kind.native,
                    backend=kind.backend,
                    meta=self._metas[kind.meta],
                    positions=self._positions,
                    note=partial(self._tally.add, i),
                )
                self._bound[i] = bound
                if cls.get_worker_data is not UDF.get_worker_data:
                    bound.keep_for_worker(kept, i)
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)
            else:
                self._alive.append((i, bound))
        for meta in self._metas:
            meta.place()
        self.each(lambda bound: bound.prepare(domain, zeros))

    @property
    def is_alive(self) -> bool:
        """Whether any UDF is still willing."""
        return bool(self._alive)

    @property
    def takes_encoded(self) -> bool:
        """Whether frames may come as they are: there is one UDF, and it takes them so.

        For two, decoding the same frames twice would cost more than pixels cost each of them.
        """
        return len(self._alive) == 1 and self._alive[0][1].encoded

    def process_encoded(self, tile: EncodedTile, first: int) -> bool:
        """Send frames as they came through the one UDF that takes them.

        Returns
        -------
        bool
            Whether that is done; if not, they have to be read.

        Raises
        ------
        UndecodableFrames
            If some are damaged, which is not the UDF's fault.
        """
        ((i, bound),) = self._alive
        self._pulse[WHERE] = i
        try:
            began = perf_counter_ns()
            done = bound.process_encoded(tile, first)
            self._tally.add(i, "process", perf_counter_ns() - began)
        except UndecodableFrames:
            raise
        except Exception as error:  # noqa: BLE001 - the fence around users' code
            self._fail(i, error)
            self._bury()
            return True
        return done

    def process(self, tile: NDArray[Any], formats: TileFormats, first: int) -> None:
        """Send a tile of whole frames through all UDFs."""
        failed = False
        for i, bound in self._alive:
            self._pulse[WHERE] = i
            try:
                seen = tile if bound.native else formats.get(bound.backend)
                began = perf_counter_ns()
                bound.process(seen, first)
                self._tally.add(i, "process", perf_counter_ns() - began)
            except Exception as error:  # noqa: BLE001 - the fence around users' code
                self._fail(i, error)
                failed = True
        if failed:
            self._bury()

    def process_whole(self, tile: NDArray[Any], first: int) -> None:
        """Send a tile of whole frames through the UDFs that take native tiles."""

        def step(bound: BoundUDF) -> None:
            if bound.native:
                began = perf_counter_ns()
                bound.process(tile, first)
                bound.note("process", perf_counter_ns() - began)

        self.each(step)

    def process_cell(self, index: int, formats: TileFormats, first: int) -> None:
        """Send a cell of a tile through the UDFs that do not."""

        def step(bound: BoundUDF) -> None:
            if not bound.native:
                bound.enter_cell(index)
                seen = formats.get(bound.backend)
                began = perf_counter_ns()
                bound.process(seen, first)
                bound.note("process", perf_counter_ns() - began)

        self.each(step)

    def each(self, step: Callable[[BoundUDF], None]) -> None:
        """Do the same with every UDF that is alive."""
        for i, bound in self._alive:
            self._pulse[WHERE] = i
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
            self._pulse[WHERE] = i
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
        bound = self._bound[i]
        hook = CONSTRUCTION if bound is None else bound.hook
        moved = _MOVED.get(getattr(error, "name", None) or "")
        if isinstance(error, AttributeError) and moved:
            error.add_note(f"tiles are plain arrays; read {moved} instead")
        if len(self._positions):
            first, last = int(self._positions[0]), int(self._positions[-1])
            where = f"in the partition of scan positions {first} to {last}"
            error.add_note(f"in {hook} of {self._spec.udfs[i][0].__name__}, {where}")
        self._errors[i] = UDFError.of(error, hook)
