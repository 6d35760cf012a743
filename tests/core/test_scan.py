"""A scan gives each frame number its place, or none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.position_table import PositionTable
from framefold.core.scan import NOWHERE, Scan
from framefold.errors import ScanError

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
offsets = st.integers(-30, 30)


class TestScan:
    """Positions count in C order, from the sync offset on."""

    @given(shapes, offsets)
    def test_one_number_is_like_many(self, shape, offset):
        scan = Scan(shape, offset)
        numbers = range(scan.size + 40)

        assert [scan.position(n) for n in numbers] == scan.positions(0, len(numbers)).tolist()

    @given(shapes, offsets, st.one_of(st.none(), st.integers(0, 800)))
    def test_reachable_positions_are_those_a_frame_has(self, shape, offset, frames):
        scan = Scan(shape, offset)
        enough = scan.size + 40 if frames is None else frames
        found = scan.positions(0, enough)

        assert scan.reachable(frames) == np.count_nonzero(found != NOWHERE)

    def test_frames_to_skip(self):
        assert Scan((2, 2), 3).positions(0, 8).tolist() == [-1, -1, -1, 0, 1, 2, 3, -1]

    def test_positions_to_leave_blank(self):
        assert Scan((2, 2), -1).positions(0, 4).tolist() == [1, 2, 3, -1]

    @pytest.mark.parametrize("shape", [(), (0,), (4, 0), (-1, 4)])
    def test_shapes_without_positions(self, shape):
        with pytest.raises(ScanError):
            Scan(shape)

    @pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, -1)])
    def test_numbers_below_zero(self, first, count):
        with pytest.raises(ScanError, match="start at 0"):
            Scan((4,)).positions(first, count)


def in_time(scan):
    """Every tick of the scan's clock as (position or NOWHERE), by plain loops."""
    grid = scan.shape[:-1] if scan.frames_per_position > 1 and not scan.sums else scan.shape
    grid = grid or (1,)
    each, ticks = scan.frames_per_position, []
    for line in range(int(np.prod(grid[:-1]))):
        columns = list(range(grid[-1]))
        if scan.order == "snake" and len(grid) > 1 and line % grid[-2] % 2:
            columns.reverse()
        for column in columns:
            point = line * grid[-1] + column
            ticks += [point if scan.sums else point * each + r for r in range(each)]
        ticks += [NOWHERE] * scan.flyback
    return ticks


def expected(scan, frames):
    """Position of each of the first frames, by what the parameters mean."""
    ticks = in_time(scan)
    if scan.sync_offset >= 0:
        ticks = [NOWHERE] * scan.sync_offset + ticks
    else:
        left = -scan.sync_offset * (scan.frames_per_position if scan.sums else 1)
        while left and ticks:
            left -= ticks.pop(0) != NOWHERE
        while ticks and ticks[0] == NOWHERE:
            ticks.pop(0)
    ticks = [NOWHERE] * scan.lead_in + ticks
    return (ticks + [NOWHERE] * frames)[:frames]


@st.composite
def scans(draw):
    each, sums = draw(st.integers(1, 3)), draw(st.booleans())
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple))
    size = int(np.prod(shape)) * (1 if sums else each)
    return Scan(
        shape if each == 1 or sums else (*shape, each),
        draw(st.integers(-min(size - 1, 12), 12)),
        order=draw(st.sampled_from(["raster", "snake"])),
        flyback=draw(st.integers(0, 3)),
        lead_in=draw(st.integers(0, 3)),
        frames_per_position=each,
        sums=sums and each > 1,
    )


class TestOrders:
    """Scans as scan engines run them."""

    @given(scans())
    def test_frames_find_their_positions(self, scan):
        count = scan.size * 6 + 40
        wanted = expected(scan, count)

        assert scan.positions(0, count).tolist() == wanted
        assert [scan.position(n) for n in range(count)] == wanted

    @given(scans(), st.data())
    def test_positions_find_their_frames(self, scan, data):
        places = scan.positions(0, scan.frames_needed)
        start = data.draw(st.integers(0, scan.size))
        stop = data.draw(st.integers(start, scan.size))
        first = {int(p): n for n, p in reversed(list(enumerate(places)))}

        assert scan.numbers(start, stop).tolist() == [
            first.get(p, NOWHERE) for p in range(start, stop)
        ]

    @given(scans(), st.one_of(st.none(), st.integers(0, 400)))
    def test_reachable_positions(self, scan, frames):
        count = scan.frames_needed if frames is None else frames
        found = np.array(expected(scan, count), dtype=np.int64)
        times = np.bincount(found[found != NOWHERE], minlength=scan.size)
        whole = times == (scan.frames_per_position if scan.sums else 1)

        assert scan.reachable(frames) == np.count_nonzero(whole)

    @given(scans())
    def test_the_last_frame_that_is_needed(self, scan):
        places = scan.positions(0, scan.frames_needed + 20)

        assert (places[scan.frames_needed :] == NOWHERE).all()
        if scan.reachable(None):
            assert places[scan.frames_needed - 1] != NOWHERE

    def test_snake_starts_anew_with_each_scan_of_a_series(self):
        scan = Scan((2, 3, 2), order="snake")

        assert scan.positions(0, 12).tolist() == [0, 1, 3, 2, 4, 5, 6, 7, 9, 8, 10, 11]

    @pytest.mark.parametrize(
        "wrong", [{"order": "spiral"}, {"flyback": -1}, {"lead_in": -1}, {"frames_per_position": 0}]
    )
    def test_what_cannot_be(self, wrong):
        with pytest.raises(ScanError):
            Scan((2, 2), **wrong)

    def test_repeats_are_an_axis_of_their_own(self):
        with pytest.raises(ScanError, match="last axis"):
            Scan((2, 2), frames_per_position=3)

    def test_described_without_what_goes_without_saying(self):
        assert Scan((2, 2)).described() == {"shape": [2, 2], "sync_offset": 0}
        assert Scan((2, 2), flyback=1, order="snake").described()["flyback"] == 1


class TestTables:
    """Where each frame belongs, told one by one."""

    @given(st.integers(0, 2**32), st.integers(-3, 3), st.integers(0, 2), st.integers(1, 3))
    def test_random_order(self, seed, offset, lead_in, each):
        rng = np.random.default_rng(seed)
        visits = rng.permutation(12)[: rng.integers(4, 13)]
        visits[rng.integers(len(visits))] = -1
        table = PositionTable.of(visits, (3, 4))
        shape = (3, 4, each) if each > 1 else (3, 4)
        scan = Scan(shape, offset, lead_in=lead_in, frames_per_position=each, table=table)
        wanted = [-1 if v < 0 else v * each + r for v in visits for r in range(each)]
        wanted = wanted[-offset:] if offset < 0 else [-1] * offset + wanted
        wanted = [-1] * lead_in + wanted + [-1] * 5

        assert scan.positions(0, len(wanted)).tolist() == wanted
        assert [scan.position(n) for n in range(len(wanted))] == wanted
        first = {p: n for n, p in reversed(list(enumerate(wanted)))}
        numbers = scan.numbers(0, scan.size).tolist()
        assert numbers == [first.get(p, NOWHERE) for p in range(scan.size)]
        assert scan.reachable(None) == sum(p >= 0 for p in wanted)

    def test_coordinates_count_slow_axis_first(self):
        table = PositionTable.of([(0, 1), (2, 0), (-1, 5)], (3, 4))

        assert table.entries.tolist() == [1, 8, -1]

    def test_the_first_visit_of_a_position_stays(self):
        scan = Scan((3,), table=PositionTable.of([2, 0, 2], (3,)))

        assert scan.numbers(0, 3).tolist() == [1, NOWHERE, 0]
        assert scan.positions(0, 3).tolist() == [2, 0, 2]

    def test_passes_over_the_same_points_are_an_axis(self):
        points = [(0, 0), (1, 1), (0, 0), (1, 1), (0, 0)]

        table = PositionTable.of(points, (2, 2, 2))

        assert table.entries.tolist() == [0, 3, 4, 7, -1]

    @pytest.mark.parametrize(
        ("coordinates", "words"),
        [
            ([(0, 0), (3, 0)], "entry 1 .* outside"),
            ([0, 12], "entry 1 .* only 12"),
            ([0.5, 1], "fractions"),
            (["a"], "no whole numbers"),
            ([[[0]]], "not of shape"),
            ([], "not of shape"),
            (np.zeros((4, 5), int), "5 columns"),
        ],
    )
    def test_tables_that_cannot_be(self, coordinates, words):
        with pytest.raises(ScanError, match=words):
            PositionTable.of(coordinates, (3, 4))


class TestFit:
    """What the user leaves open is worked out from the number of frames."""

    @pytest.mark.parametrize(
        ("frames", "shape", "fitted"),
        [
            (16, None, (4, 4)),
            (15, None, (15,)),
            (16, (-1, 4), (4, 4)),
            (18, (-1, 4), (4, 4)),  # whole lines only
            (16, (-1, -1), (4, 4)),
            (32, (2, -1, -1), (2, 4, 4)),
            (None, (3, 5), (3, 5)),
            (7, (3, 5), (3, 5)),
        ],
    )
    def test_fits(self, frames, shape, fitted):
        assert Scan.fit(frames, shape).shape == fitted

    @pytest.mark.parametrize(
        ("frames", "shape", "words"),
        [
            (None, None, "give nav_shape"),
            (0, None, "give nav_shape"),
            (None, (-1, 4), "give every axis"),
            (3, (-1, 4), "does not fit 3 frames"),
            (15, (-1, -1), "no square"),
            (16, (-1, -1, -1), "3 axes open"),
            (16, (-1, 0), "does not fit"),
            (16, (0, 4), "without positions"),
            (16, (-2, 4), "without positions"),
        ],
    )
    def test_does_not_fit(self, frames, shape, words):
        with pytest.raises(ScanError, match=words):
            Scan.fit(frames, shape)
