"""A simulated detector survives what goes wrong with its frames, and says so."""

from __future__ import annotations

import numpy as np
import pytest
import zmq

from framefold.protocols import Arrived, Ended, Started, recognise
from framefold_simulators.detector import Detector, Recipe
from framefold_simulators.faults import Faults
from framefold_simulators.scene import Scene
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


class TestFaults:
    """Faults of a series over a real socket: what follows, and what is told of it."""

    def taken(self, protocol, faults, arms=1):
        """(events in order, what the detector says of each series)."""
        outlet, finished = Outlet(), []
        scene = Scene((4, 6), (8, 8), np.dtype("u2"))
        recipe = Recipe(protocol, scene, faults=faults)
        series = Series(0, scene.scan, scene.sig_shape, scene.dtype)
        detector = Detector(outlet, recipe, series, finished.append)
        events, language = [], None
        with zmq.Context() as context, context.socket(zmq.PULL) as pull:
            pull.rcvtimeo, pull.linger = 20_000, 0
            pull.connect(outlet.endpoint)
            for _ in range(arms):
                detector.arm()
                assert detector.wait(20)
            outlet.send([[b"over"]])
            while (parts := pull.recv_multipart()) != [b"over"]:
                language = language or recognise(parts[0])
                events += language.feed(parts)
        outlet.close(0)
        return events, finished

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize(("what", "number"), [("rearm", 2), ("reboot", 1)])
    def test_a_series_follows_at_once(self, protocol, what, number):
        events, finished = self.taken(protocol, Faults(**{what: 10}, lasting=0.01))

        first, *images, second = events[:12]
        assert [event.frame for event in images] == list(range(10))
        assert (first.number, second.number) == (1, number)
        assert (first.series == second.series) == (protocol == "simplon-v1" and number == 1)
        assert [event.frame for event in events[12:-1]] == list(range(24))
        assert isinstance(events[-1], Ended)
        assert [(f.sent, f.complete) for f in finished] == [(10, False), (24, True)]

    def test_tells_what_was_lost(self):
        events, (finished,) = self.taken("simplon-v2", Faults(drop=0.3, seed=2))

        came = [event.frame for event in events if isinstance(event, Arrived)]
        assert sorted([*came, *finished.lost]) == list(range(24))
        assert finished.lost

    def test_mislabelled_frames(self):
        events, (finished,) = self.taken("simplon-v1", Faults(mislabel=0.3, seed=1))

        wrong = [e.frame for e in events if isinstance(e, Arrived) and e.dtype == np.uint32]
        assert tuple(wrong) == finished.damaged != ()

    def test_announces_another_number_than_it_sends(self):
        events, _ = self.taken("simplon-v2", Faults(miscount=6, only=1), arms=2)

        starts = [event for event in events if isinstance(event, Started)]
        assert [start.frames for start in starts] == [30, 24]
        assert sum(isinstance(event, Arrived) for event in events) == 48
