"""Frames without a header: they wait for it, go by themselves, or were mislabelled."""

from __future__ import annotations

import pytest

from framefold.live.counters import Count
from framefold.live.intake import STRANGERS
from framefold.protocols.events import Ended
from live.test_receiver import Bench, frame, header, verbs


def ended(said):
    (one,) = [facts[2] for facts in said if facts[0] == "ended"]
    return one


class TestLateHeader:
    """A header that comes after frames is the header all the same."""

    @pytest.mark.parametrize("shape", [None, (-1, 4), (4, 4)])
    def test_frames_before_it_count(self, shape):
        bench = Bench(nav_shape=shape)
        early = [frame(n) for n in range(5)]
        rest = [frame(n) for n in range(5, 16)]
        said = bench.hear(*early, header(), *rest, Ended("1", "end"))
        said += bench.turn()

        assert verbs(said)[0] == "started"
        assert verbs(said).count("started") == 1
        assert said[0][1].nav_shape == (4, 4)
        assert ended(said).complete
        assert bench.count(Count.RECEIVED) == 16

    def test_it_says_how_many_frames_there_are(self):
        bench = Bench()
        said = bench.hear(frame(0), header(frames=8), *(frame(n) for n in range(1, 8)))
        bench.pipe.time += 2
        said += bench.turn()

        assert ended(said).complete

    def test_of_other_frames_is_another_series(self):
        bench = Bench()
        said = bench.hear(frame(0), header(sig_shape=(4, 4)))
        said += bench.turn(("free", said[1][1].slot))

        assert [v for v in verbs(said) if v != "recall"] == ["started", "block", "ended", "started"]


class TestNoHeader:
    """Without any header the frames say what they can."""

    @pytest.mark.parametrize("how", ["end", "silence"])
    def test_the_shape_is_guessed_at_the_end(self, how):
        bench = Bench(nav_shape=None, idle_seconds=3)
        said = bench.hear(*(frame(n) for n in range(16)))
        assert said == []
        if how == "end":
            said = bench.hear(Ended("1", "end"))
        else:
            bench.turn()
            assert bench.wire.patience == 3
            bench.pipe.time += 3
            said = bench.turn()
            bench.pipe.time += 3
            said += bench.turn()

        assert said[0][1].nav_shape == (4, 4)
        assert ended(said).complete

    def test_we_came_late(self):
        bench = Bench()
        ending = ended(bench.hear(*(frame(n) for n in range(6, 16)), Ended("1", "end")))

        assert ending.joined == 6
        assert "began to listen at frame 6" in ending.reason

    def test_more_than_is_kept_is_refused_in_words(self):
        bench = Bench(nav_shape=None)
        said = bench.hear(*(frame(n) for n in range(2000)))
        while bench.wire.messages:
            said += bench.turn()

        assert verbs(said) == ["refused"]
        assert "give nav_shape" in said[0][2]
        assert bench.count(Count.STALE) == 2000

    def test_they_wait_for_slots_and_so_does_the_end(self):
        bench = Bench(nav_shape=None, frames_per_block=1, ring_bytes=1 << 20)
        said = bench.hear(*(frame(n) for n in range(64)), Ended("1", "end"))
        for _ in range(64):
            slots = [facts[1].slot for facts in said if facts[0] == "block"]
            said = [facts for facts in said if facts[0] != "block"]
            said += bench.turn(*(("free", slot) for slot in slots))

        assert ended(said).complete
        assert bench.count(Count.RECEIVED) == 64


class TestMislabelled:
    """Frames that name another series do not end the one at hand, unless there are many."""

    def test_single_ones(self):
        bench = Bench()
        mixed = [one for n in range(16) for one in (frame(n), frame(n, "77"))]
        said = bench.hear(header(), *mixed, Ended("1", "end"))

        assert ended(said).complete
        assert bench.count(Count.STALE) == 15  # the last one is still kept

    def test_many_are_a_series_whose_header_was_lost(self):
        bench = Bench(nav_shape=(8, 8))
        said = bench.hear(header(frames=64), *(frame(n, "2") for n in range(STRANGERS)))
        said += bench.turn()

        assert verbs(said)[:3] == ["started", "ended", "started"]
        assert "frames of series 2 came" in ended(said).reason
        assert bench.count(Count.RECEIVED) == STRANGERS

    def test_so_are_few_with_an_end(self):
        bench = Bench()
        said = bench.hear(header(), frame(0), frame(0, "2"), Ended("2", "end"))

        assert [v for v in verbs(said) if v != "block"] == ["started", "ended", "started", "ended"]


class TestLate:
    """A frame that came after those around it had been handed out is counted."""

    def test_behind_a_block_that_was_handed_out(self):
        bench = Bench(update_seconds=0.2)
        bench.hear(header(), frame(0), frame(1), frame(3))
        bench.pipe.time += 1
        bench.turn()
        bench.hear(*(frame(n) for n in range(4, 16)), frame(2))

        assert bench.count(Count.LATE) == 1

    def test_slow_ones_are_not_late(self):
        bench = Bench(update_seconds=0.2)
        bench.hear(header())
        for n in range(16):
            bench.pipe.time += 1
            bench.hear(frame(n))
            bench.turn()

        assert bench.count(Count.RECEIVED) == 16
        assert bench.count(Count.LATE) == 0

    def test_flyback_and_surplus(self):
        bench = Bench(nav_shape=(4, 4), flyback=1)
        bench.hear(header(frames=25), *(frame(n) for n in range(25)))

        assert bench.count(Count.FLYBACK) == 3
        assert bench.count(Count.SURPLUS) == 6
