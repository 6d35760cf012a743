"""A Merlin over TCP: live results equal those of its recording, bit for bit."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any

import numpy as np
import pytest

from framefold import SumSigUDF, SumUDF
from framefold.analyses.stddev import StdDevUDF
from framefold_simulators import merlin
from framefold_simulators.detector import Detector, Recipe
from framefold_simulators.encode import encoded
from framefold_simulators.faults import Faults
from framefold_simulators.merlin_control import Control, ControlServer
from framefold_simulators.scene import Scene
from framefold_simulators.series import Series
from framefold_simulators.tcp_outlet import TcpOutlet

NAV = (4, 5)
UDFS = (SumUDF, SumSigUDF, StdDevUDF)


class Frames:
    """Frames of any layout, as a source."""

    def __init__(self, sig: tuple[int, int], dtype: str, top: int) -> None:
        self.scan, self.sig_shape, self.dtype = NAV, sig, np.dtype(dtype)
        self.stack = np.random.default_rng(8).integers(0, top, (20, *sig)).astype(dtype)
        if sig == (514, 514):
            self.stack[:, 256:258] = self.stack[:, :, 256:258] = 0

    def frames(self, first: int, count: int) -> Any:
        return self.stack[first : first + count]


@pytest.fixture
def readout():
    """Makes simulated Merlins, with what they send at."""
    with ExitStack() as stack:

        def make(source: Any, compression: str = "none", faults: Faults | None = None) -> Any:
            outlet = stack.enter_context(closing(TcpOutlet()))
            recipe = Recipe("merlin", source, faults=faults or Faults())
            series = Series(0, source.scan, source.sig_shape, source.dtype, compression)
            detector = Detector(outlet, recipe, series)
            stack.callback(detector.stop)
            return outlet, detector

        yield make


def channels(results: Any) -> list[Any]:
    return [np.asarray(buffer.data) for result in results for buffer in result.values()]


def as_file(path: Any, source: Any, compression: str) -> Any:
    """The recording of the same frames: without prefixes, and the header beside it."""
    series = Series(1, source.scan, source.sig_shape, source.dtype, compression)
    blobs = encoded(source.frames(0, 20), merlin.CODECS[compression])
    path.write_bytes(
        b"".join(b"".join(merlin.image(series, n, blob)[1:]) for n, blob in enumerate(blobs))
    )
    path.with_suffix(".hdr").write_bytes(merlin.header(series)[1])
    return path


class TestMerlin:
    """All modes: 1, 6, 12 and 24 bit, plain and packed, one chip and four."""

    @pytest.mark.parametrize(
        ("sig", "dtype", "top", "compression"),
        [
            ((64, 64), "u1", 64, "none"),
            ((64, 64), "u2", 4096, "none"),
            ((64, 64), "u4", 2**24, "none"),
            ((256, 256), "u1", 2, "r64-1"),
            ((256, 256), "u1", 64, "r64-6"),
            ((256, 256), "u2", 4096, "r64-12"),
            ((256, 256), "u4", 2**24, "r64-24"),
            ((512, 512), "u2", 4096, "r64-12"),
            ((514, 514), "u1", 2, "r64-1"),
        ],
    )
    def test_equals_its_recording(self, workers, readout, tmp_path, sig, dtype, top, compression):
        source = Frames(sig, dtype, top)
        outlet, detector = readout(source, compression)
        with workers.stream(outlet.endpoint, protocol="merlin") as stream:
            detector.arm()
            reader = stream.next_reader()
            live = workers.run_udf(reader, [udf() for udf in UDFS])
        recorded = workers.load("auto", as_file(tmp_path / "scan.mib", source, compression))
        offline = workers.run_udf(recorded, [udf() for udf in UDFS])

        assert reader.acquisition.nav_shape == tuple(recorded.shape.nav) == NAV
        assert reader.ending().complete
        for one, other in zip(channels(live), channels(offline), strict=True):
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes()

    @pytest.mark.parametrize(
        "faults",
        [
            Faults(drop=0.2, seed=1),
            Faults(drop=0.1, duplicate=0.2, shuffle=2, within=5, seed=2),
            Faults(truncate=0.2, seed=3),
            Faults(garble=0.2, seed=4),
            Faults(mislabel=0.2, seed=5),
            Faults(join=7),
            Faults(no_header=True),
        ],
        ids=str,
    )
    def test_with_faults(self, workers, readout, faults):
        source = Frames((64, 64), "u2", 4096)
        outlet, detector = readout(source, faults=faults)
        told = {"nav_shape": NAV, "idle_seconds": 1.0, "protocol": "merlin"}
        with workers.stream(outlet.endpoint, **told) as stream:
            detector.arm()
            reader = stream.next_reader()
            total, signal = workers.run_udf(reader, [SumUDF(), SumSigUDF()])

        valid = np.asarray(signal["intensity"].valid_mask).ravel()
        assert valid.any()
        np.testing.assert_array_equal(
            np.asarray(total["intensity"].data), source.stack[valid].sum(axis=0)
        )
        assert valid.all() == reader.ending().complete

    def test_one_acquisition_after_another(self, workers, readout):
        source = Frames((64, 64), "u2", 4096)
        outlet, detector = readout(source)
        with workers.stream(outlet.endpoint, protocol="merlin") as stream:
            for _ in range(3):
                detector.arm()
                result = workers.run_udf(stream.next_reader(), SumUDF())
                assert (result["intensity"].data == source.stack.sum(axis=0)).all()
                assert detector.wait(20)

    def test_told_by_the_messages(self, workers, readout):
        source = Frames((64, 64), "u2", 4096)
        outlet, detector = readout(source)
        with workers.stream(outlet.endpoint, transport="mpx") as stream:
            detector.arm()
            result = workers.run_udf(stream.next_reader(), SumUDF())

        assert (result["intensity"].data == source.stack.sum(axis=0)).all()


class TestConnection:
    """Scripts: passive, and started over the control port."""

    def port(self, endpoint: str) -> int:
        return int(endpoint.rpartition(":")[2])

    def test_passive(self, workers, readout):
        source = Frames((64, 64), "u2", 4096)
        outlet, detector = readout(source)
        opener = workers.make_connection("merlin")
        with opener.open(data_host="127.0.0.1", data_port=self.port(outlet.endpoint)) as conn:
            detector.arm()
            pending = conn.wait_for_acquisition(20)
            assert pending.nav_shape == NAV
            aq = workers.make_acquisition(conn=conn, pending_aq=pending)
            result = workers.run_udf(dataset=aq, udf=SumUDF())

        assert (result["intensity"].data == source.stack.sum(axis=0)).all()

    def test_active(self, workers, readout):
        source = Scene(NAV, (64, 64), np.dtype("u2"))
        outlet, detector = readout(source)
        opener = workers.make_connection("merlin")
        port = self.port(outlet.endpoint)
        with (
            closing(ControlServer(Control(detector))) as api,
            opener.open(api.host, api.port, data_port=port) as conn,
        ):
            controller = conn.get_active_controller(dwell_time=0.002, counter_depth=12)
            aq = workers.make_acquisition(conn=conn, nav_shape=NAV, controller=controller)
            for _ in range(2):
                result = workers.run_udf(dataset=aq, udf=SumUDF())

        assert (result["intensity"].data == source.frames(0, 20).sum(axis=0)).all()
