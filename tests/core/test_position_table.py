"""Whatever the order in which positions were visited, both directions of a table agree."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.position_table import PositionTable
from framefold.core.scan import NOWHERE
from framefold.core.scan_rule import ScanRule
from framefold.errors import ScanError


@st.composite
def rules(draw: st.DrawFn) -> ScanRule:
    """Tables of any order, shorter or longer than the scan, with revisits and frames nowhere."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    size = int(np.prod(shape))
    order = draw(st.lists(st.integers(-2, size - 1), min_size=1, max_size=2 * size + 3))
    each = draw(st.integers(1, 3))
    return ScanRule(
        shape,
        draw(st.integers(-7, 7)),
        lead_in=draw(st.integers(0, 3)),
        frames_per_position=each,
        repeats=draw(st.sampled_from(["sum", "axis"])),
        positions=np.array(order),
    )


def told_slowly(rule: ScanRule) -> dict[int, int]:
    """Which frame each position has, by a plain loop over the visits."""
    scan = rule.fit(None).scan.unfolded
    each, first = rule.frames_per_position, (rule.lead_in or 0) + max(0, rule.sync_offset)
    origin = (rule.lead_in or 0) + scan.sync_offset
    assert rule.positions is not None
    owners: dict[int, int] = {}
    found = {}
    for visit, point in enumerate(np.asarray(rule.positions).tolist()):
        last = origin + visit * each + each - 1
        if point < 0 or last < first or owners.setdefault(point, visit) != visit:
            continue
        for repeat in range(each):
            if origin + visit * each + repeat >= first:
                found[point * each + repeat] = origin + visit * each + repeat
    return found


class TestOrders:
    """A position has the frame of its first visit, or none."""

    @given(rules())
    def test_both_directions(self, rule):
        scan = rule.fit(None).scan.unfolded
        numbers = np.arange(scan.frames_needed + 9)
        own = scan.own_positions_of(numbers)
        here = np.flatnonzero(own != NOWHERE)
        wanted = told_slowly(rule)

        assert {int(own[n]): int(n) for n in here} == wanted
        assert len(here) == len(wanted)
        back = scan.numbers(0, scan.size)
        assert {p: n for p, n in enumerate(back.tolist()) if n != NOWHERE} == wanted

    @given(rules())
    def test_repeats_belong_somewhere_all_the_same(self, rule):
        scan = rule.fit(None).scan
        numbers = np.arange(scan.frames_needed + 9)
        places, own = scan.positions_of(numbers.copy()), scan.own_positions_of(numbers)

        assert [scan.position(n) for n in numbers.tolist()] == places.tolist()
        repeats = [
            p != NOWHERE and scan.is_repeat(n, p)
            for n, p in zip(numbers.tolist(), places.tolist(), strict=True)
        ]
        assert repeats == ((places != NOWHERE) & (own == NOWHERE)).tolist()

    @given(rules(), st.one_of(st.none(), st.integers(0, 120)))
    def test_reachable(self, rule, frames):
        scan = rule.fit(None).scan.unfolded
        numbers = scan.numbers(0, scan.size)
        come = numbers != NOWHERE
        if frames is not None:
            come &= numbers < frames

        assert scan.reachable(frames) == np.count_nonzero(come)

    @given(rules())
    def test_a_table_that_was_made_beforehand(self, rule):
        made = rule.with_table()
        one, other = rule.fit(40).scan, made.fit(40).scan
        numbers = np.arange(one.frames_needed + 9)

        assert one.shape == other.shape
        assert (one.own_positions_of(numbers) == other.own_positions_of(numbers)).all()


class TestTable:
    """One object for many acquisitions, which may be sent."""

    def test_is_made_for_one_scan(self):
        made = ScanRule((2, 3), positions=np.arange(6)).with_table().positions

        with pytest.raises(ScanError, match="made for 6"):
            ScanRule((2, 2), positions=made).fit(6)

    def test_its_shape_is_told_along(self):
        made = ScanRule(positions=np.array([(0, 0), (2, 4)])).with_table()

        assert made.nav_shape == (3, 5)
        assert made.fit(2).scan.shape == (3, 5)

    def test_travels(self):
        table = PositionTable.of(np.array([2, 0, 2, -1]), (3,))
        found = pickle.loads(pickle.dumps(table))

        assert found.entries.tolist() == [2, 0, 2, -1]
        assert found.frames.tolist() == [1, -1, 0]
        assert found.has_repeats
