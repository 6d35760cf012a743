"""Process session: one run on worker processes; a dead one is replaced, its block redone."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any, Self

import cloudpickle

from framefold.core.block import Block
from framefold.core.tally import SHARED
from framefold.engine.arena import Placed, unpacked
from framefold.engine.dispatch import Dispatch, Loss
from framefold.engine.pool import Outcome
from framefold.engine.seats import Seat, Seats
from framefold.engine.supervision import LOOK_SECONDS, Excess, Supervision
from framefold.engine.worker import BlockResult
from framefold.errors import RunFailedError, UDFRunCancelled, WorkerLostError
from framefold.processes.segment import Attached
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.spec import RunSpec

log = logging.getLogger(__name__)

DEATHS_IN_A_ROW = 6
"""Workers that may die without one block finished between; then the run is given up."""


class ProcessSession:
    """One run's use of worker processes; see `framefold.engine.pool.Session`.

    Parameters
    ----------
    seats : Seats
        The workers.
    spec : RunSpec
        The run.
    names : sequence of str
        What its UDFs are called.
    """

    def __init__(self, seats: Seats, spec: RunSpec, names: Sequence[str] = ()) -> None:
        self._seats = seats
        self._spec = spec
        names = names or [cls.__name__ for cls, _ in spec.udfs]
        # the next four are the folding thread's
        self._names = names
        self._clock = seats.clock
        self._supervision = Supervision(seats.limits, names)
        self._look_due = 0.0  # when workers are looked at again [s]
        self._given_up: deque[Outcome] = deque()  # not taken yet
        self._drowsy = False  # nothing is in work, so that the folding thread looks at nobody
        self._dispatch = Dispatch()
        self._blocks: dict[int, Block] = {}  # ticket -> block, until its outcome is taken
        self._owners: dict[int, int] = {}  # block ident -> worker whose memory the result uses
        self._ticket = 0
        self._deaths = 0
        # guards all of the above; feeding thread waits on it for an idle worker
        self._state = threading.Condition()
        self._generation = 0  # of the parameters in _spec
        self._finished = False
        self._stopped = False
        self._aborted = False
        self._entered = False
        # held by: who sends new parameters, and who gives the workers to the next run
        self._steering = threading.Lock()
        self._wake_in = self._wake_out = -1

    def __enter__(self) -> Self:
        self._seats.take_turn(self)
        try:
            with self._state:
                self._wake_in, self._wake_out = os.pipe()
                os.set_blocking(self._wake_out, False)
                self._entered = True
            self._seats.fill()
            for seat in self._seats.all():
                self._introduce(seat)
        except BaseException:
            self._leave()
            raise
        return self

    def _introduce(self, seat: Seat) -> None:
        while not self._greet(seat):
            # it died between two runs, or as it started
            log.warning("worker lost while idle worker=%d", seat.number)
            self._count_death(seat, self._seats.remove(seat))
            seat = self._seats.add()
        with self._state:
            self._dispatch.seat(seat.number)

    def _greet(self, seat: Seat) -> bool:
        """Tell a worker of this run; False when it is gone."""
        while True:
            with self._state:
                generation, spec = self._generation, self._spec
            try:
                seat.child.send("run", cloudpickle.dumps(spec))
            except OSError:
                return False
            with self._state:
                # new parameters may have been sent before the run they are for: once more
                if generation == self._generation:
                    return True

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        try:
            if self._dispatch.outstanding:
                # workers with work left would answer into the next run: end them; and those
                # who wait for them to read are told
                self._seats.empty()
            with self._steering:
                for seat in self._seats.all():
                    self._tell(seat, "idle")
                with self._state:
                    self._entered = False
                    if self._wake_out >= 0:
                        os.close(self._wake_in)
                        os.close(self._wake_out)
                    self._wake_in = self._wake_out = -1
        finally:
            self._seats.end_turn()

    def leftovers(self) -> tuple[Block, ...]:
        """Blocks that were taken and never came back by `next`."""
        with self._state:
            left = tuple(self._blocks.values())
            self._blocks.clear()
        return left

    def _tell(self, seat: Seat, *order: object) -> None:
        try:
            seat.child.send(*order)
        except OSError as error:
            # its pipe is at its end too: whoever reads next replaces it
            log.info("worker gone worker=%d error=%s", seat.number, error)

    def try_out(self, *, noise: bool) -> PartitionResult | None:
        """Send a made-up frame through the UDFs in a worker; see `pool.Session.try_out`."""
        seat = self._seats.all()[0]
        self._tell(seat, "try", noise)
        while not self._aborted:
            ready = wait([seat.child.connection, self._wake_in], LOOK_SECONDS)
            if not ready and self._excess(seat) is not None:
                # if it does so over real frames, it is dealt with then
                self._replace(seat, "hangs or grows as it tries the UDFs", telling=True)
                return None
            if seat.child.connection in ready:
                break
            if self._wake_in in ready:
                os.read(self._wake_in, 4096)
        else:
            # its answer would come into the next run
            self._replace(seat, "ended while it tried the UDFs")
            raise UDFRunCancelled("UDF run cancelled while the UDFs were tried")
        try:
            verb, *facts = seat.child.receive()
        except (EOFError, OSError):
            # whatever it was may not happen over real frames; if it does, it is dealt with then
            self._replace(seat, "died while it tried the UDFs")
            return None
        if verb == "unusable":
            raise RunFailedError(f"the workers cannot run these UDFs:\n{facts[1]}")
        part: PartitionResult | None = facts[0]
        return None if part is None else _look_at_part(part, seat.attached)

    def _replace(self, seat: Seat, why: str, *, telling: bool = False) -> None:
        with self._state:
            self._dispatch.lost(seat.number)
        how = self._seats.remove(seat, telling=telling)
        log.warning("worker %s worker=%d how=%s", why, seat.number, how)
        self._seats.note_loss(f"{seat.child.name}: {why} ({how})")
        self._introduce(self._seats.add())

    # feeding thread -------------------------------------------------------------------------

    def submit(self, block: Block) -> bool:
        """Give a block to a worker; waits for one."""
        packed = pickle.dumps(block)  # first of all: it may fail, or be long
        with self._state:
            while True:
                if self._stopped:
                    return False
                worker = self._dispatch.idlest()
                if worker is not None:
                    break
                self._state.wait()
            self._ticket += 1
            ticket = self._ticket
            self._blocks[ticket] = block
            self._dispatch.assign(worker, ticket)
            seat = self._seats[worker]
            drowsy, self._drowsy = self._drowsy, False
        if drowsy:
            self.wake()
        self._tell(seat, "work", ticket, packed, self._suspended)
        return True

    @property
    def _suspended(self) -> frozenset[int]:
        return frozenset(self._supervision.suspended)

    def finish(self) -> None:
        """No more blocks will come."""
        with self._state:
            self._finished = True
        self.wake()

    # folding thread -------------------------------------------------------------------------

    def next(self, timeout: float | None) -> Outcome | None:
        """The next outcome; None after ``timeout`` [s], a `wake`, or at the end."""
        if self._aborted:
            raise UDFRunCancelled("UDF run cancelled, blocks in work were given up")
        if self._clock() >= self._look_due:
            self._look_after_workers()
        if self._given_up:
            return self._given_up.popleft()
        connections = {seat.child.connection: seat for seat in self._seats.all()}
        patience = self._patience()
        if patience is None or (timeout is not None and timeout < patience):
            patience = timeout
        ready = wait([*connections, self._wake_in], patience)
        for source in ready:
            if source == self._wake_in:
                os.read(self._wake_in, 4096)
                continue
            assert isinstance(source, Connection)
            outcome = self._take(connections[source])
            if outcome is not None:
                return outcome
        return None

    def _patience(self) -> float | None:
        """How long until workers are to be looked at [s]; None while nothing is in work."""
        with self._state:
            self._drowsy = not self._dispatch.outstanding
        if self._drowsy:
            return None
        return max(0.0, self._look_due - self._clock())

    def _look_after_workers(self) -> None:
        """Replace those that take more time or memory than they may."""
        for seat in self._seats.all():
            excess = self._excess(seat)
            if excess is not None:
                self._end_excess(seat, excess)
        began = [seat.since for seat in self._seats.all()]
        now = self._clock()
        self._look_due = now + self._supervision.patience(now, [b for b in began if b is not None])

    def _excess(self, seat: Seat) -> Excess | None:
        return self._supervision.excess(self._clock(), seat.since, seat.private_bytes)

    def _end_excess(self, seat: Seat, excess: Excess) -> None:
        with self._state:
            ticket = self._dispatch.in_work(seat.number)
        where = seat.where
        by_udf = where != SHARED and ticket is not None
        # nobody may give it work any more
        with self._state:
            loss = self._dispatch.lost(seat.number, innocent=by_udf)
        self._seats.remove(seat, telling=True)
        how = f"{excess.told}{self._place(where)}"
        if by_udf:
            assert ticket is not None
            self._supervision.blame(excess, where, ticket, seat.child.said.tail)
        self._make_good(seat, loss, how, counts=not by_udf)

    def _place(self, where: int) -> str:
        return "" if where == SHARED else f", in UDF {self._names[where]!r}"

    def _take(self, seat: Seat) -> Outcome | None:
        try:
            verb, ticket, *facts = seat.child.receive()
        except (EOFError, OSError):
            self._lost(seat)
            return None
        if verb == "unusable":
            raise RunFailedError(f"the workers cannot run these UDFs:\n{facts[0]}")
        result: BlockResult | None = None
        if verb == "done":
            try:
                result = _look(facts[0], seat.attached)
            except OSError:
                return None  # it died with its memory: its pipe says so next, and it is redone
        with self._state:
            if not self._dispatch.done(seat.number, ticket):
                return None
            block = self._blocks.pop(ticket)
            self._owners[block.ident] = seat.number
            self._deaths = 0
        if result is not None:
            return Outcome(block, self._explained(result))
        failed: UDFError = facts[0]
        return Outcome(block, None, f"{failed.type_name}: {failed.message}", failed)

    def _lost(self, seat: Seat) -> None:
        # first of all nobody may give it work any more
        with self._state:
            loss = self._dispatch.lost(seat.number)
        how = self._seats.remove(seat) + self._place(seat.where)
        self._make_good(seat, loss, how, counts=True)

    def _make_good(self, seat: Seat, loss: Loss, how: str, *, counts: bool) -> None:
        """Put another worker in the place of one that is gone, and see to its blocks."""
        log.warning(
            "worker lost worker=%d pid=%d how=%s redo=%d set_aside=%s",
            seat.number, seat.child.pid, how, len(loss.redo), loss.set_aside is not None,
        )  # fmt: skip
        self._seats.note_loss(f"{seat.child.name}: {how}")
        if counts:
            self._count_death(seat, how)
        self._introduce(self._seats.add())
        self._redo()
        if loss.set_aside is None:
            return
        with self._state:
            block = self._blocks.pop(loss.set_aside)
        lost = f"working on it ended two workers (last: {how}){_words(seat)}"
        self._given_up.append(Outcome(block, None, lost))

    def _count_death(self, seat: Seat, how: str) -> None:
        self._deaths += 1
        if self._deaths >= DEATHS_IN_A_ROW:
            raise WorkerLostError(
                f"{self._deaths} workers died without finishing a block (last: {how}); "
                f"the run is given up{_words(seat)}"
            )

    def _redo(self) -> None:
        """Give waiting blocks of dead workers to workers without work."""
        while True:
            with self._state:
                found = self._dispatch.next_redo()
                if found is None:
                    self._state.notify_all()
                    return
                worker, ticket = found
                self._dispatch.assign(worker, ticket)
                seat, block = self._seats[worker], self._blocks[ticket]
            self._tell(seat, "work", ticket, pickle.dumps(block), self._suspended)

    def folded(self, outcome: Outcome) -> None:
        """An outcome was folded: its worker's memory may be used again."""
        with self._state:
            worker = self._owners.pop(outcome.block.ident, None)
            if worker is not None:
                self._dispatch.folded(worker)
        self._redo()

    @property
    def at_end(self) -> bool:
        """Whether all blocks were submitted and every outcome was taken."""
        with self._state:
            return self._finished and not self._blocks and not self._given_up

    def abandon(self) -> None:
        """Nothing more will be folded: let nobody wait for a worker any more."""
        with self._state:
            self._stopped = True
            self._state.notify_all()
        if self._dispatch.outstanding:
            self._seats.empty()

    def _explained(self, result: BlockResult) -> BlockResult:
        """Say why there is nothing of UDFs that were suspended."""
        suspended = self._supervision.suspended
        if not suspended:
            return result

        def one(part: PartitionResult) -> PartitionResult:
            found = tuple(suspended.get(i, arrays) for i, arrays in enumerate(part.results))
            return replace(part, results=found)

        return replace(result, parts=tuple(one(part) for part in result.parts))

    # anybody --------------------------------------------------------------------------------

    @property
    def is_stopped(self) -> bool:
        """Whether no more blocks are taken."""
        return self._stopped

    def update(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """Change UDF parameters for every block submitted from now on."""
        with self._steering:
            with self._state:
                self._spec = replace(
                    self._spec,
                    udfs=tuple(
                        (kind, {**kwargs, **patch})
                        for (kind, kwargs), patch in zip(self._spec.udfs, patches, strict=True)
                    ),
                )
                self._generation += 1
                seats = self._seats.all() if self._entered else ()
            packed = cloudpickle.dumps(tuple(patches))
            for seat in seats:
                self._tell(seat, "update", packed)

    def wake(self) -> None:
        """Make `next` return."""
        with self._state:
            if self._wake_out >= 0:
                try:
                    os.write(self._wake_out, b"!")
                except BlockingIOError:
                    return  # thousands of wakes are waiting already

    def stop(self) -> None:
        """Take no more blocks; those in work are still finished."""
        with self._state:
            self._stopped = True
            self._state.notify_all()
        self.wake()
        self._seats.nudge()

    def abort(self) -> None:
        """Take no more blocks and give up those in work."""
        self._aborted = True
        self.stop()


def _words(seat: Seat) -> str:
    """What a worker wrote to its stderr, for messages."""
    tail = seat.child.said.tail
    return f"\nlast words of {seat.child.name}:\n{tail}" if tail else ""


def _look(result: BlockResult, attached: Attached) -> BlockResult:
    """Turn places in a worker's arena into arrays."""
    return replace(result, parts=tuple(_look_at_part(part, attached) for part in result.parts))


def _look_at_part(part: PartitionResult, attached: Attached) -> PartitionResult:
    def one(results: Mapping[str, Any] | UDFError) -> Mapping[str, Any] | UDFError:
        if isinstance(results, UDFError):
            return results
        return {
            name: unpacked(array, attached) if isinstance(array, Placed) else array
            for name, array in results.items()
        }

    return replace(part, results=tuple(one(results) for results in part.results))
