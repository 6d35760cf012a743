"""Where the frames are in HDF5 files of different conventions."""

import h5py
import hdf5plugin
import numpy as np
import pytest

from framefold.formats import open_dataset
from recordings_for_tests import counts, delivered


def nexus(path, *, default=True, link=None):
    """NXmx or NXem in small: a signal of frames, and a larger array that is none."""
    data = counts((2, 3), (5, 4))
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        plot = entry.create_group("images")
        plot.attrs.update({"NX_class": "NXdata", "signal": "stack"})
        if link is None:
            plot["stack"] = data
        else:
            plot["stack"] = link
            file["elsewhere"] = data
        entry["larger"] = np.zeros((9, 9, 9, 9), "u1")
        if default:
            file.attrs["default"], entry.attrs["default"] = "entry", "images"
    return data


class TestNexus:
    """default and signal lead to the frames, however large other arrays are."""

    @pytest.mark.parametrize("link", [None, h5py.SoftLink("/elsewhere")])
    @pytest.mark.parametrize("default", [True, False])
    def test_signal(self, tmp_path, default, link):
        data = nexus(tmp_path / "a.nxs", default=default, link=link)

        data_set = open_dataset(tmp_path / "a.nxs")

        assert "signal" in data_set.facts.why
        assert (delivered(data_set)[0] == data.reshape(6, 5, 4)).all()

    def test_a_signal_that_is_one_image_is_passed_over(self, tmp_path):
        data = nexus(tmp_path / "a.nxs")
        with h5py.File(tmp_path / "a.nxs", "r+") as file:
            result = file["entry"].create_group("result")
            result.attrs.update({"NX_class": "NXdata", "signal": "sum"})
            result["sum"] = np.zeros((5, 4))
            file["entry"].attrs["default"] = "result"

        assert (delivered(open_dataset(tmp_path / "a.nxs"))[0] == data.reshape(6, 5, 4)).all()

    def test_a_default_that_leads_nowhere(self, tmp_path):
        nexus(tmp_path / "a.nxs")
        with h5py.File(tmp_path / "a.nxs", "r+") as file:
            file.attrs["default"] = "gone"

        assert open_dataset(tmp_path / "a.nxs").acquisition.sig_shape == (5, 4)


class TestEmd:
    """The data of an EMD group go before larger arrays that belong to nothing."""

    @pytest.mark.parametrize("kind", [1, "array"])
    def test_data(self, tmp_path, kind):
        data = counts((2, 3), (5, 4))
        with h5py.File(tmp_path / "a.emd", "w") as file:
            group = file.create_group("root/datacube")
            group.attrs["emd_group_type"] = kind
            group["data"] = data
            file["larger"] = np.zeros((9, 9, 9, 9), "u1")

        data_set = open_dataset(tmp_path / "a.emd")

        assert "EMD group /root/datacube" in data_set.facts.why
        assert (delivered(data_set)[0] == data.reshape(6, 5, 4)).all()


FILTERS = {
    "blosc": hdf5plugin.Blosc(cname="zstd", shuffle=hdf5plugin.Blosc.BITSHUFFLE),
    "blosc2": hdf5plugin.Blosc2(cname="blosclz"),
    "bzip2": hdf5plugin.BZip2(),
    "fcidecomp": hdf5plugin.FciDecomp(),
    "lzf": {"compression": "lzf"},
    "scaleoffset": {"scaleoffset": 0},
    "fletcher32": {"fletcher32": True},
    "zstd": hdf5plugin.Zstd(),
    "shuffled zstd": {"shuffle": True, **hdf5plugin.Zstd()},
    "bslz4 blocks of 64": hdf5plugin.Bitshuffle(nelems=64),
}


class TestFilters:
    """Whatever filter hdf5plugin or HDF5 knows."""

    @pytest.mark.parametrize("name", FILTERS)
    @pytest.mark.parametrize("depth", [1, 2])
    def test_equals_what_was_written(self, tmp_path, name, depth):
        data = counts((5,), (8, 16), "u2")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("d", data=data, chunks=(depth, 8, 16), **FILTERS[name])

        got, times = delivered(open_dataset(tmp_path / "a.h5"))

        assert (times == 1).all()
        assert (got == data).all()
