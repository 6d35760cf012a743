from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 - lets h5py read bitshuffle
import numpy as np
import pytest

from framefold.analyses.com import CoMUDF
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.max import MaxUDF
from framefold.analyses.radial_profile import RadialProfileUDF
from framefold.analyses.stddev import StdDevUDF
from framefold.analyses.sum import SumUDF
from framefold.analyses.sumsig import SumSigUDF
from framefold.analyses.virtual_detector import VirtualDetectorUDF
from udf.driver import Driver

CENTRE = {"cy": 67, "cx": 59}


@pytest.mark.recordings
class TestRecordedTruth:
    """A simulated MoS2 scan with known truth, computed without any code of ours."""

    @pytest.fixture(scope="class")
    @staticmethod
    def scan(recordings: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        folder = recordings / "abtem_mos2"
        with h5py.File(folder / "mos2_4dstem.h5") as file:
            data = file["/entry/data/data"][()]
        with np.load(folder / "mos2_4dstem_truth.npz") as truth:
            return data, dict(truth)

    def test_every_udf(self, scan: tuple[np.ndarray, dict[str, Any]]) -> None:
        data, truth = scan
        bf, adf = truth["mask_bf"], truth["mask_adf"]
        udfs = {
            "sum": SumUDF(),
            "sumsig": SumSigUDF(),
            "masks": ApplyMasksUDF([lambda: bf, lambda: adf]),
            "bf": VirtualDetectorUDF("disk", r=17, **CENTRE),
            "adf": VirtualDetectorUDF("ring", ri=24, ro=56, **CENTRE),
            "com": CoMUDF.with_params(**CENTRE),
            "com_bf": CoMUDF.with_params(r=17, **CENTRE),
            "stddev": StdDevUDF(),
            "max_sig": MaxUDF(),
            "max_nav": MaxUDF("nav"),
            "radial": RadialProfileUDF(**CENTRE),
            "sparse": ApplyMasksUDF([lambda: bf, lambda: adf], use_sparse=True),
        }

        results = Driver(data, list(udfs.values())).run(range(100, 4096, 100))

        found = dict(zip(udfs, results, strict=True))
        assert np.array_equal(found["sum"]["intensity"].data, truth["sum_sig"])
        assert np.array_equal(found["sumsig"]["intensity"].data, truth["sum_nav"])
        assert np.array_equal(found["masks"]["intensity"].data[..., 0], truth["bf"])
        assert np.array_equal(found["masks"]["intensity"].data[..., 1], truth["adf"])
        assert np.array_equal(found["bf"]["intensity"].data, truth["bf"])
        assert np.array_equal(found["adf"]["intensity"].data, truth["adf"])
        for name, prefix in (("com", "com"), ("com_bf", "com_bf")):
            exact = np.stack([truth[f"{prefix}_y"], truth[f"{prefix}_x"]], axis=-1)
            # the float32 nearest to the truth: exact sums, float64 division, one rounding
            assert np.array_equal(found[name]["raw_com"].data, exact.astype(np.float32))
        field = np.stack([truth["field_y"], truth["field_x"]], axis=-1)
        np.testing.assert_allclose(found["com"]["field"].data, field, rtol=2e-7, atol=1e-13)
        for name in ("max_sig", "max_nav"):
            assert np.array_equal(found[name]["intensity"].data, truth[name])
        for name in ("mean", "var", "std"):
            np.testing.assert_allclose(found["stddev"][name].data, truth[f"{name}_sig"], rtol=1e-13)
        assert np.array_equal(found["stddev"]["sum"].data, truth["sum_sig"])
        radial = found["radial"]["sum"].data.sum(axis=(0, 1), dtype=np.float64)
        assert np.array_equal(radial, truth["radial_sum"])
        assert np.array_equal(found["radial"]["pixels"].data, truth["radial_npix"])
        assert np.array_equal(found["sparse"]["intensity"].data, found["masks"]["intensity"].data)
