"""Colours for directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.compat import cyclic_colours
from framefold.compat.cyclic_colours import CyclicColours, colours_of

ANGLES = st.floats(-np.pi, np.pi)


class TestColours:
    """A closed circle round grey."""

    def test_grey_and_the_four_directions(self) -> None:
        x, y = [0, 1, 0, -1, 0], [0, 0, 1, 0, -1]
        grey, right, up, left, down = colours_of(x, y)

        assert grey.tolist() == [0.5, 0.5, 0.5]
        assert (right.argmax(), up.argmax()) == (0, 1)  # red, green
        assert (left.argmin(), left.argmax()) == (0, 2)  # cyan
        assert (down.argmin(), down.argmax()) == (1, 2)  # purple

    @given(ANGLES, st.floats(0, 1))
    def test_opposites_are_complementary_and_all_are_colours(self, a: float, r: float) -> None:
        there, back = (colours_of(s * r * np.cos(a), s * r * np.sin(a)) for s in (1, -1))

        assert np.allclose(there + back, 1)
        assert there.min() >= 0
        assert there.max() <= 1

    def test_long_vectors_are_cut_and_nan_is_grey(self) -> None:
        assert np.allclose(colours_of(30, 40), colours_of(0.6, 0.8))
        assert colours_of(np.nan, np.nan).tolist() == [0.5] * 3
        assert colours_of(np.zeros((2, 3)), 1).shape == (2, 3, 3)


class TestColourMap:
    """Called with a place on the circle."""

    @given(ANGLES)
    def test_equals_the_colours_of_directions(self, angle: float) -> None:
        place = (angle + np.pi) / (2 * np.pi)

        found = CyclicColours()(place)

        assert np.allclose(found[:3], colours_of(np.cos(angle), np.sin(angle)))
        assert found[3] == 1

    def test_is_closed(self) -> None:
        ends = CyclicColours()([0.0, 1.0])
        assert np.allclose(ends[0], ends[1])

    def test_without_matplotlib(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def absent(target: str) -> None:
            raise ImportError(target)

        monkeypatch.setattr(cyclic_colours, "load_target", absent)
        assert isinstance(cyclic_colours.cyclic_colour_map(), CyclicColours)

    def test_with_matplotlib(self) -> None:
        colors = pytest.importorskip("matplotlib.colors")
        made = cyclic_colours.cyclic_colour_map()
        places = np.linspace(0, 1, 37)

        assert isinstance(made, colors.Colormap)
        assert np.allclose(made(places), CyclicColours()(places), atol=0.02)
