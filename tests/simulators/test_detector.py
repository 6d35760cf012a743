"""A simulated detector survives what goes wrong with its frames, and says so."""

from __future__ import annotations

import numpy as np
import pytest
import zmq

from framefold_simulators.detector import Detector, Recipe
from framefold_simulators.faults import Faults
from framefold_simulators.sender import Outlet
from framefold_simulators.series import Series


class _Broken:
    """A source that cannot be read beyond its first frames."""

    scan, sig_shape, dtype = (200,), (4, 4), np.dtype("uint8")

    def frames(self, first, count):
        if first:
            raise OSError("disk on fire")
        return np.zeros((count, 4, 4), np.uint8)


class TestDetector:
    """Errors of the source end the series, not the detector in silence."""

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    def test_keeps_the_reason(self, protocol):
        outlet = Outlet()
        series = Series(0, (200,), (4, 4), "uint8", "none")
        detector = Detector(outlet, Recipe(protocol, _Broken(), faults=Faults()), series)
        with zmq.Context() as context, context.socket(zmq.PULL) as pull:
            pull.connect(outlet.endpoint)
            detector.arm()

            assert detector.wait(20)
            assert str(detector.error) == "disk on fire"
            assert detector.state == "error"
        outlet.close(0)
