"""Detectors of every language, over real sockets: what arrives equals what was measured."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from framefold import SumSigUDF, SumUDF
from framefold_simulators.detector import Detector, Recipe
from framefold_simulators.faults import Faults
from framefold_simulators.scene import Scene
from framefold_simulators.sender import Outlet
from framefold_simulators.series import Series

SCENE = Scene((6, 7), (32, 24), np.dtype("u2"))
FRAMES = SCENE.frames(0, 42)


def folded(workers: Any, protocol: str, faults: Faults | None = None, **facts: Any) -> Any:
    """(results, the reader) of one series of a simulated detector."""
    recipe = Recipe(protocol, SCENE, faults=faults or Faults())
    channels = ("default",) if protocol == "jungfraujoch" else ("threshold_1",)
    with closing(Outlet()) as outlet:
        series = Series(0, SCENE.scan, SCENE.sig_shape, SCENE.dtype, channels=channels, **facts)
        detector = Detector(outlet, recipe, series)
        nav_shape = None if protocol == "plain" else (6, 7)
        with workers.stream(outlet.endpoint, nav_shape=nav_shape, idle_seconds=20.0) as stream:
            detector.arm()
            reader = stream.next_reader()
            results = workers.run_udf(reader, [SumUDF(), SumSigUDF()])
        assert detector.wait(20)
    return results, reader


@pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2", "jungfraujoch", "plain"])
class TestLanguages:
    """Told by themselves, and folded to the same."""

    def test_whole(self, workers, protocol):
        (total, signal), reader = folded(workers, protocol)

        assert reader.ending().complete
        assert reader.acquisition.nav_shape == (6, 7)
        np.testing.assert_array_equal(total["intensity"].data, FRAMES.sum(axis=0))
        np.testing.assert_array_equal(
            signal["intensity"].data, FRAMES.sum(axis=(1, 2)).reshape(6, 7)
        )

    def test_with_losses(self, workers, protocol):
        faults = Faults(drop=0.2, duplicate=0.2, shuffle=3, within=8, seed=5)
        (total, signal), reader = folded(workers, protocol, faults)

        valid = np.asarray(signal["intensity"].valid_mask).ravel()
        assert 20 < valid.sum() < 42
        np.testing.assert_array_equal(total["intensity"].data, FRAMES[valid].sum(axis=0))
        assert not reader.ending().complete


class TestPlain:
    """What only the open protocol tells."""

    def test_damage_is_noticed(self, workers):
        faults = Faults(corrupt=0.3, seed=2)
        (_, signal), reader = folded(workers, "plain", faults, checksums=True, compression="none")

        valid = np.asarray(signal["intensity"].valid_mask).ravel()
        expected = FRAMES.sum(axis=(1, 2))
        assert 10 < valid.sum() < 42
        np.testing.assert_array_equal(
            np.asarray(signal["intensity"].data).ravel()[valid], expected[valid]
        )
        assert reader.losses().refused == 42 - valid.sum()

    def test_the_end_tells_how_much_was_sent(self, workers):
        _, reader = folded(workers, "plain", Faults(abort=30))

        assert "end: aborted, 30 images sent" in reader.ending().reason

    def test_from_a_script(self, workers):
        with closing(Outlet()) as outlet:
            series = Series(0, SCENE.scan, SCENE.sig_shape, SCENE.dtype)
            detector = Detector(outlet, Recipe("plain", SCENE), series)
            opener = workers.make_connection("plain")
            with opener.open(address=outlet.endpoint) as conn:
                detector.arm()
                pending = conn.wait_for_acquisition(20)
                aq = workers.make_acquisition(conn=conn, pending_aq=pending)
                result = workers.run_udf(dataset=aq, udf=SumUDF())
            assert detector.wait(20)

        assert pending.nav_shape == (6, 7)
        np.testing.assert_array_equal(result["intensity"].data, FRAMES.sum(axis=0))
