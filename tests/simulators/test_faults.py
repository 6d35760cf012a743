"""Faults are drawn from a seed, and every kind does what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from framefold_simulators.faults import Faults
from framefold_simulators.faulty_series import FaultySeries, Reboot, Stall, faulty, faulty_images

MESSAGES = [[b"head", b"%03d" % i + bytes(100)] for i in range(400)]
HEADER, END = [b"header"], [b"end"]
WHOLE = [HEADER, *MESSAGES, END]


def played(**faults):
    return list(faulty(WHOLE, Faults(**faults)))


class TestOptions:
    """Same seed, same faults; none asked for, none there."""

    def test_none_change_nothing(self):
        assert played() == WHOLE
        assert list(Faults().order(5)) == [0, 1, 2, 3, 4]

    def test_repeat_with_their_seed(self):
        faults = Faults(drop=0.1, duplicate=0.1, truncate=0.1, corrupt=0.1, late=0.1, seed=4)

        assert list(faulty(WHOLE, faults)) == list(faulty(WHOLE, faults))
        assert list(faulty(WHOLE, faults)) != list(faulty(WHOLE, faults, taken=2))

    def test_one_kind_does_not_move_the_others(self):
        alone = FaultySeries(Faults(drop=0.1), 1)
        among = FaultySeries(Faults(drop=0.1, corrupt=0.3, duplicate=0.2, late=0.1), 1)
        for series in (alone, among):
            list(series.images(enumerate(MESSAGES)))

        assert alone.lost == among.lost != []

    def test_only_one_series_has_them(self):
        faults = Faults(drop=0.5, no_end=True, only=2)

        assert list(faulty(WHOLE, faults, taken=1)) == WHOLE
        assert list(faulty(WHOLE, faults, taken=2)) != WHOLE

    def test_shuffled_order_has_every_frame_once(self):
        order = [int(i) for i in Faults(shuffle=1).order(100)]

        assert order != sorted(order)
        assert sorted(order) == list(range(100))

    def test_shuffled_within_a_stretch(self):
        order = Faults(shuffle=1, within=8).order(100)

        assert sorted(order) == list(range(100))
        assert (order // 8 == np.arange(100) // 8).all()
        assert (order != np.arange(100)).any()

    def test_endless_series_take_no_memory(self):
        assert len(Faults().order(2_000_000_000)) == 2_000_000_000

    @pytest.mark.parametrize(
        ("wrong", "name"),
        [({"drop": 1.5}, "drop"), ({"stall": -1}, "stall"), ({"within": 0}, "within")],
    )
    def test_are_checked(self, wrong, name):
        with pytest.raises(ValueError, match=name):
            Faults(**wrong)


class TestImages:
    """What chance does to single images; what was lost and damaged is told."""

    def test_drop_and_duplicate_leave_the_order(self):
        series = FaultySeries(Faults(drop=0.25))
        kept = list(series.images(enumerate(MESSAGES)))
        doubled = list(faulty_images(MESSAGES, Faults(duplicate=0.25)))

        assert 250 < len(kept) < 350
        assert [m for i, m in enumerate(MESSAGES) if i not in series.lost] == kept
        assert 450 < len(doubled) < 550
        assert {m[1] for m in doubled} == {m[1] for m in MESSAGES}

    def test_truncate_and_corrupt_touch_the_longest_part(self):
        short = list(faulty_images(MESSAGES, Faults(truncate=1.0)))
        wrong = list(faulty_images(MESSAGES, Faults(corrupt=1.0)))

        for before, cut, changed in zip(MESSAGES, short, wrong, strict=True):
            assert cut[0] == changed[0] == b"head"
            assert len(cut[1]) < len(before[1])
            assert before[1].startswith(cut[1])
            assert sum(a != b for a, b in zip(before[1], changed[1], strict=True)) == 1

    def test_garble_touches_the_beginning(self):
        for before, after in zip(
            MESSAGES, faulty_images(MESSAGES, Faults(garble=1.0)), strict=True
        ):
            assert before[0] != after[0]
            assert before[1] == after[1]

    def test_mislabelled_are_made_by_who_knows_how(self):
        series = FaultySeries(Faults(mislabel=0.2))
        after = list(series.images(enumerate(MESSAGES), lambda i: [b"wrong", b"%d" % i]))

        assert [int(m[1]) for m in after if m[0] == b"wrong"] == series.damaged != []

    def test_late_ones_are_overtaken(self):
        after = played(late=0.1, late_by=10)

        assert sorted(after) == sorted(WHOLE)
        where = [after.index(message) - i for i, message in enumerate(WHOLE)]
        assert max(where) in range(8, 11)
        assert after[-1] == END

    def test_late_ones_come_after_the_end(self):
        after = played(late=0.1, late_by=None)

        behind = after[after.index(END) + 1 :]
        assert sorted(after) == sorted(WHOLE)
        assert 20 < len(behind) < 60
        assert behind == sorted(behind)


class TestSeries:
    """What happens to a series as a whole."""

    def test_header_and_end(self):
        assert played(no_header=True) == WHOLE[1:]
        assert played(no_end=True) == WHOLE[:-1]
        assert played(header_after=7) == [*MESSAGES[:7], HEADER, *MESSAGES[7:], END]
        assert played(header_after=1000) == [*MESSAGES, HEADER, END]
        assert played(join=5) == [*MESSAGES[5:], END]

    def test_other_pullers_take_their_turns(self):
        assert played(pullers=1) == WHOLE[::2]
        assert played(pullers=2) == WHOLE[::3]

        series = FaultySeries(Faults(pullers=1))
        [*series.opening(HEADER), *series.images(enumerate(MESSAGES))]
        assert series.lost == list(range(0, 400, 2))

    def test_breaks_off(self):
        assert played(abort=3) == [*WHOLE[:4], END]
        assert played(rearm=3) == WHOLE[:4]
        assert played(reboot=3, lasting=0.5) == [*WHOLE[:4], Reboot(0.5)]
        assert played(stall=3, lasting=0.5) == [*WHOLE[:4], Stall(0.5), *WHOLE[4:]]
        assert played(stall=3, abort=5) == [*WHOLE[:4], Stall(1.0), *WHOLE[4:6], END]
        assert played(rearm=400) == WHOLE[:-1]

    def test_announces_another_number(self):
        assert FaultySeries(Faults(miscount=-5)).announced(24) == 19
        assert FaultySeries(Faults(miscount=5)).announced(24) == 29
        assert FaultySeries(Faults()).announced(24) == 24
