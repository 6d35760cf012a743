"""Every shipped UDF, with every parameter it has, equals plain numpy: inline, in workers, live.

A new UDF, or a new parameter of an old one, fails here until it has an entry in `shipped_cases`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from numpy.typing import NDArray

from e2e import numpy_references as ref
from e2e.numpy_com import com, curl_by_angle
from e2e.shipped_cases import cases, for_run
from e2e.wires import wire
from framefold import ArrayDataSet
from framefold.analyses import UDFS, make_udf
from framefold.analyses.com_corrections import guess_corrections
from framefold.registry import load_target

Array = NDArray[Any]

INERT = {"use_torch", "use_numba", "backends", "kwargs", "trial"}
"""Parameters that UDF code passes and nothing depends on."""


DTYPES = {"together": "float32", "selected": "float64"}


def selection(run: str, nav: tuple[int, int]) -> Array | None:
    """A tenth of the positions and a patch of them, or all."""
    if run == "together":
        return None
    roi = np.random.default_rng(7).random(nav) < 0.1
    roi[2:5, 1:6] = True
    return roi


def assert_equal(label: str, found: dict[str, Any], expected: ref.Table) -> None:
    assert set(found) == set(expected), label
    for channel, wanted in expected.items():
        where = f"{label}: {channel}"
        values, valid = found[channel].raw_data, found[channel].raw_valid_mask
        assert values.dtype == wanted.dtype, where
        nearest = np.asarray(wanted.values).astype(wanted.dtype)
        assert values.shape == nearest.shape, where
        if np.ndim(wanted.off) or wanted.off:
            within = np.abs(values - wanted.values) <= wanted.off
            assert (within | (np.isnan(values) & np.isnan(nearest))).all(), where
        else:
            assert np.array_equal(values, nearest, equal_nan=values.dtype.kind in "fc"), where
        assert (valid == np.broadcast_to(wanted.valid, valid.shape)).all(), where


def assert_newest_partition(found: dict[str, Any], scan: ref.Scan) -> None:
    """Which frames these are is the run's business, but they are the last ones, all of them."""
    values, counts = found["intensity"].raw_data, scan.frames.sum(axis=(1, 2), dtype=np.int64)
    behind = np.cumsum(counts[::-1])
    many = int(np.searchsorted(behind, values.sum(dtype=np.float64))) + 1
    assert many <= len(counts)
    assert values.dtype == scan.dtype
    assert np.array_equal(values, scan.frames[-many:].sum(axis=0, dtype=np.int64))


@pytest.fixture(scope="module")
def small() -> Array:
    """A scan of odd sizes, uint16, with two frames without a count."""
    data = (np.random.default_rng(11).random((7, 9, 20, 27)) ** 6 * 5000).astype(np.uint16)
    data[3, 4] = data[0, 0] = 0
    return data


@pytest.fixture(scope="module")
def counts32(small: Array) -> Array:
    """The same in uint32, with counts whose squares do not fit 64 bit together."""
    data = small.astype(np.uint32) * 3
    data[2, :, 3:7] += np.uint32(4_000_000_000)
    return data


@pytest.fixture(scope="module")
def mos2(recordings: Path) -> Array:
    """The MoS2 scan, uint8, read by HDF5's own filter."""
    assert hdf5plugin.FILTERS
    with h5py.File(recordings / "abtem_mos2" / "mos2_4dstem.h5") as file:
        data: Array = file["entry/data/data"][()]
    return data


@pytest.fixture(
    scope="module", params=["small", "counts32", pytest.param("mos2", marks=pytest.mark.recordings)]
)
def data(request: pytest.FixtureRequest) -> Array:
    """A scan; of the recording as much as numpy is through with in seconds."""
    found: Array = request.getfixturevalue(request.param)
    return found[10:26, 8:40] if request.param == "mos2" else found


@pytest.fixture(scope="module", params=["together", "selected", "native"])
def run(request: pytest.FixtureRequest) -> str:
    """Which UDFs share a run, and with it one dtype."""
    return str(request.param)


@pytest.fixture(scope="module")
def scan(run: str, data: Array) -> ref.Scan:
    dtype = np.result_type(data.dtype, DTYPES.get(run, data.dtype))
    return ref.Scan(data, selection(run, data.shape[:2]), dtype)


@pytest.fixture(scope="module")
def expected(run: str, scan: ref.Scan) -> dict[str, ref.Table]:
    """By numpy, once for all ways a scan may come."""
    return {k: c.expected(scan) for k, c in for_run(run, scan.data, Path()).items()}


class TestShippedUDFs:
    """The same numbers as numpy's, whichever way the frames come."""

    def check(
        self, ctx: Any, dataset: Any, run: str, scan: ref.Scan, expected: Any, folder: Path
    ) -> None:
        table = for_run(run, scan.data, folder)
        udfs = [make_udf(case.name, case.parameters) for case in table.values()]
        results = ctx.run_udf(dataset=dataset, udf=udfs, roi=scan.roi)
        for (label, case), found in zip(table.items(), results, strict=True):
            if case.name == "partition_monitor":
                assert_newest_partition(found, scan)
            else:
                assert_equal(label, found, expected[label])
            if case.name == "record":
                written = np.load(folder / "scan.npy")
                assert written.dtype == scan.data.dtype
                assert np.array_equal(written, scan.data)

    def test_inline(self, inline, run, scan, expected, tmp_path):
        self.check(inline, ArrayDataSet(scan.data), run, scan, expected, tmp_path)

    def test_two_workers(self, workers, run, scan, expected, tmp_path):
        dataset = ArrayDataSet(scan.data, num_partitions=13)
        self.check(workers, dataset, run, scan, expected, tmp_path)

    def test_live(self, workers, detector, run, scan, expected, tmp_path):
        """Over a socket, in any order."""
        order = np.random.default_rng(8).permutation(scan.nav[0] * scan.nav[1])
        sender = detector(wire(scan.data, order=order))
        with workers.stream(sender.endpoint, nav_shape=scan.nav) as stream:
            reader = stream.next_reader()
            self.check(workers, reader, run, scan, expected, tmp_path)
            assert reader.ending().complete


@pytest.mark.recordings
class TestTruth:
    """The whole MoS2 scan against what was computed beside it, by others."""

    CENTRE = {"cy": 67, "cx": 59}

    @pytest.mark.parametrize("way", ["inline", "two workers", "live"])
    def test_mos2(self, way, mos2, recordings, inline, workers, detector):
        with np.load(recordings / "abtem_mos2" / "mos2_4dstem_truth.npz") as file:
            truth = dict(file)
        udfs = {
            "sum": make_udf("sum"),
            "sumsig": make_udf("sumsig"),
            "stddev": make_udf("stddev"),
            "com": make_udf("com", self.CENTRE),
            "com_bf": make_udf("com", {"r": 17, **self.CENTRE}),
            "bf": make_udf("virtual_detector", {"r": 17, **self.CENTRE}),
            "adf": make_udf("masks", {"mask_factories": [truth["mask_adf"]]}),
            "segments": make_udf(
                "masks", {"mask_factories": truth["segment_label"] == np.arange(4)[:, None, None]}
            ),
            "left out": make_udf(
                "masks",
                {
                    "mask_factories": [
                        truth["mask_bf"] & ~truth["flagged_pixels"],
                        truth["mask_adf"] & ~truth["flagged_pixels"],
                        ~truth["flagged_pixels"],
                    ]
                },
            ),
            "radial": make_udf("radial_profile", self.CENTRE),
        }
        if way == "live":
            sender = detector(wire(mos2, order=np.random.default_rng(1).permutation(4096)))
            with workers.stream(sender.endpoint, nav_shape=(64, 64)) as stream:
                results = workers.run_udf(stream.next_reader(), list(udfs.values()))
        else:
            ctx = inline if way == "inline" else workers
            results = ctx.run_udf(ArrayDataSet(mos2), list(udfs.values()))
        found = dict(zip(udfs, results, strict=True))

        assert np.array_equal(found["sum"]["intensity"].data, truth["sum_sig"])
        assert np.array_equal(found["sumsig"]["intensity"].data, truth["sum_nav"])
        for name in ("bf", "adf"):
            values = found[name]["intensity"].data.reshape(64, 64)
            assert np.array_equal(values, truth[name])
        segments = np.moveaxis(found["segments"]["intensity"].data, -1, 0)
        assert np.array_equal(segments, truth["segments"])
        for i, name in enumerate(("flagged_bf", "flagged_adf", "flagged_sum_nav")):
            assert np.array_equal(found["left out"]["intensity"].data[..., i], truth[name])
        for name in ("com", "com_bf"):  # exact sums, divided in float64, rounded to float32
            for axis in (0, 1):
                exact = truth[f"{name}_{'yx'[axis]}"]
                assert np.array_equal(found[name]["raw_com"].data[..., axis], exact.astype("f4"))
        for name in ("mean", "var", "std"):  # the truth adds up float64 deviations
            values = found["stddev"][name].data
            np.testing.assert_allclose(values, truth[f"{name}_sig"], rtol=1e-13, err_msg=name)
        rings = found["radial"]["sum"].data.sum(axis=(0, 1), dtype=np.float64)
        assert np.array_equal(rings, truth["radial_sum"])


class TestTable:
    """Nothing is left out."""

    def test_every_name(self, small, tmp_path):
        assert {c.name for c in cases(small, tmp_path).values() if ":" not in c.name} == set(
            UDFS.names()
        )

    @pytest.mark.parametrize("name", UDFS.names())
    def test_every_parameter(self, small, tmp_path, name):
        udf = load_target(name) if ":" in name else UDFS.load(name)
        known = inspect.signature(getattr(udf, "with_params", udf)).parameters
        named = {n for n in known if n[0] != "_"} - INERT
        used = {n for c in cases(small, tmp_path).values() if c.name == name for n in c.parameters}

        assert named <= used


class TestGuessedCorrections:
    """How the detector lies to the scan, found by trying all angles."""

    @pytest.mark.parametrize(("rotation", "flip_y"), [(0, False), (77, False), (-150, True)])
    def test_a_field_of_atoms(self, rotation, flip_y):
        y, x = np.mgrid[:40, :44].astype(np.float64)
        towards = np.zeros((40, 44), complex)
        for row, column in ((9, 12), (30, 8), (22, 33)):
            away = (x - column) + 1j * (y - row)
            towards -= away * np.exp(-(np.abs(away) ** 2) / 20)
        seen = towards * np.exp(-1j * np.deg2rad(rotation))
        along_y, along_x = seen.imag * (-1 if flip_y else 1) + 0.5, seen.real - 0.25

        guess = guess_corrections(along_y, along_x)

        assert (guess.scan_rotation, guess.flip_y) == (rotation, flip_y)
        inner = along_y[:-1, :-1].mean(), along_x[:-1, :-1].mean()
        np.testing.assert_allclose((guess.cy, guess.cx), inner, rtol=1e-12)

    @pytest.mark.recordings
    def test_a_recorded_field(self, mos2):
        table = com(ref.Scan(mos2, None, np.dtype(np.float64)), cy=67, cx=59)
        y, x = np.moveaxis(table["raw_shifts"].values.reshape(64, 64, 2), -1, 0)
        straight, flipped = curl_by_angle(y, x, False), curl_by_angle(y, x, True)

        guess = guess_corrections(y, x)

        assert guess.flip_y == (flipped.min() < straight.min())
        least = int(np.argmin(flipped if guess.flip_y else straight))
        assert (guess.scan_rotation - least) % 180 == 0
