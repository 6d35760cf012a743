"""Fold: the only writer of a run's totals; makes snapshots of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block, positions_of
from framefold.core.coverage import Coverage, PositionState
from framefold.core.losses import Losses
from framefold.core.refolding import Refolding
from framefold.core.scan import NOWHERE, Scan
from framefold.core.snapshot import Channel, RunState, Snapshot, UDFFailure
from framefold.core.tally import SHARED, Key, Spent, Tally
from framefold.engine.cutting import ranks
from framefold.engine.lags import Lags
from framefold.engine.pool import Outcome
from framefold.errors import RunFailedError
from framefold.udf import BufferWrapper, UDFMeta
from framefold.udf.dry_run import Attempt
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.reduction import Reduction
from framefold.udf.spec import RunSpec

log = logging.getLogger(__name__)


FEWEST_UNDECODABLE = 256
"""Frames that cannot be decoded, if they are the most, after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Refolded:
    """Results in another scan.

    Parameters
    ----------
    fold : Fold or None
        Of the UDFs that can do without the frames; None if there are none.
    left_out : mapping of str to str
        Why the others cannot, by name.
    """

    fold: Fold | None
    left_out: Mapping[str, str]


class Fold:
    """Totals of one run.

    Parameters
    ----------
    acquisition : Acquisition
        What is measured.
    reduction : Reduction
        The main side of the UDFs; nobody else merges into it.
    names : sequence of str
        What the UDFs are called in this run, in their order.
    selection : ndarray of bool, shape (positions,), or None
        Flat region of interest.
    shown : bool
        Whether snapshots hold results. Whoever takes them by `results` alone is spared the
        copies, and the calls of ``get_results`` that nobody looks at.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        reduction: Reduction,
        names: Sequence[str],
        selection: NDArray[np.bool_] | None,
        *,
        shown: bool = True,
    ) -> None:
        self._shown = shown
        # written by: folding thread; `lock` keeps get_results out while something is merged
        self.lock = threading.RLock()
        self._acquisition = acquisition
        self._reduction = reduction
        self._names = tuple(names)
        self._selection = selection
        self._coverage = Coverage(acquisition.scan.size, selection)
        self.undecodable = 0
        self.why_undecodable = ""  # of the first of them
        self._set_aside = 0
        self._missing = 0
        self._failures: dict[int, UDFFailure] = {}  # UDFs that are left out from then on
        self._unseen: dict[int, UDFFailure] = {}  # UDFs whose get_results raised the last time
        self._version = 0
        self._moved = True
        self._channels: Mapping[str, Mapping[str, Channel]] = MappingProxyType({})
        self.first_error: BaseException | None = None
        self.folded_blocks = 0
        self.tally = Tally()  # of the workers
        self.lags = Lags()

    def spent(self) -> dict[Key, Spent]:
        """Where time went, in the workers and here."""
        with self.lock:
            found = Tally()
            found.include(dict(self.tally))
            found.include(dict(self._reduction.tally))
            return dict(found)

    @property
    def moved(self) -> bool:
        """Whether something was merged since the last `picture`."""
        return self._moved

    @property
    def merged(self) -> int:
        """Positions in the results."""
        return self._coverage.merged

    @property
    def wanted(self) -> int:
        """Positions the run selects."""
        return self._coverage.wanted

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the UDFs that are left out, since they raised."""
        return tuple(failure.udf for failure in self._failures.copy().values())

    def losses(self, counted: Losses) -> Losses:
        """What the reader counted, and what became of positions, which is known here and nowhere
        else.
        """
        return replace(
            counted,
            undecodable=self.undecodable,
            set_aside=self._set_aside,
            missing=self._missing,
        )

    def fold(self, outcome: Outcome) -> None:
        """Merge what came of one block, exactly once.

        Parameters
        ----------
        outcome : Outcome
            A block's results, or why there are none.
        """
        with self.lock:
            self._moved = True
            self.folded_blocks += 1
            if outcome.result is None:
                self._give_up(outcome)
                return
            self.tally.include(outcome.result.spent)
            sealed = getattr(outcome.block, "sealed", None)  # blocks of a stream know when
            if sealed is not None:
                self.tally.add(SHARED, "lag", int((time.monotonic() - sealed) * 1e9))
            for part in outcome.result.parts:
                self.tally.include(part.spent)
                self._merge(part)
            self._coverage.mark(outcome.result.positions, PositionState.MERGED)
            self.lags.folded(outcome.block, outcome.result, time.monotonic())
            damaged = outcome.result.undecodable
            if len(damaged):
                if not self.undecodable:
                    self.why_undecodable = outcome.result.reason
                    log.warning(
                        "frames undecodable, first of this run reason=%s", outcome.result.reason
                    )
                self.undecodable += len(damaged)
                self._coverage.mark(damaged, PositionState.CORRUPT)

    def let_go(self, positions: NDArray[np.int64]) -> None:
        """Note frames that came and are not worked on: the newest were to come first."""
        with self.lock:
            self._coverage.mark(positions, PositionState.DROPPED)
            self._moved = True

    def _give_up(self, outcome: Outcome) -> None:
        log.error("block set aside block=%d reason=%s", outcome.block.ident, outcome.lost)
        positions = _positions(outcome.block)
        self._set_aside += len(positions)
        self._coverage.mark(positions, PositionState.SET_ASIDE)
        if self.first_error is None:
            raised = outcome.error.exception if outcome.error else None
            where = f" from position {int(positions[0])}" if len(positions) else ""
            self.first_error = raised or RunFailedError(
                f"{len(positions)} frames{where} were given up: {outcome.lost}"
            )

    def _merge(self, part: PartitionResult) -> None:
        try:
            self._reduction.merge(part)
        except Exception as raised:
            log.debug("merge raised, it is among the failures", exc_info=raised)
        self._note_failures()

    def _note_failures(self) -> None:
        for index, error in self._reduction.failures.items():
            if index not in self._failures:
                self._failures[index] = self._failure(index, error)

    def _failure(self, index: int, error: UDFError) -> UDFFailure:
        name = self._names[index]
        log.error("UDF failed udf=%s error=%s: %s", name, error.type_name, error.message)
        if self.first_error is None:
            self.first_error = error.exception or RunFailedError(
                f"UDF {name!r} raised {error.type_name}: {error.message}\n{error.traceback}"
            )
        return UDFFailure(name, f"{error.type_name}: {error.message}", error.traceback)

    def try_out(self, attempt: Attempt) -> None:
        """Send made-up frames through the UDFs: those that cannot work are failures from now on.

        Parameters
        ----------
        attempt : callable
            As for `Reduction.mistakes`.
        """
        began = time.perf_counter_ns()
        found = self._reduction.mistakes(attempt)
        with self.lock:
            self.tally.add(SHARED, "dry run", time.perf_counter_ns() - began)
            for index, error in found.items():
                self._reduction.fail(index, error)
            self._note_failures()

    @property
    def is_spoilt(self) -> bool:
        """Whether so many frames cannot be decoded that something else must be wrong."""
        enough = self.undecodable >= FEWEST_UNDECODABLE
        return enough and self.undecodable > self._coverage.merged

    @property
    def is_hopeless(self) -> bool:
        """Whether no UDF is left that could give results."""
        return len(self._failures) == len(self._names)

    def close(self, joined: int | None = None) -> None:
        """The acquisition is over: what is still awaited is missing.

        Parameters
        ----------
        joined : int or None
            Number of the first frame, if those before it went by unheard.
        """
        before = None
        scan = self._acquisition.scan
        if joined is not None:
            numbers = scan.numbers(0, scan.size)
            before = (numbers != NOWHERE) & (numbers < joined)
        with self.lock:
            self._missing = self._coverage.close(before)
            self._moved = True

    @property
    def meta(self) -> UDFMeta:
        """What the UDFs are told of the run on this side."""
        return self._reduction.meta

    def results(self, index: int) -> dict[str, BufferWrapper]:
        """What one UDF makes of its totals now; the very arrays, as long as it goes on."""
        with self.lock:
            return self._reduction.results(index)

    def moment(self) -> tuple[tuple[dict[str, BufferWrapper], ...], BufferWrapper]:
        """Results of all UDFs, and which positions are in them, at one and the same moment;
        what is merged later does not change them.
        """
        with self.lock:
            results = tuple(
                self._reduction.results(index, copy=True) for index in range(len(self._names))
            )
            return results, self._reduction.damage

    @property
    def damage(self) -> BufferWrapper:
        """Which positions are in the results, as users of `run_udf_iter` see it."""
        with self.lock:
            return self._reduction.damage

    @property
    def spec(self) -> RunSpec:
        """What workers must know; another object after `update`."""
        return self._reduction.spec

    def update(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """Change UDF parameters on the main side."""
        with self.lock:
            self._reduction.update_parameters(patches)
            self._moved = True

    def refolded(self, scan: Scan) -> Refolded:
        """The results as they are now, in another scan of the same frames.

        Parameters
        ----------
        scan : Scan
            The rule that frames are placed by.

        Raises
        ------
        ScanError
            If that cannot be, whatever the UDFs are.
        """
        with self.lock:
            move = Refolding.of(self._acquisition.scan, scan)
            states = self._coverage.states()
            selection = move.selection(self._selection)
            rows = _ranked(move.new, selection), _ranked(move.old, self._selection)
            if self._selection is not None:
                assert selection is not None
                chosen = selection[move.new]
                rows = rows[0][chosen], rows[1][chosen]
            whole = move.keeps(states == PositionState.MERGED)
            reduction, left_out = self._reduction.refolded(scan.shape, selection, rows, whole=whole)
            acquisition = replace(self._acquisition, scan=scan)
            names = [name for i, name in enumerate(self._names) if i not in left_out]
            made = None
            if reduction is not None:
                made = Fold(acquisition, reduction, names, selection)
                made._take_over(self, move.states(states, selection), left_out)
            return Refolded(made, {self._names[i]: why for i, why in left_out.items()})

    def _take_over(
        self, other: Fold, states: NDArray[np.uint8], left_out: Mapping[int, str]
    ) -> None:
        self._coverage = Coverage.known(states)
        self.undecodable, self._set_aside = other.undecodable, other._set_aside
        self._missing = int(np.count_nonzero(states == PositionState.MISSING))
        self._version = other._version
        for i, why in left_out.items():
            # numbers behind those of the UDFs that are left: they have no results to be kept from
            failure = other._failures.get(i)
            error = f"left out in another scan: {why}"
            self._failures[len(self._names) + i] = failure or UDFFailure(other._names[i], error, "")

    def picture(self, state: RunState, reason: str, losses: Losses) -> Snapshot:
        """A new snapshot.

        Parameters
        ----------
        state : RunState
        reason : str
            Why it ended, or empty.
        losses : Losses
            What the reader counted.
        """
        with self.lock:
            self._version += 1
            if self._moved:
                self._moved = False
                if self._shown:
                    self._channels = self._pictured()
            self.lags.pictured(time.monotonic())
            states = self._coverage.states()
            return Snapshot(
                version=self._version,
                acquisition=self._acquisition,
                state=state,
                reason=reason,
                results=self._channels,
                coverage=states.reshape(self._acquisition.nav_shape),
                merged=self._coverage.merged,
                wanted=self._coverage.wanted,
                losses=self.losses(losses),
                failures=tuple((self._unseen | self._failures).values()),
                created=time.time(),
                report=self.lags.as_dict(),
            )

    def _pictured(self) -> Mapping[str, Mapping[str, Channel]]:
        pictured: dict[str, Mapping[str, Channel]] = {}
        self._unseen = {}
        for index, name in enumerate(self._names):
            if index in self._failures:
                # nothing is merged for it any more, so what others' positions are valid for is
                # not valid for it: it stays as it was last seen
                pictured[name] = self._channels.get(name, MappingProxyType({}))
                continue
            try:
                pictured[name] = MappingProxyType(
                    {
                        key: self._channel(buffer)
                        for key, buffer in self._reduction.results(index).items()
                    }
                )
            except Exception as error:  # noqa: BLE001 - fence around plug-in code
                # what it showed before stays to be seen; the next time it may do
                caught = UDFError.of(error)
                self._unseen[index] = UDFFailure(
                    name, f"{caught.type_name}: {caught.message}", caught.traceback
                )
                pictured[name] = self._channels.get(name, MappingProxyType({}))
        return MappingProxyType(pictured)

    def _channel(self, buffer: BufferWrapper) -> Channel:
        data = np.array(buffer.data)  # a copy: UDFs go on writing into theirs
        valid = np.array(np.broadcast_to(buffer.valid_mask, data.shape))
        data.setflags(write=False)
        valid.setflags(write=False)
        return Channel(buffer.kind, data, valid, tuple(buffer.extra_shape), self._version)


def _ranked(positions: NDArray[np.int64], selection: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Numbers of positions among the selected ones."""
    return positions if selection is None else ranks(selection)[positions]


def _positions(block: Block) -> NDArray[np.int64]:
    """Where a block's frames belong; nothing when it cannot even be opened."""
    try:
        return positions_of(block)
    except Exception as error:  # noqa: BLE001 - whatever a reader may raise is why it is here
        log.warning("block cannot be opened block=%d error=%s", block.ident, error)
        return np.empty(0, dtype=np.int64)
