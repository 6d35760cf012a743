"""UDFs that add frames up as they came give what their pixels give, wherever they come from."""

from __future__ import annotations

from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from numpy.typing import NDArray

from e2e.wires import wire
from framefold import ArrayDataSet, CoMUDF, SumSigUDF, SumUDF, VirtualDetectorUDF
from framefold_simulators import simplon_v1
from framefold_simulators.encode import encoded
from framefold_simulators.series import Series

UDFS: dict[str, Any] = {
    "sum": SumUDF(),
    "sumsig": SumSigUDF(),
    "com": CoMUDF.with_params(cy=11.5, cx=70, regression=1),
    "com_ring": CoMUDF.with_params(cy=11.5, cx=70, r=9, ri=2),
    "disk": VirtualDetectorUDF("disk", r=7),
    "ring": VirtualDetectorUDF("ring", ri=4, ro=40),
    "point": VirtualDetectorUDF("point", cy=3, cx=17),
}


@pytest.fixture(scope="module", params=[np.uint8, np.uint16, np.uint32])
def scan(request: pytest.FixtureRequest) -> NDArray[Any]:
    """Sparse counts, and some pixels that the detector masks by the largest value."""
    rng = np.random.default_rng(4)
    dtype = np.dtype(request.param)
    pixels = (rng.random((10, 12, 23, 128)) ** 9 * 250).astype(dtype)
    pixels[rng.random(pixels.shape) < 0.001] = np.iinfo(dtype).max
    return pixels


@pytest.fixture(scope="module")
def blanked(scan: NDArray[Any]) -> NDArray[Any]:
    return np.where(scan == np.iinfo(scan.dtype).max, 0, scan).astype(scan.dtype)


def results(found: Any) -> dict[str, bytes]:
    return {name: np.array(buffer.data).tobytes() for name, buffer in found.items()}


@pytest.fixture
def no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives these UDFs pixels fails."""

    def refuse(self: Any, tile: Any) -> None:
        raise AssertionError("pixels")

    for udf in (SumUDF, SumSigUDF, CoMUDF, VirtualDetectorUDF):
        monkeypatch.setattr(udf, "process_native_tile", refuse)


@pytest.mark.parametrize("name", UDFS)
class TestFramesAsTheyCame:
    """Each UDF by itself."""

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    def test_live(self, name, protocol, scan, blanked, workers, inline, detector):
        wanted = inline.run_udf(dataset=ArrayDataSet(blanked), udf=UDFS[name])
        order = np.random.default_rng(3).permutation(120)
        sender = detector(wire(scan, protocol, order=order))
        with workers.stream(sender.endpoint, nav_shape=(10, 12), frames_per_block=50) as stream:
            found = workers.run_udf(stream.next_reader(), UDFS[name])

        assert results(found) == results(wanted)

    def test_no_pixel_is_made(self, name, scan, blanked, inline, detector, request):
        wanted = inline.run_udf(dataset=ArrayDataSet(blanked), udf=UDFS[name])
        request.getfixturevalue("no_pixels")
        sender = detector(wire(scan))
        with inline.stream(sender.endpoint, nav_shape=(10, 12), frames_per_block=60) as stream:
            found = inline.run_udf(stream.next_reader(), UDFS[name])

        assert results(found) == results(wanted)

    def test_a_file(self, name, scan, workers, inline, tmp_path):
        with h5py.File(tmp_path / "scan.h5", "w") as file:
            file.create_dataset(
                "data", data=scan, chunks=(1, 1, 23, 128), **hdf5plugin.Bitshuffle(cname="lz4")
            )
        roi = np.random.default_rng(8).random((10, 12)) < 0.8
        roi[3:6] = True
        for chosen in (None, roi):
            wanted = inline.run_udf(dataset=ArrayDataSet(scan), udf=UDFS[name], roi=chosen)
            for ctx in (workers, inline):
                dataset = ctx.load("hdf5", tmp_path / "scan.h5", ds_path="data")
                found = ctx.run_udf(dataset=dataset, udf=UDFS[name], roi=chosen)

                assert results(found) == results(wanted)

    def test_damaged_frames_are_holes(self, name, scan, blanked, workers, inline, detector):
        series = Series(1, (10, 12), (23, 128), scan.dtype)
        blobs = list(encoded(scan.reshape(120, 23, 128)))
        there = np.ones(120, bool)
        there[[5, 6, 44, 119]] = False
        for number in np.flatnonzero(~there):
            blobs[number] = blobs[number][:-40] + bytes(40)
        sender = detector(list(simplon_v1.messages(series, enumerate(blobs))))
        with workers.stream(sender.endpoint, nav_shape=(10, 12), frames_per_block=60) as stream:
            for moment in workers.run_udf_iter(stream.next_reader(), UDFS[name]):
                last = moment
        kept = np.where(there.reshape(10, 12, 1, 1), blanked, 0).astype(scan.dtype)
        wanted = inline.run_udf(dataset=ArrayDataSet(kept), udf=UDFS[name])

        assert (last.damage.raw_data.reshape(-1) == there).all()
        channel = "raw_com" if name.startswith("com") else "intensity"
        found = np.array(last.buffers[0][channel].data)
        assert (found == np.array(wanted[channel].data)).all()
