"""A model of the live line: sender, wire, receivers, ring, main process, workers. No clock, no I/O.

Actors do jobs of known length, on cores they share. Work travels in blocks, as in the product: a
block is sent, received into a slot of the ring, fed to a worker, worked on, and folded; folding
gives the slot back. Feeding and folding are one actor, since they are one Python process. While
fewer cores than busy actors are there, or less memory bandwidth than they want, all go slower
alike. What is left out: caches that workers share, scheduling, and everything that is not steady.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

DEPTH = 2
"""Blocks a worker holds at most, as `framefold.engine.dispatch` has it."""

SENT_AHEAD = 4
"""Blocks that socket buffers hold between sender and receivers."""


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU that each step takes, as measured.

    Parameters
    ----------
    sender_us, receiver_us, worker_us : float
        For each frame [us].
    worker_block_us, main_block_us : float
        For each block: in the worker besides its frames, and of feeding and folding [us].
    frame_bytes : float
        One frame on the wire [bytes].
    memory_bytes_s : float
        What main memory moves in all, reads and writes [bytes/s].
    """

    sender_us: float
    receiver_us: float
    worker_us: float
    worker_block_us: float
    main_block_us: float
    frame_bytes: float
    memory_bytes_s: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Who runs where.

    Parameters
    ----------
    cores : float
        How many there are for us.
    workers, receivers : int
    frames_per_block : int
    slots : int
        Of the ring, in all.
    remote_sender : bool
        Whether the detector has a machine of its own; then the wire bounds it.
    wire_bytes_s : float
        Of the network, if so [bytes/s].
    """

    cores: float
    workers: int
    receivers: int = 1
    frames_per_block: int = 64
    slots: int = 64
    remote_sender: bool = True
    wire_bytes_s: float = 12.5e9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Parameters
    ----------
    frames_s : float
        Frames a second, from the first one sent to the last one folded.
    busy : dict of str to float
        Share of the time that each kind of actor had work: 1 is saturated.
    """

    frames_s: float
    busy: dict[str, float]

    @property
    def busiest(self) -> str:
        """Who had work the largest share of the time."""
        return max(self.busy, key=lambda name: self.busy[name])


@dataclass(slots=True)
class _Actor:
    """Does one job at a time."""

    kind: str
    on_core: bool = True
    job: int | None = None  # the block
    task: str = ""
    left_s: float = 0.0
    bytes_s: float = 0.0  # what the job moves through memory while it runs at full speed
    busy_s: float = 0.0

    def begin(self, task: str, block: int, seconds: float, moved: float = 0.0) -> None:
        self.task, self.job, self.left_s = task, block, max(seconds, 1e-12)
        self.bytes_s = moved / self.left_s


@dataclass(slots=True)
class _Line:
    """Everything between the actors."""

    costs: Costs
    layout: Layout
    blocks: int
    to_send: int = 0
    sent: list[deque[int]] = field(default_factory=list)  # for each receiver
    parts: dict[int, int] = field(default_factory=dict)  # block -> receivers that are through
    slots: set[int] = field(default_factory=set)  # blocks that hold one
    sealed: deque[int] = field(default_factory=deque)
    fed: list[deque[int]] = field(default_factory=list)  # for each worker
    done: deque[int] = field(default_factory=deque)
    folded: int = 0

    def work_s(self, frame_us: float, share: int = 1) -> float:
        return self.layout.frames_per_block / share * frame_us * 1e-6


def simulate(costs: Costs, layout: Layout, blocks: int = 600) -> Outcome:
    """Run a series of blocks through the line.

    Parameters
    ----------
    costs : Costs
    layout : Layout
    blocks : int
        How many; enough that filling and emptying the line do not count.

    Returns
    -------
    Outcome
    """
    line = _Line(costs, layout, blocks)
    line.sent = [deque() for _ in range(layout.receivers)]
    line.fed = [deque() for _ in range(layout.workers)]
    sender = _Actor("wire" if layout.remote_sender else "sender", not layout.remote_sender)
    receivers = [_Actor("receiver") for _ in range(layout.receivers)]
    main = _Actor("main")
    workers = [_Actor("worker") for _ in range(layout.workers)]
    actors = [sender, *receivers, main, *workers]
    now = 0.0
    while line.folded < blocks:
        _begin_all(line, sender, receivers, main, workers)
        now += _advance(actors, layout.cores, costs.memory_bytes_s)
        for actor in actors:
            if actor.job is not None and actor.left_s <= 1e-15:
                _finish(line, actor, receivers, workers)
    busy: dict[str, float] = {}
    for actor in actors:
        alike = sum(one.kind == actor.kind for one in actors)
        busy[actor.kind] = busy.get(actor.kind, 0.0) + actor.busy_s / now / alike
    return Outcome(blocks * layout.frames_per_block / now, busy)


def _begin_all(
    line: _Line, sender: _Actor, receivers: list[_Actor], main: _Actor, workers: list[_Actor]
) -> None:
    costs, layout = line.costs, line.layout
    frames = layout.frames_per_block
    moved = frames * costs.frame_bytes
    room = line.to_send < line.blocks and all(len(queue) < SENT_AHEAD for queue in line.sent)
    if sender.job is None and room:
        by_wire = moved / layout.wire_bytes_s
        seconds = by_wire if layout.remote_sender else line.work_s(costs.sender_us)
        sender.begin("send", line.to_send, seconds)
        line.to_send += 1
    for queue, receiver in zip(line.sent, receivers, strict=True):
        if receiver.job is not None or not queue:
            continue
        block = queue[0]
        if block not in line.slots:
            if len(line.slots) >= layout.slots:
                continue  # the ring is full: it takes no messages
            line.slots.add(block)
        queue.popleft()
        share = layout.receivers
        # out of the kernel's memory, into the ring
        receiver.begin("receive", block, line.work_s(costs.receiver_us, share), 2 * moved / share)
    if main.job is None:
        idlest = min(range(layout.workers), key=lambda n: _load(line, workers, n))
        if line.done:
            main.begin("fold", line.done.popleft(), costs.main_block_us * 0.5e-6)
        elif line.sealed and _load(line, workers, idlest) < DEPTH:
            main.begin("feed", line.sealed.popleft(), costs.main_block_us * 0.5e-6)
    for queue, worker in zip(line.fed, workers, strict=True):
        if worker.job is None and queue:
            seconds = costs.worker_block_us * 1e-6 + line.work_s(costs.worker_us)
            worker.begin("work", queue.popleft(), seconds, moved)


def _load(line: _Line, workers: list[_Actor], number: int) -> int:
    return len(line.fed[number]) + (workers[number].job is not None)


def _advance(actors: list[_Actor], cores: float, memory_bytes_s: float) -> float:
    """Let time pass until the next job is done; how much passed [s]."""
    active = [actor for actor in actors if actor.job is not None]
    assert active, "everybody waits for everybody"
    running = sum(actor.on_core for actor in active)
    wanted = sum(actor.bytes_s for actor in active if actor.on_core)
    speed = min(1.0, cores / max(running, 1), memory_bytes_s / max(wanted, 1.0))
    speeds = [speed if actor.on_core else 1.0 for actor in active]
    passed = min(actor.left_s / one for actor, one in zip(active, speeds, strict=True))
    for actor, one in zip(active, speeds, strict=True):
        actor.left_s -= passed * one
        actor.busy_s += passed
    return passed


def _finish(line: _Line, actor: _Actor, receivers: list[_Actor], workers: list[_Actor]) -> None:
    block = actor.job
    assert block is not None
    actor.job = None
    if actor.task == "send":
        for queue in line.sent:
            queue.append(block)
    elif actor.task == "receive":
        line.parts[block] = line.parts.get(block, 0) + 1
        if line.parts[block] == len(receivers):
            del line.parts[block]
            line.sealed.append(block)
    elif actor.task == "feed":
        idlest = min(range(len(workers)), key=lambda n: _load(line, workers, n))
        line.fed[idlest].append(block)
    elif actor.task == "work":
        line.done.append(block)
    else:
        line.slots.discard(block)
        line.folded += 1


def bounds(costs: Costs, layout: Layout) -> dict[str, float]:
    """How many frames a second each part alone could do at most, the tightest first.

    ``cores`` is all CPU together: it binds where there are fewer cores than busy actors.
    """
    frames = layout.frames_per_block
    worker = costs.worker_us + costs.worker_block_us / frames
    main = costs.main_block_us / frames
    cpu = costs.receiver_us + worker + main
    found = {
        "receiver": layout.receivers * 1e6 / costs.receiver_us,
        "worker": layout.workers * 1e6 / worker,
        "main": 1e6 / main,
        "memory": costs.memory_bytes_s / (3 * costs.frame_bytes),
    }
    if layout.remote_sender:
        found["wire"] = layout.wire_bytes_s / costs.frame_bytes
    else:
        cpu += costs.sender_us
        found["sender"] = 1e6 / costs.sender_us
    found["cores"] = layout.cores * 1e6 / cpu
    return dict(sorted(found.items(), key=lambda one: one[1]))


def layouts(cores: int, receivers: int = 1, frames_per_block: int = 64) -> Iterator[Layout]:
    """The machine with more and more workers, until every core has one actor."""
    most = cores - receivers - 1  # the main process needs one, too
    count = 1
    while count < most:
        yield Layout(cores, count, receivers, frames_per_block)
        count *= 2
    yield Layout(cores, max(most, 1), receivers, frames_per_block)
