"""Live, replayed and offline results are equal bit for bit, for every shipped UDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from numpy.typing import NDArray

from e2e.wires import wire
from framefold import (
    ApplyMasksUDF,
    ArrayDataSet,
    CoMUDF,
    PickUDF,
    SumSigUDF,
    SumUDF,
    VirtualDetectorUDF,
)
from framefold.analyses.crystallinity import CrystallinityUDF
from framefold.analyses.fem import FEMUDF
from framefold.analyses.logsum import LogsumUDF
from framefold.analyses.max import MaxUDF
from framefold.analyses.monitor import SignalMonitorUDF
from framefold.analyses.radial_profile import RadialProfileUDF
from framefold.analyses.stddev import StdDevUDF
from framefold.udf import UDF, AutoUDF, BufferWrapper

Results = dict[str, dict[str, NDArray[Any]]]


class MeanOfFrame:
    """A function of the kind users write; a class so that it pickles by name."""

    def __call__(self, frame: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(frame.mean())


class RandomMasks:
    """Masks whose sums round: any other order of summation would show."""

    def __init__(self, sig: tuple[int, ...]) -> None:
        self.sig = sig

    def __call__(self) -> NDArray[np.float32]:
        return np.random.default_rng(5).random((5, *self.sig), dtype=np.float32)


class Float32Sum(UDF):
    """Adds up as users do: in a precision in which the order shows."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"total": self.buffer("sig", dtype="float32")}

    def process_tile(self, tile: NDArray[Any]) -> None:
        self.results.total += np.sqrt(tile).sum(axis=0)

    def merge(self, dest: Any, src: Any) -> None:
        dest.total += src.total


def shipped(sig: tuple[int, ...]) -> dict[str, Any]:
    """Every shipped UDF."""
    height, width = sig
    return {
        "sum": SumUDF(),
        "sumsig": SumSigUDF(),
        "masks": ApplyMasksUDF(RandomMasks(sig), mask_count=5, mask_dtype=np.float32),
        "com": CoMUDF.with_params(cy=height / 2, cx=width / 2, regression=1),
        "com_disk": CoMUDF.with_params(cy=height / 2, cx=width / 2, r=height / 3, ri=2),
        "disk": VirtualDetectorUDF("disk", r=height / 6),
        "ring": VirtualDetectorUDF("ring", ri=height / 5, ro=height / 2),
        "auto": AutoUDF(f=MeanOfFrame()),
        "stddev": StdDevUDF(),
        "logsum": LogsumUDF(),
        "max": MaxUDF(),
        "max_nav": MaxUDF("nav"),
        "radial": RadialProfileUDF(),
        "fem": FEMUDF((height / 2, width / 2), 2, height / 3),
        "crystallinity": CrystallinityUDF(2, 8, (height / 2, width / 2), 3),
        "shifted_masks": ApplyMasksUDF(RandomMasks(sig), mask_count=5, shifts=(1, -2)),
        "monitor": SignalMonitorUDF(),
    }


def results_of(ctx: Any, dataset: Any, sig: tuple[int, ...], roi: Any = None) -> Results:
    udfs = shipped(sig)
    results = ctx.run_udf(dataset=dataset, udf=list(udfs.values()), roi=roi)
    return {
        name: {key: np.array(buffer.data) for key, buffer in one.items()}
        for name, one in zip(udfs, results, strict=True)
    }


def assert_same(found: Results, wanted: Results) -> None:
    assert found.keys() == wanted.keys()
    for name, channels in wanted.items():
        assert found[name].keys() == channels.keys()
        for key, array in channels.items():
            assert found[name][key].dtype == array.dtype, (name, key)
            # bytes, not values: -0.0 and NaN must be the same too
            assert found[name][key].tobytes() == array.tobytes(), (name, key)


def live(ctx: Any, detector: Any, messages: list[list[bytes]], **settings: Any) -> Results:
    sender = detector(messages)
    with ctx.stream(sender.endpoint, **settings) as stream:
        reader = stream.next_reader()
        results = results_of(ctx, reader, reader.acquisition.sig_shape)
        assert reader.ending().complete, reader.ending().reason
    return results


@pytest.fixture(scope="module", params=[np.uint8, np.uint16, np.uint32])
def scan(request: pytest.FixtureRequest) -> NDArray[Any]:
    """A scan of odd sizes with counts that do not fit 8 bits where the dtype allows."""
    rng = np.random.default_rng(11)
    dtype = np.dtype(request.param)
    most = {1: 200, 2: 5000, 4: 100_000}[dtype.itemsize]
    return (rng.random((9, 11, 33, 41)) ** 6 * most).astype(dtype)


class TestLiveEqualsOffline:
    """Whichever way frames come, the numbers are the same."""

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("compression", ["bslz4", "lz4", "none"])
    def test_through_the_wire(self, scan, protocol, compression, workers, inline, detector):
        wanted = results_of(inline, ArrayDataSet(scan), scan.shape[2:])
        found = live(
            workers, detector, wire(scan, protocol, compression=compression), nav_shape=(9, 11)
        )

        assert_same(found, wanted)

    @pytest.mark.parametrize("transport", ["zmtp", "libzmq"])
    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    def test_shuffled(self, scan, protocol, transport, workers, inline, detector):
        wanted = results_of(inline, ArrayDataSet(scan), scan.shape[2:])
        order = np.random.default_rng(3).permutation(99)
        messages = wire(scan, protocol, order=order)
        found = live(
            workers, detector, messages, nav_shape=(9, 11), frames_per_block=7, transport=transport
        )

        assert_same(found, wanted)

    def test_workers_equal_inline_for_any_partitioning(self, scan, workers, inline):
        wanted = results_of(inline, ArrayDataSet(scan), scan.shape[2:])
        for partitions in (1, 2, 13, 99):
            dataset = ArrayDataSet(scan, num_partitions=partitions)
            assert_same(results_of(workers, dataset, scan.shape[2:]), wanted)

    def test_live_in_one_process(self, scan, inline, detector):
        """Inline, too, works with a ring that is smaller than the scan."""
        wanted = results_of(inline, ArrayDataSet(scan), scan.shape[2:])
        found = live(
            inline, detector, wire(scan), nav_shape=(9, 11),
            ring_bytes=1 << 20, block_bytes=1 << 14, frames_per_block=3,
        )  # fmt: skip

        assert_same(found, wanted)

    def test_ordered_float_sums_of_users(self, scan, workers, inline, detector):
        """Where both are cut alike: nine frames a partition."""

        def total(ctx: Any, dataset: Any) -> bytes:
            found = ctx.run_udf(dataset, Float32Sum(), ordered=True)
            return found["total"].data.tobytes()

        recorded = ArrayDataSet(scan, num_partitions=11)
        wanted = total(inline, recorded)
        assert total(workers, recorded) == wanted
        sender = detector(wire(scan))
        settings = {"nav_shape": (9, 11), "frames_per_block": 9, "update_seconds": 60}
        with workers.stream(sender.endpoint, **settings) as stream:
            assert total(workers, stream.next_reader()) == wanted

    def test_against_numpy(self, scan, workers):
        results = results_of(workers, ArrayDataSet(scan), scan.shape[2:])
        wide = scan.astype(np.float64)

        assert (results["sum"]["intensity"] == wide.sum(axis=(0, 1))).all()
        assert (results["sumsig"]["intensity"] == wide.sum(axis=(2, 3))).all()
        masks = RandomMasks(scan.shape[2:])().astype(np.float64)
        exact = np.einsum("yxhw,mhw->yxm", wide, masks)
        np.testing.assert_allclose(results["masks"]["intensity"], exact, rtol=1e-5)
        y = np.einsum("yxhw,h->yx", wide, np.arange(33.0)) / wide.sum(axis=(2, 3))
        np.testing.assert_allclose(results["com"]["raw_com"][..., 0], y, rtol=1e-6)

    def test_pick_and_roi(self, scan, workers, inline, detector):
        roi = np.zeros((9, 11), bool)
        roi[2, 3] = roi[7, 0:4] = roi[8, 10] = True
        (picked,) = workers.run_udf(dataset=ArrayDataSet(scan), udf=[PickUDF()], roi=roi)
        assert (picked["intensity"].data == scan[roi]).all()
        sender = detector(wire(scan, order=np.random.default_rng(2).permutation(99)))
        with workers.stream(sender.endpoint, nav_shape=(9, 11)) as stream:
            (live_picked,) = workers.run_udf(stream.next_reader(), [PickUDF()], roi=roi)
        wanted = results_of(inline, ArrayDataSet(scan), scan.shape[2:], roi)
        found = results_of(workers, ArrayDataSet(scan, num_partitions=7), scan.shape[2:], roi)

        assert (live_picked["intensity"].data == scan[roi]).all()
        assert_same(found, wanted)


@pytest.fixture(scope="module")
def mos2(recordings: Path) -> Path:
    """The recording of a MoS2 scan."""
    return recordings / "abtem_mos2" / "mos2_4dstem.h5"


@pytest.fixture(scope="module")
def mos2_data(mos2: Path) -> NDArray[Any]:
    """Its pixels, read by HDF5's own filter."""
    assert hdf5plugin.FILTERS  # importing it makes the filter known
    with h5py.File(mos2) as file:
        data: NDArray[Any] = file["entry/data/data"][()]
    return data


@pytest.fixture(scope="module")
def offline(mos2: Path, inline: Any) -> Results:
    """What all others must equal."""
    return results_of(inline, inline.load(mos2), (128, 128))


@pytest.mark.recordings
class TestMoS2:
    """The simulated MoS2 recording, through files and wires."""

    def test_two_workers(self, mos2, offline, workers):
        assert_same(results_of(workers, workers.load(mos2), (128, 128)), offline)

    def test_truth(self, offline, recordings):
        truth = np.load(recordings / "abtem_mos2" / "mos2_4dstem_truth.npz")

        assert (offline["sum"]["intensity"] == truth["sum_sig"]).all()
        assert (offline["sumsig"]["intensity"] == truth["sum_nav"]).all()
        com = offline["com"]["raw_com"]
        np.testing.assert_allclose(com[..., 0], truth["com_y"], rtol=1e-6)
        np.testing.assert_allclose(com[..., 1], truth["com_x"], rtol=1e-6)

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("shuffled", [False, True])
    def test_live(self, protocol, shuffled, mos2_data, offline, workers, detector):
        order = np.random.default_rng(8).permutation(4096) if shuffled else None
        messages = wire(mos2_data, protocol, order=order)
        found = live(workers, detector, messages, nav_shape=(64, 64))

        assert_same(found, offline)
