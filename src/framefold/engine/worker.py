"""Worker: what is done with one block, in whatever process."""

from __future__ import annotations

import logging
import pickle
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.core.block import Blankable, Block, Frames, UndecodableFrames
from framefold.core.encoded_tile import EncodedTile, Summable
from framefold.core.pulse import SINCE, WHERE, Pulse, pulse_in, unwatched
from framefold.core.tally import SHARED, Key, Spent
from framefold.engine.arena import Arena
from framefold.engine.cutting import Cut, cut, ranks
from framefold.engine.dispatch import DEPTH
from framefold.processes.segment import Segment, forget_gone
from framefold.udf.bound import BoundRun
from framefold.udf.dry_run import attempt
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.spec import RunSpec, takes_holes

log = logging.getLogger(__name__)

Zeros = Callable[[tuple[int, ...], DTypeLike], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What came of one block.

    Parameters
    ----------
    parts : tuple of PartitionResult
        One for each run of positions without a hole.
    positions : ndarray of int64
        Flat positions that are in ``parts``.
    undecodable : ndarray of int64
        Flat positions whose frames are damaged.
    reason : str
        What was wrong with the first damaged frame, or empty.
    spent : mapping of (int, str) to Spent
        Where time went beside what ``parts`` say of their UDFs.
    began, ended : float
        When it was worked on, by the machine's monotonic clock [s].
    """

    parts: tuple[PartitionResult, ...]
    positions: NDArray[np.int64]
    undecodable: NDArray[np.int64]
    reason: str
    spent: Mapping[Key, Spent]
    began: float = 0.0
    ended: float = 0.0


class BlockWorker:
    """Works on the blocks of one run.

    Parameters
    ----------
    spec : RunSpec
        The run: its UDFs, shapes, dtypes, selection.
    pulse : Pulse, optional
        Where it is noted whose code runs.
    """

    def __init__(self, spec: RunSpec, pulse: Pulse | None = None) -> None:
        self._spec = spec
        self._pulse = unwatched() if pulse is None else pulse
        self._suspended: frozenset[int] = frozenset()
        self._bound = BoundRun(spec, self._pulse)
        self._at_holes = not all(takes_holes(cls) for cls, _ in spec.udfs)
        self._rank = None if spec.selection is None else ranks(spec.selection)
        self._tile: NDArray[Any] = np.empty((0, *spec.sig_shape), spec.dtype)

    def _memory(self, frames: int) -> NDArray[Any]:
        if len(self._tile) < frames:
            # used for every tile of the run: fresh memory costs a page fault each time
            self._tile = np.empty((frames, *self._spec.sig_shape), self._spec.dtype)
        return self._tile

    def update(self, patches: tuple[Mapping[str, Any], ...]) -> None:
        """Change UDF parameters for the blocks to come."""
        self._spec = replace(
            self._spec,
            udfs=tuple(
                (kind, {**kwargs, **patch})
                for (kind, kwargs), patch in zip(self._spec.udfs, patches, strict=True)
            ),
        )
        self._bound = BoundRun(self._spec, self._pulse, self._suspended)

    def suspend(self, suspended: frozenset[int]) -> None:
        """Give some UDFs no more frames.

        Parameters
        ----------
        suspended : frozenset of int
            Numbers of all of them.
        """
        if suspended == self._suspended:
            return
        self._suspended = suspended
        self._bound = BoundRun(self._spec, self._pulse, suspended)

    def try_out(self, zeros: Zeros, *, noise: bool) -> PartitionResult | None:
        """Send a made-up frame through the UDFs; parameters as for `dry_run.attempt`.

        Returns
        -------
        PartitionResult or None
            None if a UDF asked for the end of the process.
        """
        try:
            return attempt(self._spec, zeros, noise=noise)
        except SystemExit as error:  # over real frames it ends the run, where it is told why
            log.warning("a UDF wanted to exit in the dry run code=%s", error.code)
            return None

    def work(self, block: Block, zeros: Zeros) -> BlockResult:
        """Open a block and run every UDF over its frames.

        Parameters
        ----------
        block : Block
            The frames.
        zeros : callable
            Gives a zeroed array of a shape and dtype for results.
        """
        started, began = time.monotonic(), time.perf_counter_ns()
        parts: list[PartitionResult] = []
        merged: list[NDArray[np.int64]] = []
        damaged: list[NDArray[np.int64]] = []
        reason = ""
        with block.open() as frames:
            self._bound.blanked = self._blanks_itself(frames)
            positions = frames.positions
            waiting = list(reversed(self._cut(positions)))
            while waiting:
                piece = waiting.pop()
                try:
                    parts.append(self._process(frames, piece, zeros))
                except UndecodableFrames as found:
                    # a hole is a cut: what is left of this piece starts afresh
                    reason = reason or found.reason
                    damaged.append(positions[found.rows])
                    rest = piece.rows[~np.isin(piece.rows, found.rows)]
                    waiting.extend(reversed(self._cut(positions, rest)))
                else:
                    merged.append(positions[piece.rows])
        return BlockResult(
            tuple(parts),
            _joined(merged),
            _joined(damaged),
            reason,
            _once("block", time.perf_counter_ns() - began),
            started,
            time.monotonic(),
        )

    def _cut(
        self, positions: NDArray[np.int64], rows: NDArray[np.int64] | None = None
    ) -> tuple[Cut, ...]:
        return cut(positions, self._rank, rows, at_holes=self._at_holes)

    def _blanks_itself(self, frames: Frames) -> bool:
        """Whether the frames come with zero in place of the detector's word for "no value"."""
        mask = self._spec.mask
        if not mask.blanks or mask.sentinel is None or not isinstance(frames, Blankable):
            return False
        return frames.blank(mask.sentinel, self._spec.dtype)

    def _process(self, frames: Frames, piece: Cut, zeros: Zeros) -> PartitionResult:
        def read(first: int, count: int) -> NDArray[Any]:
            return frames.read(piece.rows[first : first + count], self._memory(count))

        def encoded(first: int, count: int) -> EncodedTile | None:
            if not isinstance(frames, Summable):
                return None
            rows, spec = piece.rows[first : first + count], self._spec
            return frames.encoded_tile(
                rows, spec.sig_shape, spec.dtype, blank=self._bound.blanks_largest
            )

        positions = frames.positions[piece.rows]
        return self._bound.process(piece.start, positions, read, zeros, encoded, piece.numbers)


def _once(what: str, ns: int) -> dict[Key, Spent]:
    return {(SHARED, what): Spent(1, ns, ns)}


def _joined(pieces: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int64)


class _Packed:
    """Takes result arrays out of results before they are pickled."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    def __call__(self, result: BlockResult) -> BlockResult:
        return replace(result, parts=tuple(self.part(part) for part in result.parts))

    def part(self, part: PartitionResult) -> PartitionResult:
        return replace(part, results=tuple(self._one(one) for one in part.results))

    def _one(self, one: Mapping[str, Any] | UDFError) -> Mapping[str, Any] | UDFError:
        if isinstance(one, UDFError):
            return one
        return {name: self._arena.packed(array) for name, array in one.items()}


def main(connection: Connection, path: str, size: int) -> None:
    """Life of a worker process: take orders from its pipe, answer with results.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        To the main process; orders are ``("run", spec)``, ``("work", ticket, block, suspended)``,
        ``("update", patches)``, ``("try", noise)`` and ``("idle",)``.
    path : str
        The segment that its pulse lies in.
    size : int
        Its length [bytes].
    """
    watched = Segment.attach(path, size)
    pulse = pulse_in(watched.bytes.data)
    arenas = [Arena() for _ in range(DEPTH)]
    turn = 0
    worker: BlockWorker | None = None
    unusable: str = ""
    while True:
        pulse[SINCE] = 0
        idle = time.perf_counter_ns()
        verb, *facts = pickle.loads(connection.recv_bytes())
        idle = time.perf_counter_ns() - idle
        pulse[WHERE] = SHARED
        pulse[SINCE] = time.monotonic_ns()
        if verb == "run":
            worker, unusable = _prepared(facts[0], pulse)
            # the ring of a stream that was closed since then, say
            forget_gone()
        elif verb == "idle":
            worker = None
        elif verb == "update" and worker is not None:
            worker, unusable = _updated(worker, facts[0])
        elif verb == "try":
            if worker is None:
                connection.send_bytes(pickle.dumps(("unusable", 0, unusable)))
                continue
            # nothing is in work yet: all arenas are free
            arenas[turn].reset()
            answer = _tried(worker, arenas[turn], noise=facts[0])
            pulse[SINCE] = 0
            connection.send_bytes(answer)
        elif verb == "work":
            ticket, block, suspended = facts
            if worker is None:
                connection.send_bytes(pickle.dumps(("unusable", ticket, unusable)))
                continue
            worker.suspend(suspended)
            # the main process gives a worker no more blocks than it has arenas, and the next
            # one only when the first is folded: this arena's last results are
            arena = arenas[turn]
            turn = (turn + 1) % len(arenas)
            arena.reset()
            answer = _answer(ticket, worker, block, arena, idle)
            pulse[SINCE] = 0  # from here on it may be the main process that takes its time
            connection.send_bytes(answer)


def _prepared(spec: bytes, pulse: Pulse) -> tuple[BlockWorker | None, str]:
    try:
        return BlockWorker(cloudpickle.loads(spec), pulse), ""
    except Exception:  # noqa: BLE001 - fence around plug-in code: the run must hear of it
        return None, traceback.format_exc()


def _updated(worker: BlockWorker, patches: bytes) -> tuple[BlockWorker | None, str]:
    try:
        worker.update(cloudpickle.loads(patches))
    except Exception:  # noqa: BLE001 - fence around plug-in code: the run must hear of it
        return None, traceback.format_exc()
    return worker, ""


def _tried(worker: BlockWorker, arena: Arena, *, noise: bool) -> bytes:
    found = worker.try_out(arena.zeros, noise=noise)
    if found is not None:
        found = _Packed(arena).part(found)
    answer: bytes
    try:
        answer = cloudpickle.dumps(("tried", found))
    except Exception:  # noqa: BLE001 - result arrays of objects may hold anything
        assert found is not None
        answer = cloudpickle.dumps(("tried", _part_travelling(found)))
    return answer


def _answer(ticket: int, worker: BlockWorker, block: bytes, arena: Arena, idle_ns: int) -> bytes:
    try:
        result = _Packed(arena)(worker.work(pickle.loads(block), arena.zeros))
        result = replace(result, spent={**result.spent, **_once("idle", idle_ns)})
    except Exception as error:  # noqa: BLE001 - fence around one block: the run must hear of it
        failed: bytes = cloudpickle.dumps(("failed", ticket, UDFError.of(error)))
        return failed
    # results and exceptions of UDFs defined in a notebook need more than plain pickle
    answer: bytes
    try:
        answer = cloudpickle.dumps(("done", ticket, result))
    except Exception:  # noqa: BLE001 - result arrays of objects may hold anything
        answer = cloudpickle.dumps(("done", ticket, _travelling(result)))
    return answer


def _travelling(result: BlockResult) -> BlockResult:
    """What of a result can be pickled; a UDF whose arrays cannot has failed."""
    return replace(result, parts=tuple(_part_travelling(part) for part in result.parts))


def _part_travelling(part: PartitionResult) -> PartitionResult:

    def one(found: Mapping[str, Any] | UDFError) -> Mapping[str, Any] | UDFError:
        try:
            cloudpickle.dumps(found)
        except Exception as error:  # noqa: BLE001 - what users put into arrays of objects
            error.add_note("its results cannot be sent from a worker to the main process")
            return UDFError.of(error, "its results")
        return found

    return replace(part, results=tuple(one(found) for found in part.results))
