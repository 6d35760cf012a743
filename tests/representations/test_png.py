"""Pictures: what was measured is told from what was not, whatever the values are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from framefold.core.coverage import PositionState
from framefold.core.snapshot import Channel
from framefold.errors import ParameterError, ShapeError
from framefold.representations import representation
from framefold.representations.colours import NAMES, colour_table
from framefold.representations.contrast import Limits
from framefold.representations.picture import MAX_SIDE, scaling
from framefold.representations.png import HATCH_DARK, HATCH_LIGHT, LEVELS, NOT_A_NUMBER

png = representation("png")


def channel(data, valid=True, extra=()) -> Channel:
    data = np.asarray(data)
    return Channel("nav", data, np.broadcast_to(valid, data.shape), extra, 1)


def pixels(data, valid=True, extra=(), **options) -> np.ndarray:
    image = Image.open(io.BytesIO(png(channel(data, valid, extra), options)))
    return np.asarray(image)


def limits(data, **options) -> tuple[float, ...]:
    image = Image.open(io.BytesIO(png(channel(data), options)))
    return tuple(map(float, image.text["limits"].split(",")))


class TestColours:
    """Values between the limits go evenly through the table; the rest goes to its ends."""

    def test_a_ramp_uses_the_whole_table(self):
        got = pixels([np.arange(LEVELS)], limits=f"0,{LEVELS - 1}")

        np.testing.assert_array_equal(got[0], np.arange(LEVELS))

    def test_values_beyond_the_limits_have_the_end_colours(self):
        got = pixels([[-np.inf, -1e308, 0, 1, 1e308, np.inf]], limits="0,1")

        assert got.tolist() == [[0, 0, 0, LEVELS - 1, LEVELS - 1, LEVELS - 1]]

    def test_no_number_has_its_own_colour(self):
        assert pixels([[0.0, np.nan, 1.0]])[0, 1] == NOT_A_NUMBER

    def test_logarithmic(self):
        got = pixels([[-5, 0, 1, 10, 100]], scale="log", limits="1,100")

        assert got.tolist() == [[0, 0, 0, (LEVELS - 1) // 2, LEVELS - 1]]

    def test_log_without_anything_above_zero_is_dark(self):
        assert set(pixels([[0, -1, 0]], scale="log").ravel()) == {0}

    @pytest.mark.parametrize("name", [*NAMES, "viridis_r"])
    def test_every_table(self, name):
        table = colour_table(name, LEVELS)

        assert table.shape == (LEVELS, 3)
        assert pixels([[0, 1]], cmap=name).shape == (1, 2)

    def test_states_keep_their_colours(self):
        last = max(PositionState)
        image = Image.open(
            io.BytesIO(
                png(channel([list(PositionState)]), {"cmap": "states", "limits": f"0,{last}"})
            )
        )

        assert len(set(map(tuple, np.asarray(image.convert("RGB"))[0]))) == len(PositionState)


class TestHatch:
    """Places without a measurement are hatched; a zero is not."""

    def test_invalid_is_hatched_and_zero_is_not(self):
        valid = np.zeros((32, 32), bool)
        valid[:16] = True
        got = pixels(np.zeros((32, 32)), valid)

        assert set(got[:16].ravel()) == {0}
        assert set(got[16:].ravel()) == {HATCH_DARK, HATCH_LIGHT}

    def test_no_value_ever_has_a_hatch_colour(self):
        got = pixels(np.linspace(-1, 1, 4096).reshape(64, 64))

        assert got.max() < NOT_A_NUMBER

    def test_it_can_be_left_out(self):
        assert set(pixels(np.zeros((4, 4)), False, invalid="keep").ravel()) == {0}

    def test_stripes_keep_their_width_when_enlarged(self):
        small = pixels(np.zeros((4, 4)), False, size="64")
        large = pixels(np.zeros((64, 64)), False)

        np.testing.assert_array_equal(small, large)

    def test_invalid_values_do_not_count_for_contrast(self):
        data = np.array([[1.0, 2.0, 1e9]])
        image = Image.open(io.BytesIO(png(channel(data, data < 3))))

        assert image.text["limits"] == "1.0,2.0"


class TestContrast:
    """Limits are robust, and safe whatever there is to see."""

    def test_a_hot_pixel_does_not_count(self):
        data = np.tile(np.arange(100.0), (100, 1))
        data[3, 3] = 1e12

        assert limits(data) == (0.0, 99.0)
        assert limits(data, limits="p0,100") == (0.0, 1e12)

    @pytest.mark.parametrize(
        ("data", "expected"),
        [([[0.0, 0.0]], (0.0, 1.0)), ([[np.nan, np.inf]], (0.0, 1.0)), ([[4.0, 4.0]], (3.0, 5.0))],
    )
    def test_nothing_to_tell_apart(self, data, expected):
        assert limits(data) == expected

    def test_a_few_values_among_zeros_are_seen(self):
        data = np.zeros((100, 100))
        data[5, 5] = 7

        assert limits(data) == (0.0, 7.0)

    @given(
        hnp.arrays(
            np.float64,
            st.integers(0, 50),
            elements=st.floats(allow_nan=False, allow_infinity=False),
        )
    )
    def test_limits_are_finite_and_in_order(self, values):
        lower, upper = Limits.parse("auto").of(values)

        assert np.isfinite([lower, upper]).all()
        assert lower < upper

    @pytest.mark.parametrize(
        "text", ["", "1", "p1", "1,2,3", "2,1", "nan,1", "0,inf", "p-1,5", "p0,101", "x,y"]
    )
    def test_nonsense(self, text):
        with pytest.raises(ParameterError, match="limits"):
            Limits.parse(text)


class TestShape:
    """One or two axes make a picture, at most `MAX_SIDE` long."""

    def test_one_axis_is_a_row(self):
        assert pixels(np.zeros(7)).shape == (1, 7)

    @pytest.mark.parametrize("shape", [(), (2, 3, 4), (0, 4)])
    def test_other_shapes_are_no_picture(self, shape):
        with pytest.raises(ShapeError):
            png(channel(np.zeros(shape)))

    @given(st.integers(1, 5000), st.integers(1, 5000), st.none() | st.integers(1, MAX_SIDE))
    def test_no_side_is_longer_than_asked_for(self, height, width, size):
        shrink, enlarge = scaling((height, width), None if size is None else str(size))
        longest = -(-max(height, width) // shrink) * enlarge

        assert 1 in (shrink, enlarge)
        assert 1 <= longest <= (size or MAX_SIDE)

    def test_shrinking_takes_the_mean_of_what_is_valid(self):
        data = np.array([[1.0, 3.0, 7.0], [100.0, np.nan, 9.0]])
        valid = np.array([[True, True, True], [False, True, True]])
        got = pixels(data, valid, size="2", limits="0,8")

        assert got.shape == (1, 2)
        assert got.tolist() == [[round(2 / 8 * (LEVELS - 1)), LEVELS - 1]]

    def test_components(self):
        data = np.zeros((3, 4, 2))
        data[..., 1] = 5

        assert set(pixels(data, extra=(2,), component="1", limits="0,5").ravel()) == {LEVELS - 1}
        with pytest.raises(ParameterError, match="component"):
            png(channel(data, extra=(2,)), {"component": "2"})

    def test_vectors_show_direction_and_length(self):
        data = np.array([[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [np.nan, 0]]])
        got = pixels(data, extra=(2,), component="rgb", limits="p0,100")

        assert got.shape == (1, 4, 3)
        assert got[0, 0].tolist() == [0, 0, 0]
        assert len({tuple(p) for p in got[0]}) == 4
        with pytest.raises(ParameterError, match="rgb"):
            png(channel(np.zeros((3, 3))), {"component": "rgb"})
        with pytest.raises(ParameterError, match="cmap"):
            png(channel(data, extra=(2,)), {"component": "rgb", "cmap": "gray"})


class TestAnything:
    """Whatever the values are, a picture comes out, no larger than estimated."""

    @settings(max_examples=60)
    @given(
        hnp.arrays(
            st.one_of(hnp.scalar_dtypes().filter(lambda d: d.kind in "biufc" and d.itemsize <= 16)),
            hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
        ),
        st.sampled_from(["linear", "log"]),
        st.sampled_from([None, "1", "3", "64"]),
        st.booleans(),
    )
    def test_it_is_a_picture(self, data, scale, size, valid):
        options = {"scale": scale} | ({"size": size} if size else {})
        body = png(channel(data, valid), options)

        Image.open(io.BytesIO(body)).load()
        assert len(body) <= png.estimate(channel(data), options)
