"""Line length and offset of a scan are found in the brightness of its frames."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.core.scan_estimate import estimated
from framefold.errors import ParameterError


def brightness(lines, width, flyback=0, lead=0, seed=0, noise=0.02):
    """Frames of a sample with a gradient and a few particles, in the order of a raster scan."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:lines, : width + flyback].astype(float)
    image = 1 + 1.5 * x / width
    for _ in range(5):
        cy, cx, r = rng.uniform(0, lines), rng.uniform(0, width), rng.uniform(2, width / 4)
        image += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / r**2)
    image[:, width:] = 0.7
    flat = np.concatenate([np.full(lead, 0.7), image.reshape(-1)])
    return flat * (1 + noise * rng.standard_normal(len(flat)))


class TestEstimate:
    """Of scans as they are made."""

    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize(
        ("lines", "width", "flyback", "lead"),
        [(64, 64, 0, 0), (40, 96, 3, 0), (32, 50, 0, 17), (128, 64, 2, 5), (20, 200, 0, 150)],
    )
    def test_line_and_offset(self, lines, width, flyback, lead, seed):
        found = estimated(brightness(lines, width, flyback, lead, seed))

        period = width + flyback
        assert found.line == period
        # the jump is at the start of the flyback, or at its end
        assert (found.offset - lead) % period in (0, width % period)
        assert found.likeness > 0.7
        assert found.step > 2

    def test_with_frames_lost(self):
        sums = brightness(64, 64, seed=3)
        sums[np.random.default_rng(1).random(len(sums)) < 0.05] = np.nan

        assert estimated(sums).line == 64

    def test_of_no_scan(self):
        noise = np.random.default_rng(0).standard_normal(4096)

        assert estimated(noise).likeness < 0.3

    @pytest.mark.parametrize("sums", [np.arange(10.0), np.ones(500), np.full(500, np.nan)])
    def test_that_cannot_be(self, sums):
        with pytest.raises(ParameterError):
            estimated(sums)
