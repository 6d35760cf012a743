"""What the receiver decides, with a transport and a pipe that are lists."""

from __future__ import annotations

import pickle
from collections import deque
from typing import Any

import numpy as np
import pytest

from framefold.core.encoding import Encoding
from framefold.core.losses import Losses
from framefold.errors import RingTooSmallError, UnknownNameError
from framefold.live.announcement import ScanChoice
from framefold.live.counters import Count, total_losses
from framefold.live.intake import END_GRACE_SECONDS, FEW_FRAMES, GATHERING_SECONDS, PATIENCE
from framefold.live.kept_slots import KeptSlots
from framefold.live.opening import ring_shape
from framefold.live.receiver import Receiver
from framefold.live.ring import COUNTERS_BYTES
from framefold.live.settings import MIB, StreamSettings
from framefold.live.stream import LiveReader
from framefold.live.transport import Transport
from framefold.protocols import WireProtocol
from framefold.protocols.events import Arrived, Ended, Started

SIG = (8, 8)
DTYPE = np.dtype(np.uint16)
BYTES = 128


class Pipe:
    """The receiver's end of a pipe to nowhere; `slow` advances the clock with each message."""

    def __init__(self) -> None:
        self.orders: deque[tuple[Any, ...]] = deque()
        self.said: list[tuple[Any, ...]] = []
        self.held_up = 0.0
        self.time = 0.0

    def fileno(self) -> int:
        return 0

    def poll(self) -> bool:
        return bool(self.orders)

    def recv_bytes(self) -> bytes:
        return pickle.dumps(self.orders.popleft())

    def send_bytes(self, packed: bytes) -> None:
        self.time += self.held_up
        self.said.append(pickle.loads(packed))


class Wire(Transport):
    """Messages that are events already."""

    connected = True

    def __init__(self, pipe: Pipe) -> None:
        self.messages: deque[Any] = deque()
        self._pipe = pipe
        self.patience: float | None = None

    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        self.patience = seconds
        return self._pipe.poll(), data and bool(self.messages)

    def receive(self) -> Any:
        return self.messages.popleft() if self.messages else None

    def close(self) -> None:
        self.messages.clear()


class Language(WireProtocol):
    """A protocol whose messages are tuples of events, or exceptions."""

    @classmethod
    def understands(cls, first: Any) -> bool:
        return True

    def feed(self, parts: Any) -> Any:
        for part in parts:
            if isinstance(part, Exception):
                raise part
        return tuple(parts)


class Bench:
    """A receiver on the table."""

    def __init__(self, **settings: Any) -> None:
        given: dict[str, Any] = {
            "nav_shape": (4, 4),
            "frames_per_block": 4,
            "ring_bytes": 8 * MIB,
            "block_bytes": 1 << 13,
        }
        given |= settings
        self.pipe = Pipe()
        self.wire = Wire(self.pipe)
        self.memory = np.zeros(given["ring_bytes"], dtype=np.uint8)
        made = StreamSettings("nowhere", **given)
        self.receiver = Receiver(
            self.pipe, self.wire, made, "ring", self.memory, clock=lambda: self.pipe.time
        )
        self.receiver._protocol = Language()

    def hear(self, *events: Any) -> list[tuple[Any, ...]]:
        """One message for each event; what the receiver says to them."""
        self.wire.messages.extend((event,) for event in events)
        return self.turn()

    def turn(self, *orders: Any) -> list[tuple[Any, ...]]:
        self.pipe.orders.extend(orders)
        self.receiver.turn()
        said, self.pipe.said = self.pipe.said, []
        return said

    def count(self, what: Count) -> int:
        return int(self.memory[:COUNTERS_BYTES].view(np.int64)[what])


def header(series: str = "1", **facts: Any) -> Started:
    given = {
        "number": 1, "sig_shape": SIG, "dtype": DTYPE, "frames": 16, "channels": ("a",),
        "frame_time": None, "metadata": {},
    }  # fmt: skip
    return Started(series, **(given | facts))


def frame(
    number: int, series: str = "1", *, sig: Any = SIG, dtype: Any = DTYPE, nbytes: int = BYTES
) -> Arrived:
    payload = memoryview(bytes([number % 256]) * nbytes)
    return Arrived(series, number, payload, Encoding("raw"), sig, np.dtype(dtype))


def verbs(said: list[tuple[Any, ...]]) -> list[str]:
    return [one[0] for one in said]


class TestHeaders:
    """A header begins an acquisition, once."""

    def test_it_is_announced_and_frames_follow(self):
        bench = Bench()
        said = bench.hear(header(), *(frame(n) for n in range(16)), Ended("1", "end"))

        assert verbs(said) == ["started", *["block"] * 4, "ended"]
        assert said[-1][2].complete

    def test_repeated_before_the_first_frame(self):
        """Whoever follows the first must not wait for an end that never comes."""
        bench = Bench()
        said = bench.hear(header(), header(), header(), frame(0), Ended("1", "end"))

        assert verbs(said) == ["started", "block", "ended"]
        assert said[0][1].ident == said[-1][1]

    def test_corrected_before_the_first_frame(self):
        bench = Bench()
        said = bench.hear(header(), header(sig_shape=(2, 2)), frame(0, sig=(2, 2)))

        assert verbs(said) == ["started", "ended", "started"]
        assert said[0][1].ident == said[1][1] != said[2][1].ident

    def test_of_a_detector_that_was_restarted(self):
        bench = Bench()
        said = bench.hear(header(), frame(0), header(), frame(0), Ended("1", "end"))

        assert verbs(said) == ["started", "block", "ended", "started", "block", "ended"]

    def test_what_was_counted_before_is_kept_as_a_sum(self):
        bench = Bench()
        bench.hear(header("1"), frame(0), frame(1), frame(1), Ended("1", "end"), frame(2))
        bench.hear(header("2"), frame(0, "2"))

        assert bench.count(Count.RECEIVED) == 1
        assert total_losses(bench.memory[:COUNTERS_BYTES].view(np.int64)) == Losses(
            received=3, duplicate=1, stale=1
        )

    def test_two_in_a_row(self):
        bench = Bench()
        said = bench.hear(header("1"), header("2"), frame(3, "2"), frame(4, "1"))

        assert verbs(said) == ["started", "ended", "started"]
        assert "series 2 began" in said[1][2].reason
        assert bench.count(Count.RECEIVED) == 1
        assert bench.count(Count.STALE) == 1

    def test_refused_series_is_refused_once_and_its_frames_with_it(self):
        bench = Bench(nav_shape=None)
        said = bench.hear(header(frames=None), frame(0), frame(1), Ended("1", "end"))

        assert verbs(said) == ["refused"]
        assert "give nav_shape" in said[0][2]
        assert bench.count(Count.STALE) == 2
        assert verbs(bench.hear(header("2"), Ended("2", "end"))) == ["started", "ended"]

    def test_of_a_scan_no_memory_holds(self):
        bench = Bench(nav_shape=None)
        said = bench.hear(header(frames=2**53), frame(0))

        assert verbs(said) == ["refused"]
        assert "positions" in said[0][2]

    def test_without_shape_waits_for_the_first_frame(self):
        bench = Bench()
        assert not bench.hear(header(sig_shape=None))

        assert verbs(bench.hear(frame(0))) == ["started"]

    def test_without_shape_and_without_frames(self):
        bench = Bench()

        assert not bench.hear(header(sig_shape=None), Ended("1", "end"))


class TestFrames:
    """Frames belong to a series."""

    def test_after_the_end(self):
        bench = Bench()
        bench.hear(header(), frame(0), Ended("1", "end"))

        assert not bench.hear(frame(1), Ended("1", "end"))
        assert bench.count(Count.STALE) == 1

    def test_end_of_another_series(self):
        bench = Bench()

        assert verbs(bench.hear(header(), frame(0), Ended("7", "end"))) == ["started"]

    def test_of_another_type_are_refused(self):
        bench = Bench()
        bench.hear(header(), frame(0), frame(1, dtype=np.uint8), frame(2, sig=(4, 4)), frame(3))

        assert bench.count(Count.RECEIVED) == 2
        assert bench.count(Count.CORRUPT) == 2

    def test_that_came_before_any_header(self):
        bench = Bench()
        said = bench.hear(frame(5), frame(6), Ended("1", "end"))

        assert verbs(said) == ["started", "block", "ended"]

    def test_that_are_nonsense(self):
        bench = Bench()
        bench.hear(header(), ZeroDivisionError("nonsense"), frame(0))

        assert bench.count(Count.CORRUPT) == 1
        assert bench.count(Count.RECEIVED) == 1

    @pytest.mark.parametrize(
        ("offset", "promised", "sent", "complete", "received"),
        [
            (0, 16, 16, True, 16),
            (0, 20, 20, True, 16),  # more than the scan
            (0, 16, 12, False, 12),  # fewer than promised
            (0, 12, 12, True, 12),  # all that were promised, fewer than the scan
            (-4, 16, 16, True, 12),  # the first four positions stay blank
            (-4, None, 12, True, 12),
            (3, 19, 19, True, 16),
            (3, 16, 16, True, 13),
        ],
    )
    def test_counts_both_ways(self, offset, promised, sent, complete, received):
        bench = Bench(sync_offset=offset)
        said = bench.hear(
            header(frames=promised), *(frame(n) for n in range(sent)), Ended("1", "end")
        )
        ending = said[-1][2]

        assert ending.complete is complete
        assert ending.losses.received == received
        assert ending.losses.nowhere == sent - received


class TestFullRing:
    """A ring that is full holds the detector back, and nothing else."""

    @pytest.fixture
    def full(self) -> Bench:
        bench = Bench(frames_per_block=1, ring_bytes=MIB)
        bench.hear(header(), *(frame(n) for n in range(16)))
        while not bench.count(Count.STALLS):
            bench.turn()
        assert bench.count(Count.FREE_SLOTS) == 0
        return bench

    def test_goes_on_when_a_slot_comes_back(self, full):
        before = full.count(Count.RECEIVED)
        full.turn(("free", 0))

        assert full.count(Count.RECEIVED) == before + 1

    def test_stops(self, full):
        full.turn(("stop",))

        assert full.receiver._stopping

    def test_drops(self, full):
        reader = full.receiver._intake._collection.acquisition.ident
        said = full.turn(("drop", reader))
        assert verbs(said) == ["ended"]
        full.turn()

        assert not full.wire.messages
        assert full.count(Count.STALE) > 0

    def test_a_drop_for_another_changes_nothing(self, full):
        assert not full.turn(("drop", "other"))
        assert full.receiver._intake._waiting is not None

    def test_never_ends_for_silence(self, full):
        full.pipe.time += 1000
        assert not full.turn()

        assert full.wire.patience is None

    def test_is_cut_anew_once_all_slots_are_back(self, full):
        slots = full.count(Count.SLOTS)
        full.turn(("drop", full.receiver._intake._collection.acquisition.ident))
        full.turn()
        said = full.hear(header("2", sig_shape=(200, 200)), frame(0, "2", sig=(200, 200)))
        assert verbs(said) == ["recall"]  # slots still out belong to the old cut
        for slot in range(slots):
            assert "started" not in verbs(said)
            said = full.turn(("free", slot))

        assert "started" in verbs(said)
        assert full.count(Count.SLOTS) != slots


class TestTime:
    """Silence ends an acquisition; being busy is no silence."""

    def test_silence(self):
        bench = Bench(idle_seconds=5.0, update_seconds=60.0)
        bench.hear(header(), frame(0))
        assert bench.turn() == []
        assert bench.wire.patience == pytest.approx(5.0)
        bench.pipe.time += 5

        said = bench.turn()
        assert verbs(said) == ["block", "ended"]
        assert "no frame for 5 s" in said[-1][2].reason

    def test_no_limit(self):
        bench = Bench(idle_seconds=None)
        bench.hear(header(), frame(0))
        bench.pipe.time += 1e6

        assert verbs(bench.turn()) == ["block"]

    def test_a_complete_scan_waits_for_its_end_a_little(self):
        bench = Bench(idle_seconds=None)
        bench.hear(header(), *(frame(n) for n in range(16)))
        bench.pipe.time += END_GRACE_SECONDS

        said = bench.turn()
        assert verbs(said) == ["ended"]
        assert said[0][2].complete

    def test_being_held_up_is_no_silence(self):
        """Nobody read our announcements for a long time; the frames are waiting here."""
        bench = Bench(idle_seconds=5.0, frames_per_block=1)
        bench.hear(header())
        bench.pipe.held_up = 100.0

        assert verbs(bench.hear(frame(0))) == ["block"]
        assert verbs(bench.hear(frame(1))) == ["block"]

    def test_updates_without_delay(self):
        bench = Bench(update_seconds=0.0, frames_per_block=16)

        assert verbs(bench.hear(header(), frame(0), frame(1))) == ["started", "block"]
        assert verbs(bench.hear(frame(2))) == ["block"]


class TestGathering:
    """Unless somebody said how many frames a block has, slots go after a moment, if they hold
    a few frames; later, the more blocks are in work.
    """

    def heard(self, **changed):
        bench = Bench(**{"nav_shape": (16, 16), "frames_per_block": None} | changed)
        bench.hear(header(frames=256), *map(frame, range(FEW_FRAMES)))
        return bench

    def test_after_a_moment(self):
        bench = self.heard()
        assert bench.receiver._intake.patience() == pytest.approx(GATHERING_SECONDS)
        assert bench.hear() == []
        bench.pipe.time += GATHERING_SECONDS

        ((_, block),) = bench.hear()
        assert block.count == FEW_FRAMES

    @pytest.mark.parametrize("update", [0.02, 0.25])
    def test_a_frame_fewer_waits_longer(self, update):
        bench = Bench(nav_shape=(16, 16), frames_per_block=None, update_seconds=update)
        bench.hear(header(frames=256), *map(frame, range(FEW_FRAMES - 1)))
        within = min(update, PATIENCE * GATHERING_SECONDS)
        assert bench.receiver._intake.patience() == pytest.approx(within)
        bench.pipe.time += GATHERING_SECONDS
        assert bench.hear() == []
        bench.pipe.time += within - GATHERING_SECONDS

        assert verbs(bench.hear()) == ["block"]

    def test_longer_while_a_block_is_in_work(self):
        bench = self.heard()
        bench.pipe.time += GATHERING_SECONDS
        ((_, first),) = bench.hear()
        bench.hear(*map(frame, range(16, 16 + FEW_FRAMES)))
        bench.pipe.time += 1.5 * GATHERING_SECONDS
        assert bench.hear() == []
        bench.pipe.orders.append(("free", first.slot))

        assert verbs(bench.hear()) == ["block"]

    def test_what_is_only_kept_is_not_in_work(self):
        bench = self.heard()
        bench.pipe.time += GATHERING_SECONDS
        assert verbs(bench.hear()) == ["block"]
        bench.memory[:COUNTERS_BYTES].view(np.int64)[Count.KEPT] = 1
        bench.hear(*map(frame, range(16, 16 + FEW_FRAMES)))
        bench.pipe.time += 1.5 * GATHERING_SECONDS

        assert verbs(bench.hear()) == ["block"]

    def test_not_where_somebody_said_how_many(self):
        bench = self.heard(frames_per_block=100)
        bench.pipe.time += GATHERING_SECONDS

        assert bench.hear() == []


class TestCounts:
    """Counts belong to a series."""

    def test_a_reader_does_not_take_those_of_the_next(self):
        bench = Bench()
        (_, acquisition, series) = bench.hear(header("1"), *map(frame, range(3)))[0]

        class Link:
            counts = bench.memory[:COUNTERS_BYTES].view(np.int64)
            kept = KeptSlots(0)

        reader = LiveReader(Link(), acquisition, series)
        assert reader.losses().received == 3
        bench.hear(header("2"), frame(0, "2"))

        assert reader.losses().received == 3


class TestSettings:
    """Settings that make no sense are refused at once, the rest is made to fit."""

    def test_a_ring_too_small_for_anything(self):
        with pytest.raises(RingTooSmallError, match="need a ring"):
            Bench(ring_bytes=64 << 10)

    def test_an_unknown_protocol(self):
        with pytest.raises(UnknownNameError, match="simplon"):
            Bench(protocol="simplom-v1")

    @pytest.mark.parametrize("settings", [
        {"block_bytes": 1 << 40}, {"block_bytes": 1}, {"frames_per_block": 1 << 40},
        {"frames_per_block": None, "update_seconds": 0.0},
    ])  # fmt: skip
    def test_absurd_sizes_work(self, settings):
        bench = Bench(**settings)
        said = bench.hear(header(frame_time=1e-3), *(frame(n) for n in range(16)))
        for _, block in [one for one in said if one[0] == "block"]:
            bench.turn(("free", block.slot))
        bench.hear(Ended("1", "end"))

        assert bench.count(Count.RECEIVED) == 16

    @pytest.mark.parametrize("frame_bytes", [0, 1, 128, 100_000])
    @pytest.mark.parametrize("size", [MIB, 3 * MIB + 17, 64 * MIB])
    @pytest.mark.parametrize("block_bytes", [1, MIB, 1 << 40])
    def test_slots_lie_in_the_ring(self, frame_bytes, size, block_bytes):
        shape = ring_shape(size, frame_bytes, block_bytes)

        assert shape.slots >= 3
        assert shape.start(shape.slots) <= size
        assert shape.payload_bytes >= frame_bytes


class TestHeldSeries:
    """With ``hold`` a series waits until somebody says how its scan runs."""

    def test_announced_taken_and_received(self):
        bench = Bench(hold=True, nav_shape=None)
        ((verb, found), connected) = bench.hear(header(frames=16))
        assert (verb, connected) == ("announced", ("connected",))
        assert (found.frames, found.sig_shape, found.series) == (16, SIG, "1")

        bench.hear(frame(0))
        assert bench.hear(frame(1)) == []  # left on the wire
        assert len(bench.wire.messages) == 1
        said = bench.turn(("take", found.ident, ScanChoice((2, 8), 0, 2)))
        said += bench.turn()

        assert [verb for verb, *_ in said] == ["started", "block"]
        assert said[0][1].nav_shape == (2, 8)
        assert bench.count(Count.RECEIVED) == 2

    def test_left(self):
        bench = Bench(hold=True)
        found = bench.hear(header())[0][1]
        bench.hear(frame(0))
        assert bench.turn(("leave", found.ident)) == []
        bench.hear(frame(1))
        assert bench.count(Count.STALE) == 2
        (again,) = bench.hear(header(series="2"))

        assert again[0] == "announced"
        assert again[1].ident != found.ident

    def test_withdrawn_by_its_end_or_by_the_next_one(self):
        bench = Bench(hold=True)
        first = bench.hear(header())[0][1]
        assert bench.hear(Ended("1", "aborted")) == [("withdrawn", first.ident, "aborted")]
        assert bench.turn(("take", first.ident, ScanChoice((4, 4)))) == []
        second = bench.hear(header(series="2"))[0][1]
        gone, (verb, third) = bench.hear(header(series="3"))

        assert gone[:2] == ("withdrawn", second.ident)
        assert (verb, third.series) == ("announced", "3")

    def test_an_armed_one_may_wait_for_its_scan(self):
        bench = Bench(hold=True, idle_seconds=5.0)
        found = bench.hear(header(frames=16))[0][1]
        bench.turn(("take", found.ident, ScanChoice((4, 4))))
        bench.pipe.time = 100.0
        assert bench.turn() == []
        bench.hear(frame(0))
        bench.pipe.time = 106.0

        assert verbs(bench.turn()) == ["block", "ended"]

    def test_a_scan_that_does_not_fit_is_refused(self):
        bench = Bench(hold=True)
        found = bench.hear(header(frames=None))[0][1]
        (said,) = bench.turn(("take", found.ident, ScanChoice((-1, 4))))

        assert said[0] == "refused"

    @pytest.mark.parametrize(
        ("numbers", "cut_short"), [(range(16), False), ([0, 1, 15], False), (range(15), True)]
    )
    def test_cut_short_is_not_the_same_as_lost(self, numbers, cut_short):
        bench = Bench()
        bench.hear(header(frames=16), *(frame(n) for n in numbers))
        (*_, (verb, _, ending)) = bench.hear(Ended("1", "end"))

        assert verb == "ended"
        assert ending.cut_short == cut_short
