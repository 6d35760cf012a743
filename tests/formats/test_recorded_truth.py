"""Real recordings of many makers against what other libraries found in them."""

import hashlib
import json

import numpy as np
import pytest

from framefold import SumUDF
from framefold.api import Context
from framefold.formats import inspect_file
from recordings_for_tests import delivered

KNOWN = [
    ("abtem_mos2", "mos2_4dstem.h5", "data", "hdf5"),
    ("blockfile_blo_tiny", "test2.blo", "data", "blo"),
    ("de_mrc", "Custom_movie.mrc", "Custom_movie", "mrc"),
    ("de_mrc", "20241021_00405_movie.mrc", "20241021_00405_movie", "mrc"),
    ("dm4_small", "test-10.dm4", "data", "dm"),
    ("py4dstem_emd", "py4DSTEM_size2x3x4x5.h5", "/datacube_root/datacube/data", "hdf5"),
    ("tia_ser", "16x16-line_profile_horizontal_5x128x128_EDS_2.ser", "line scan", "ser"),
    ("tvips", "test_tvips_2233_000.tvips", "data", "tvips"),
]


@pytest.mark.recordings
@pytest.mark.parametrize(("folder", "file", "array", "name"), KNOWN)
class TestTruth:
    """Shape, pixel type, hash and sums are those that others found."""

    def test_as_data_set(self, recordings, folder, file, array, name):
        truth = json.loads((recordings / folder / "truth.json").read_text())["arrays"][array]

        data_set = Context.inline().load("auto", path=recordings / folder / file)
        got, times = delivered(data_set)

        assert data_set.facts.format == name
        assert data_set.dtype == np.dtype(truth["dtype"])
        assert got.size == np.prod(truth["shape"])
        assert tuple(got.shape[1:]) == tuple(truth["shape"][-2:])
        if len(truth["shape"]) == 4:
            assert tuple(data_set.shape) == tuple(truth["shape"])
        assert (times == 1).all()
        little = got.astype(got.dtype.newbyteorder("<"))
        assert hashlib.sha256(little.tobytes()).hexdigest() == truth["sha256_array_le_c"]

    def test_inspected_without_problems(self, recordings, folder, file, array, name):
        found = inspect_file(recordings / folder / file)

        assert found.format == name
        assert found.problems == ()
        assert found.frames_found == found.frames_promised


@pytest.mark.recordings
class TestRuns:
    """A run over a recording gives the sum that others found."""

    @pytest.mark.parametrize(("folder", "file", "array", "name"), KNOWN[1:])
    def test_sum(self, recordings, folder, file, array, name):
        truth = json.loads((recordings / folder / "truth.json").read_text())["arrays"][array]

        with Context.inline() as ctx:
            data_set = ctx.load("auto", path=recordings / folder / file)
            result = ctx.run_udf(dataset=data_set, udf=SumUDF())

        assert result["intensity"].data.sum() == pytest.approx(truth["sum"], rel=1e-6)

    def test_an_image_as_others_turn_it(self, recordings):
        folder = recordings / "tia_ser"
        expected = np.load(folder / "64x64_TEM_images_acquire.npy")

        data_set = Context.inline().load("auto", path=folder / "64x64_TEM_images_acquire_1.ser")

        assert (delivered(data_set)[0][0] == expected).all()
