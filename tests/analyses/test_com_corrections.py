from __future__ import annotations

import numpy as np
import pytest

from framefold.analyses.com_corrections import coordinate_check, guess_corrections
from framefold.analyses.vector_fields import apply_correction, curl_2d

Y, X = np.indices((24, 30)) / 6.0


def attracting_atoms() -> tuple[np.ndarray, np.ndarray]:
    """Shifts towards two atoms: minus the gradient of two wells."""
    y, x = np.zeros_like(Y), np.zeros_like(X)
    for cy, cx in ((1.2, 1.4), (2.7, 3.4)):
        weight = np.exp(-2 * ((Y - cy) ** 2 + (X - cx) ** 2))
        y -= (Y - cy) * weight
        x -= (X - cx) * weight
    return y, x


class TestCoordinateCheck:
    """Root mean square curl for every whole angle."""

    def test_equals_turning_the_field(self) -> None:
        y, x = np.random.default_rng(0).normal(size=(2, 7, 9))

        straight, flipped = coordinate_check(y, x)

        for angle in (0, 17, 90, 233):
            for flip, found in ((False, straight), (True, flipped)):
                curl = curl_2d(*apply_correction(y, x, angle, flip))[:-1, :-1]
                assert found[angle] == pytest.approx(np.sqrt(np.mean(curl**2)))


class TestGuessCorrections:
    """What was done to a field of attraction is found and undone."""

    @pytest.mark.parametrize("angle", [0, 30, 90, 180, -45, -179])
    @pytest.mark.parametrize("flip", [False, True])
    def test_finds_rotation_and_flip(self, angle: int, flip: bool) -> None:
        y, x = apply_correction(*attracting_atoms(), angle, flip, forward=False)

        guess = guess_corrections(y + 3, x - 2)

        assert (guess.scan_rotation, guess.flip_y) == (angle, flip)
        assert guess.cy == pytest.approx(3 + y[:-1, :-1].mean())
        assert guess.cx == pytest.approx(-2 + x[:-1, :-1].mean())

    def test_a_field_of_nothing(self) -> None:
        assert guess_corrections(np.zeros((4, 4)), np.zeros((4, 4))) == (0, False, 0.0, 0.0)


class TestApplyCorrection:
    """There and back again."""

    @pytest.mark.parametrize("flip", [False, True])
    def test_backward_undoes_forward(self, flip: bool) -> None:
        y, x = np.random.default_rng(1).normal(size=(2, 5, 6))

        back = apply_correction(*apply_correction(y, x, 33, flip), 33, flip, forward=False)

        np.testing.assert_allclose(back, (y, x))
