"""Process pool: workers in processes of their own; a dead one is replaced, its block redone."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any, Self

import cloudpickle

from framefold.core.block import Block
from framefold.engine.arena import Placed, unpacked
from framefold.engine.dispatch import Dispatch
from framefold.engine.pool import Outcome, Session
from framefold.engine.worker import BlockResult
from framefold.errors import RunFailedError, WorkerLostError
from framefold.processes.launcher import Child, Launcher
from framefold.processes.segment import Attached
from framefold.udf.partial import UDFError
from framefold.udf.spec import RunSpec

log = logging.getLogger(__name__)

WORKER = "framefold.engine.worker:main"

DEATHS_IN_A_ROW = 6
"""Workers that may die without one block finished between; then the run is given up."""


@dataclass(slots=True)
class _Seat:
    """A worker as the main process sees it."""

    number: int
    child: Child
    sending: threading.Lock = field(default_factory=threading.Lock)
    attached: Attached = field(default_factory=Attached)

    def send(self, *order: object) -> None:
        with self.sending:
            self.child.connection.send_bytes(pickle.dumps(order))


class ProcessPool:
    """Workers in processes of their own.

    Parameters
    ----------
    launcher : Launcher
        Where they come from; it outlives the pool.
    workers : int
        How many.
    """

    in_this_thread = False

    def __init__(self, launcher: Launcher, workers: int) -> None:
        self.workers = workers
        self._launcher = launcher
        self._busy = threading.Lock()  # held by: the session that uses the workers
        self._next = 0
        # written by: whoever holds _busy (the folding thread of the current run)
        self.seats: dict[int, _Seat] = {}
        for _ in range(workers):
            self.add_seat()

    def add_seat(self) -> _Seat:
        """Start one more worker."""
        number = self._next
        self._next += 1
        child = self._launcher.spawn(f"worker-{number}", WORKER)
        seat = self.seats[number] = _Seat(number, child)
        return seat

    def remove_seat(self, seat: _Seat) -> str:
        """Forget a worker that died; how it ended."""
        del self.seats[seat.number]
        seat.attached.close()
        return self._launcher.reap(seat.child)

    def pids(self) -> tuple[int, ...]:
        """Process numbers of the workers."""
        return tuple(seat.child.pid for seat in list(self.seats.values()))

    def session(self, spec: RunSpec) -> Session:
        """Use the workers for one run; waits while another run uses them."""
        return _ProcessSession(self, spec, self._busy)

    def close(self) -> None:
        """End the workers, once the run that uses them is over."""
        with self._busy:
            for seat in list(self.seats.values()):
                self.remove_seat(seat)


class _ProcessSession:
    def __init__(self, pool: ProcessPool, spec: RunSpec, busy: threading.Lock) -> None:
        self._pool = pool
        self._busy = busy
        self._spec = spec
        self._dispatch = Dispatch()
        self._blocks: dict[int, Block] = {}  # ticket -> block, until its outcome is taken
        self._owners: dict[int, int] = {}  # block ident -> worker whose memory the result uses
        self._ticket = 0
        self._deaths = 0
        # guards all of the above; feeding thread waits on it for an idle worker
        self._state = threading.Condition()
        self._finished = False
        self._stopped = False
        self._wake_in, self._wake_out = os.pipe()
        os.set_blocking(self._wake_out, False)

    def __enter__(self) -> Self:
        self._busy.acquire()
        try:
            for seat in list(self._pool.seats.values()):
                self._introduce(seat)
        except BaseException:
            self._busy.release()
            raise
        return self

    def _introduce(self, seat: _Seat) -> None:
        try:
            seat.send("run", cloudpickle.dumps(self._spec))
        except OSError:
            # it died between two runs; the folding thread would only find out with a block
            log.warning("worker lost while idle worker=%d", seat.number)
            self._pool.remove_seat(seat)
            self._introduce(self._pool.add_seat())
            return
        with self._state:
            self._dispatch.seat(seat.number)

    def __exit__(self, *_: object) -> None:
        for seat in list(self._pool.seats.values()):
            # a worker with work left would answer into the next run: end it, start afresh
            if self._dispatch.outstanding:
                self._pool.remove_seat(seat)
                self._pool.add_seat()
            else:
                self._tell(seat, "idle")
        with self._state:
            os.close(self._wake_in)
            os.close(self._wake_out)
            self._wake_out = -1
        self._busy.release()

    def _tell(self, seat: _Seat, *order: object) -> None:
        try:
            seat.send(*order)
        except OSError as error:
            # its pipe is at its end too: whoever reads next replaces it
            log.info("worker gone worker=%d error=%s", seat.number, error)

    # feeding thread -------------------------------------------------------------------------

    def submit(self, block: Block) -> bool:
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
            seat = self._pool.seats[worker]
        self._tell(seat, "work", ticket, block)
        return True

    def finish(self) -> None:
        with self._state:
            self._finished = True
        self.wake()

    def update(self, patches: Sequence[Mapping[str, Any]]) -> None:
        self._spec = replace(
            self._spec,
            udfs=tuple(
                (kind, {**kwargs, **patch})
                for (kind, kwargs), patch in zip(self._spec.udfs, patches, strict=True)
            ),
        )
        packed = cloudpickle.dumps(tuple(patches))
        for seat in list(self._pool.seats.values()):
            self._tell(seat, "update", packed)

    # folding thread -------------------------------------------------------------------------

    def next(self, timeout: float | None) -> Outcome | None:
        connections = {seat.child.connection: seat for seat in self._pool.seats.values()}
        ready = wait([*connections, self._wake_in], timeout)
        for source in ready:
            if source == self._wake_in:
                os.read(self._wake_in, 4096)
                continue
            assert isinstance(source, Connection)
            outcome = self._take(connections[source])
            if outcome is not None:
                return outcome
        return None

    def _take(self, seat: _Seat) -> Outcome | None:
        try:
            verb, ticket, *facts = pickle.loads(seat.child.connection.recv_bytes())
        except (EOFError, OSError):
            return self._lost(seat)
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
        return Outcome(block, result, "" if result is not None else facts[0])

    def _lost(self, seat: _Seat) -> Outcome | None:
        how = self._pool.remove_seat(seat)
        outcome: Outcome | None = None
        with self._state:
            self._deaths += 1
            loss = self._dispatch.lost(seat.number)
            if loss.set_aside is not None:
                block = self._blocks.pop(loss.set_aside)
                outcome = Outcome(block, None, f"working on it ended two workers (last: {how})")
        log.warning(
            "worker lost worker=%d pid=%d how=%s redo=%d set_aside=%s",
            seat.number, seat.child.pid, how, len(loss.redo), loss.set_aside is not None,
        )  # fmt: skip
        if self._deaths >= DEATHS_IN_A_ROW:
            raise WorkerLostError(
                f"{self._deaths} workers died without finishing a block (last: {how}); "
                "the run is given up"
            )
        self._introduce(self._pool.add_seat())
        self._redo()
        return outcome

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
                seat, block = self._pool.seats[worker], self._blocks[ticket]
            self._tell(seat, "work", ticket, block)

    def folded(self, outcome: Outcome) -> None:
        with self._state:
            worker = self._owners.pop(outcome.block.ident, None)
            if worker is not None:
                self._dispatch.folded(worker)
        self._redo()

    @property
    def at_end(self) -> bool:
        with self._state:
            return self._finished and not self._blocks

    # anybody --------------------------------------------------------------------------------

    def wake(self) -> None:
        with self._state:
            if self._wake_out >= 0:
                try:
                    os.write(self._wake_out, b"!")
                except BlockingIOError:
                    return  # thousands of wakes are waiting already

    def stop(self) -> None:
        with self._state:
            self._stopped = True
            self._state.notify_all()
        self.wake()


def _look(result: BlockResult, attached: Attached) -> BlockResult:
    """Turn places in a worker's arena into arrays."""

    def one(results: Mapping[str, Any] | UDFError) -> Mapping[str, Any] | UDFError:
        if isinstance(results, UDFError):
            return results
        return {
            name: unpacked(array, attached) if isinstance(array, Placed) else array
            for name, array in results.items()
        }

    return replace(
        result,
        parts=tuple(
            replace(part, results=tuple(one(results) for results in part.results))
            for part in result.parts
        ),
    )
