"""Faults are drawn from a seed, and every kind does what it is called."""

from __future__ import annotations

import pytest

from framefold_simulators.faults import Faults

MESSAGES = [[b"head", b"%03d" % i + bytes(100)] for i in range(400)]


class TestFaults:
    """Same seed, same faults; none asked for, none there."""

    def test_none_change_nothing(self):
        assert list(Faults().applied(MESSAGES)) == MESSAGES
        assert list(Faults().order(5)) == [0, 1, 2, 3, 4]

    def test_repeat_with_their_seed(self):
        faults = Faults(drop=0.1, duplicate=0.1, truncate=0.1, corrupt=0.1, seed=4)

        assert list(faults.applied(MESSAGES)) == list(faults.applied(MESSAGES))

    def test_drop_and_duplicate_leave_the_order(self):
        kept = list(Faults(drop=0.25).applied(MESSAGES))
        doubled = list(Faults(duplicate=0.25).applied(MESSAGES))

        assert 250 < len(kept) < 350
        assert [m for m in MESSAGES if m in kept] == kept
        assert 450 < len(doubled) < 550
        assert {m[1] for m in doubled} == {m[1] for m in MESSAGES}

    def test_truncate_and_corrupt_touch_the_longest_part(self):
        short = list(Faults(truncate=1.0).applied(MESSAGES))
        wrong = list(Faults(corrupt=1.0).applied(MESSAGES))

        for before, cut, changed in zip(MESSAGES, short, wrong, strict=True):
            assert cut[0] == changed[0] == b"head"
            assert len(cut[1]) < len(before[1])
            assert before[1].startswith(cut[1])
            assert sum(a != b for a, b in zip(before[1], changed[1], strict=True)) == 1

    def test_shuffled_order_has_every_frame_once(self):
        order = [int(i) for i in Faults(shuffle=1).order(100)]

        assert order != sorted(order)
        assert sorted(order) == list(range(100))

    def test_endless_series_take_no_memory(self):
        assert len(Faults().order(2_000_000_000)) == 2_000_000_000

    def test_probabilities_are_checked(self):
        with pytest.raises(ValueError, match="drop"):
            Faults(drop=1.5)
