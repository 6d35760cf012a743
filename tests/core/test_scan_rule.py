"""What is said of a scan, and what is guessed, with reasons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.scan_rule import ScanRule
from framefold.core.scan_shapes import Guess, fill, guesses
from framefold.errors import ScanError


class TestFill:
    """Open axes follow from the number of frames."""

    @given(
        st.integers(1, 9), st.integers(1, 9), st.integers(0, 3), st.integers(1, 3), st.booleans()
    )
    def test_whole_scans_with_flyback_and_repeats(self, lines, length, flyback, each, last):
        frames = lines * (length * each + flyback) - (0 if last else flyback)

        assert fill(frames, (-1, length), flyback=flyback, each=each) == (lines, length)
        if last or flyback % lines:
            assert fill(frames, (lines, -1), flyback=flyback, each=each) == (lines, length)

    @given(st.integers(1, 40), st.integers(0, 4), st.integers(1, 3), st.booleans())
    def test_squares(self, side, flyback, each, last):
        frames = side * (side * each + flyback) - (0 if last else flyback)

        assert fill(frames, (-1, -1), flyback=flyback, each=each) == (side, side)

    def test_squares_one_after_another(self):
        assert fill(3 * 20, (3, -1, -1), flyback=1) == (3, 4, 4)

    def test_no_square(self):
        with pytest.raises(ScanError, match="no square"):
            fill(21, (-1, -1), flyback=2)


class TestGuesses:
    """Shapes that a recording could have, ranked."""

    def test_a_square_before_one_line_before_pairs(self):
        found = [(g.shape, g.confidence) for g in guesses(10000)]

        assert found[:3] == [((100, 100), "medium"), ((10000,), "low"), ((80, 125), "low")]

    def test_flyback_frames_make_a_square_oblong(self):
        found = {(g.shape, g.flyback) for g in guesses(256 * 257)}

        assert ((256, 256), 1) in found
        assert ((256, 257), 0) in found

    def test_what_the_source_says_comes_first_if_it_is_sure(self):
        sure, unsure = Guess((5, 20), "says so", "high"), Guess((2, 50), "perhaps", "low")

        found = guesses(100, [unsure, sure])

        assert found[0] is sure
        assert found[1].shape == (10, 10)
        assert found[2] is unsure

    def test_none_twice(self):
        found = guesses(100, [Guess((10, 10), "says so", "high")])

        assert [g.shape for g in found].count((10, 10)) == 1

    def test_a_number_that_no_scan_has(self):
        """Whoever invents one in a header does not keep us busy for hours."""
        assert guesses(2**62 - 57)[0].shape == (2**62 - 57,)
        assert (2**31, 2**31) in [guess.shape for guess in guesses(2**62)]

    def test_nothing_to_go_by(self):
        with pytest.raises(ScanError, match="give nav_shape"):
            guesses(None)


class TestScanRule:
    """What was told wins over what the source says, and that over guesses."""

    def test_a_guess_says_why_and_what_else(self):
        fit = ScanRule().fit(4096)

        assert fit.scan.shape == (64, 64)
        assert fit.confidence == "medium"
        assert "square" in fit.reason
        assert any(other.shape == (4096,) for other in fit.others)

    def test_told(self):
        fit = ScanRule((4, -1), flyback=1, order="snake").fit(44)

        assert (fit.scan.shape, fit.scan.flyback, fit.scan.order) == ((4, 10), 1, "snake")
        assert (fit.confidence, fit.others) == ("certain", ())

    def test_flyback_of_the_source_goes_with_its_shape(self):
        hint = Guess((20, 28), "ScanX and ScanY", "high", flyback=1)

        assert ScanRule((20, 28)).fit(580, [hint]).scan.flyback == 1
        assert ScanRule((28, 20)).fit(580, [hint]).scan.flyback == 0
        assert ScanRule((20, 28), flyback=0).fit(580, [hint]).scan.flyback == 0

    def test_flyback_alone_asks_for_a_square(self):
        assert ScanRule(flyback=2).fit(8 * 10).scan.shape == (8, 8)

    def test_lead_in_does_not_count(self):
        assert ScanRule(lead_in=3).fit(103).scan.shape == (10, 10)

    @pytest.mark.parametrize(("repeats", "shape"), [("sum", (4, 4)), ("axis", (4, 4, 3))])
    def test_frames_per_position(self, repeats, shape):
        fit = ScanRule((4, -1), frames_per_position=3, repeats=repeats).fit(48)

        assert fit.scan.shape == shape
        assert fit.scan.sums is (repeats == "sum")

    def test_a_table_tells_its_own_shape(self):
        fit = ScanRule(positions=np.array([(0, 0), (2, 4), (1, 1)])).fit(3)

        assert fit.scan.shape == (3, 5)
        assert fit.scan.positions(0, 3).tolist() == [0, 14, 6]

    def test_a_table_leaves_no_order(self):
        with pytest.raises(ScanError, match="no order"):
            ScanRule(positions=np.arange(3), order="snake").fit(3)
