"""Every reader gives the frames that there are, however it is asked."""

from __future__ import annotations

import cbor2
import dask.array
import h5py
import hdf5plugin
import numpy as np
import pytest
import zarr

from framefold.formats import ArrayDataSet
from framefold.formats.dask_arrays import DaskDataSet
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.testing import ReaderTests
from framefold_simulators import simplon_v1, simplon_v2
from framefold_simulators.series import Series
from made_files import WRITERS, write_mrc
from merlin_files import write_hdr, write_mib
from recordings_for_tests import counts, write_bslz4, write_series
from shared_workers import SharedWorkers


class TestNpy(ReaderTests):
    @pytest.fixture
    def recording(self, tmp_path):
        data = counts((4, 5), (6, 8))
        np.save(tmp_path / "a.npy", data)
        return tmp_path / "a.npy", data


class TestMemory(SharedWorkers):
    @pytest.fixture
    def recording(self):
        data = counts((4, 5), (6, 8))
        return data, data

    def load(self, source, **options):
        return ArrayDataSet(source, **options)


class TestMemoryByKeywords(TestMemory):
    def load(self, source, **options):
        return MemoryDataSet(source, **options)


class TestRaw(SharedWorkers):
    options = {
        "format": "raw", "dtype": ">u2", "sig_shape": (6, 8), "nav_shape": (4, 5), "offset": 3,
        "frame_header_bytes": 5, "frame_footer_bytes": 2,
    }  # fmt: skip

    @pytest.fixture
    def recording(self, tmp_path):
        data = counts((4, 5), (6, 8)).astype(">u2")
        frames = b"".join(b"12345" + f.tobytes() + b"67" for f in data.reshape(20, 6, 8))
        (tmp_path / "a.bin").write_bytes(b"abc" + frames)
        return tmp_path / "a.bin", data


class TestFrameChunks(ReaderTests):
    @pytest.fixture
    def recording(self, tmp_path):
        data = counts((4, 5), (6, 8))
        return write_bslz4(tmp_path / "a.h5", data), data


@pytest.mark.parametrize("layout", ["contiguous", "gzip", "large"])
class TestHdf5(SharedWorkers):
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path, layout):
        data = counts((4, 5), (6, 8), "f4")
        how = {
            "contiguous": {},
            "gzip": {"chunks": (1, 1, 6, 8), "compression": "gzip"},
            "large": {"chunks": (3, 2, 6, 4)},
        }[layout]
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("data", data=data, **how)
        return tmp_path / "a.h5", data


class TestSeriesOfFiles(SharedWorkers):
    @pytest.fixture
    def recording(self, tmp_path):
        data = counts((20,), (6, 8))
        return write_series(tmp_path, data, 7, ntrigger=4), data.reshape(4, 5, 6, 8)


@pytest.mark.parametrize("form", ["plain", "packed", "quad"])
class TestMib(SharedWorkers):
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path, form):
        sig = {"plain": (6, 8), "packed": (2, 256), "quad": (4, 512)}[form]
        data = counts((4, 5), sig) % 4096
        how = {
            "plain": {},
            "packed": {"raw": True},
            "quad": {"raw": True, "layout": "2x2"},
        }[form]
        hdr = {"ScanX": 5, "ScanY": 4}
        frames = data.reshape(-1, *sig)
        return write_mib(tmp_path / "a.mib", frames, hdr=hdr, **how), data


class TestMibFiles(ReaderTests):
    @pytest.fixture
    def recording(self, tmp_path):
        data = counts((4, 5), (6, 8))
        frames = data.reshape(-1, 6, 8)
        for i, first in enumerate((0, 7, 12)):
            part = frames[first : (7, 12, 20)[i]]
            write_mib(tmp_path / f"a_{i}.mib", part, first=first + 100)
        write_hdr(tmp_path / "a.hdr", ScanX=5, ScanY=4)
        return tmp_path / "a.hdr", data


class TestMibUpsideDown(SharedWorkers):
    options = {"flip_y": True}

    @pytest.fixture
    def recording(self, tmp_path):
        data = counts((4, 5), (6, 8))
        path = write_mib(tmp_path / "a.mib", data.reshape(-1, 6, 8), hdr={"ScanX": 5, "ScanY": 4})
        return path, data[..., ::-1, :]


class TestEmpad(SharedWorkers):
    options = {"nav_shape": (3, 4)}
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path):
        data = np.random.default_rng(0).normal(9, 3, (12, 130, 128)).astype("f4")
        data.tofile(tmp_path / "a.raw")
        return tmp_path / "a.raw", data[:, :128].reshape(3, 4, 128, 128)


@pytest.mark.parametrize("name", WRITERS)
class TestForeignFiles(SharedWorkers):
    options = {"nav_shape": (4, 5)}
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path, name):
        data = counts((20,), (6, 6), "u1" if name == "blo" else "u2")
        return WRITERS[name](tmp_path, data), data.reshape(4, 5, 6, 6)


@pytest.mark.parametrize("language", [simplon_v1, simplon_v2])
class TestKeptMessages(SharedWorkers):
    options = {"nav_shape": (4, 5)}
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path, language):
        data = counts((20,), (9, 7))
        series = Series(3, (4, 5), (9, 7), "uint16", "bslz4")
        with (tmp_path / "a").open("wb") as file:
            for parts in language.of_stack(series, data):
                single = parts[0][:3] == b"\xd9\xd9\xf7"
                file.write(parts[0] if single else cbor2.dumps(list(parts)))
        return tmp_path / "a", data.reshape(4, 5, 9, 7)


@pytest.mark.parametrize("chunks", [(1, 1, 6, 8), (2, 3, 6, 8), (1, 1, 4, 8)])
class TestZarr(SharedWorkers):
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path, chunks):
        data = counts((4, 5), (6, 8))
        array = zarr.create_array(tmp_path / "a", shape=data.shape, dtype="u2", chunks=chunks)
        array[...] = data
        return tmp_path / "a", data


class TestDask(SharedWorkers):
    examples = 2

    @pytest.fixture
    def recording(self):
        data = counts((4, 5), (6, 8))
        return dask.array.from_array(data, chunks=(2, 5, 6, 4)), data

    def load(self, source, **options):
        return DaskDataSet(source, **options)


class TestRosettaSciIO(SharedWorkers):
    options = {"format": "rosettasciio", "nav_shape": (4, 5)}
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path):
        pytest.importorskip("rsciio")
        data = counts((20,), (6, 6), "i2")
        return write_mrc(tmp_path, data), data.reshape(4, 5, 6, 6)


class TestChannels(SharedWorkers):
    options = {"nav_shape": (4, 5), "channel": 1}

    @pytest.fixture
    def recording(self, tmp_path):
        data = counts((20, 2), (6, 8))
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset(
                "entry/data/data", data=data, chunks=(1, 1, 6, 8), **hdf5plugin.Bitshuffle()
            )
            file["entry/data/image_id"] = np.arange(20)
            file["entry/data/channel"] = ["low", "high"]
        return tmp_path / "a.h5", data[:, 1].reshape(4, 5, 6, 8)
