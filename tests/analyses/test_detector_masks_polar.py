from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.analyses.detector_masks import background_subtraction, circular, radial_gradient
from framefold.analyses.detector_masks_polar import (
    balance,
    bounding_radius,
    polar_map,
    radial_bins,
    radial_gradient_background_subtraction,
)

centres = {"cx": st.floats(-4, 15), "cy": st.floats(-4, 13)}


class TestPolarMap:
    """Distance and direction from a centre."""

    @settings(max_examples=20, deadline=None)
    @given(**centres)
    def test_leads_back_to_the_pixel(self, cx: float, cy: float) -> None:
        r, phi = polar_map(cx, cy, 11, 9)

        y, x = np.indices((9, 11))
        np.testing.assert_allclose(cy + r * np.sin(phi), y, atol=1e-9)
        np.testing.assert_allclose(cx + r * np.cos(phi), x, atol=1e-9)

    def test_an_ellipse_becomes_a_circle(self) -> None:
        angle = 0.4
        t = np.linspace(0, 2 * np.pi, 50)
        along, across = 5 * np.cos(t), 5 * 1.6 * np.sin(t)  # its long axis is turned y
        x = 50 + np.cos(angle) * along - np.sin(angle) * across
        y = 50 + np.sin(angle) * along + np.cos(angle) * across

        r, _ = polar_map(50, 50, 101, 101, stretchY=1.6, angle=angle)

        found = r[np.round(y).astype(int), np.round(x).astype(int)]
        assert np.abs(found - 5).max() < 0.8  # pixels are whole

    @settings(max_examples=20, deadline=None)
    @given(**centres)
    def test_bounding_radius_holds_every_pixel(self, cx: float, cy: float) -> None:
        assert polar_map(cx, cy, 11, 9)[0].max() < bounding_radius(cx, cy, 11, 9)


class TestRadialBins:
    """Soft rings side by side."""

    def test_they_fill_the_detector(self) -> None:
        bins = radial_bins(5, 4, 11, 9)

        assert bins.shape == (bounding_radius(5, 4, 11, 9), 9, 11)
        np.testing.assert_allclose(bins.sum(axis=0)[1:-1, 1:-1], 1, atol=0.55)  # the middle pixel
        away = np.delete(bins.sum(axis=0).reshape(-1), 4 * 11 + 5)
        np.testing.assert_allclose(away, 1, rtol=1e-12)

    def test_one_bin_is_a_disk(self) -> None:
        found = radial_bins(5, 4, 11, 9, radius=3, n_bins=1)

        np.testing.assert_allclose(found[0], circular(5, 4, 11, 9, 3, antialiased=True))

    def test_normalised(self) -> None:
        found = radial_bins(5, 4, 11, 9, radius=20, n_bins=10, normalize=True)

        sums = found.sum(axis=(1, 2))
        np.testing.assert_allclose(sums[sums > 0], 1)
        assert sums[-1] == 0  # beyond the detector

    def test_sparse(self) -> None:
        many = radial_bins(30, 30, 64, 64, dtype=np.float32)
        dense = radial_bins(30, 30, 64, 64, use_sparse=False, dtype=np.float32)

        assert type(many).__module__.startswith("sparse")
        assert many.dtype == np.float32
        assert np.array_equal(many.todense(), dense)
        assert isinstance(radial_bins(3, 3, 7, 7, n_bins=2), np.ndarray)


class TestTemplates:
    """Weights for finding disks, of which a flat background gives nothing."""

    @pytest.mark.parametrize("antialiased", [False, True])
    def test_background_subtraction(self, antialiased: bool) -> None:
        found = background_subtraction(5, 4, 11, 9, 4, 2, antialiased)

        assert found.sum() == pytest.approx(0, abs=1e-12)
        assert found[4, 5] == 1
        assert found[4, 8] < 0

    def test_background_subtraction_without_a_ring(self) -> None:
        found = background_subtraction(5, 4, 11, 9, 2, 2)

        assert np.array_equal(found, circular(5, 4, 11, 9, 2))

    def test_radial_gradient_background_subtraction(self) -> None:
        r = np.array([0, 1, 2.49, 2.5, 3, 3.25, 3.5, 5, 5.01])

        found = radial_gradient_background_subtraction(r, 3, 5)

        np.testing.assert_allclose(found, [0, 1 / 3, 0.83, 1, 0, -0.5, -1, -1, 0], atol=1e-12)

    def test_radial_gradient_antialiased(self) -> None:
        found = radial_gradient(5, 4, 11, 9, 2, antialiased=True)

        assert found[4, 5] == 0
        assert found[4, 7] == 0.5  # on the rim: half of 1
        assert (found >= 0).all()

    def test_balance(self) -> None:
        template = np.random.default_rng(0).normal(size=(4, 5))

        found = balance(template)

        assert found.sum() == pytest.approx(0, abs=1e-12)
        assert np.array_equal(found[template > 0], template[template > 0])
        assert np.array_equal(balance(np.ones(3)), np.ones(3))
