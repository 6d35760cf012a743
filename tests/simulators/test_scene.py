"""A scene is what its truth says, and the same whenever and however it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from framefold_simulators.scene import Scene


class TestScene:
    """Frames depend on seed and position only."""

    def test_is_the_same_in_pieces(self):
        whole = Scene((6, 8), (32, 24), "uint16", seed=3).frames(0, 48)
        again = Scene((6, 8), (32, 24), "uint16", seed=3)

        pieces = np.concatenate([again.frames(40, 8), again.frames(0, 40)])

        assert whole.shape == (48, 32, 24)
        assert whole.dtype == np.uint16
        np.testing.assert_array_equal(whole, np.roll(pieces, 40, axis=0))

    def test_differs_by_seed(self):
        one, two = (Scene((6, 8), (32, 32), "uint16", seed=s).frames(0, 48) for s in (0, 1))

        assert (one != two).any()

    def test_deflection_moves_the_centre_of_mass(self):
        scene = Scene((20, 20), (48, 48), "uint16", counts=200, particles=0, deflection=4)
        frames = scene.frames(0, 400).astype(float)
        y, x = np.mgrid[0:48, 0:48]
        total = frames.sum(axis=(1, 2))
        found = np.stack([(frames * y).sum((1, 2)), (frames * x).sum((1, 2))], -1) / total[:, None]

        moved = found - scene.truth.center

        truth = scene.truth.deflection.reshape(-1, 2)
        assert np.ptp(truth, axis=0).min() > 0
        np.testing.assert_allclose(moved, truth, atol=0.7)

    def test_particles_are_dark_in_bright_field_and_bright_in_dark_field(self):
        scene = Scene((32, 32), (64, 64), "uint16", seed=1)
        frames = scene.frames(0, 1024).astype(np.int64)
        y, x = np.mgrid[0:64, 0:64]
        inner = np.hypot(y - 31.5, x - 31.5) < scene.truth.radius * 0.6
        level = scene.truth.level.reshape(-1)

        bright, dark = frames[:, inner].sum(axis=1), frames[:, ~inner].sum(axis=1)

        thick = level == level.max()
        assert level.max() > 1
        assert bright[thick].mean() < 0.7 * bright[level == 0].mean()
        assert dark[thick].mean() > dark[level == 0].mean()

    def test_counts_are_poisson_and_never_beyond_the_type(self):
        vacuum = Scene((16, 16), (32, 32), "uint8", particles=0, deflection=0, counts=9.0)
        pixels = vacuum.frames(0, 256)[:, 15:17, 15:17].astype(float)
        loud = Scene((4, 4), (32, 32), "uint8", counts=5000.0)

        # 8 realisations of 4 pixels, the mean's standard deviation is sqrt(9 / 32)
        assert abs(pixels.mean() - 9.02) < 1.5
        assert loud.frames(0, 16).max() == 255

    @pytest.mark.parametrize("scan", [(1,), (7,), (2, 3, 4)])
    def test_has_any_number_of_scan_axes(self, scan):
        scene = Scene(scan, (8, 8), "uint32")

        assert scene.frames(0, len(scene)).shape == (len(scene), 8, 8)
        assert scene.truth.deflection.shape == (*scan, 2)

    def test_refuses_signed_pixels(self):
        with pytest.raises(ValueError, match="int16"):
            Scene((2, 2), (8, 8), "int16")
