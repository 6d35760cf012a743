"""Plain HDF5 in every layout."""

import hashlib
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan
from framefold.errors import DataError, ParameterError, UnknownNameError
from framefold.formats import library, open_dataset
from recordings_for_tests import counts, delivered, write_bslz4

LAYOUTS = {
    "contiguous": {},
    "one frame a chunk": {"chunks": (1, 1, 8, 6)},
    "bitshuffle lz4": {"chunks": (1, 1, 8, 6), **hdf5plugin.Bitshuffle()},
    "lz4": {"chunks": (1, 1, 8, 6), **hdf5plugin.LZ4()},
    "bitshuffle alone": {"chunks": (1, 1, 8, 6), **hdf5plugin.Bitshuffle(cname="none")},
    "bitshuffle zstd": {"chunks": (1, 1, 8, 6), **hdf5plugin.Bitshuffle(cname="zstd")},
    "gzip": {"chunks": (1, 1, 8, 6), "compression": "gzip"},
    "shuffle gzip": {"chunks": (1, 1, 8, 6), "compression": "gzip", "shuffle": True},
    "several frames a chunk": {"chunks": (1, 3, 8, 6), "compression": "gzip"},
    "blocks of the scan": {"chunks": (2, 3, 4, 6), **hdf5plugin.Bitshuffle()},
}


def first_block(data_set):
    return next(iter(data_set.reader().blocks(BlockPlan())))


class TestLayouts:
    """Whatever the layout, the numbers are those that were written."""

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("dtype", ["u2", ">u2", "f4", "u1", "u8"])
    def test_equals_what_was_written(self, tmp_path, layout, dtype):
        data = counts((5, 7), (8, 6)).astype(dtype)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("scan/frames", data=data, **LAYOUTS[layout])

        data_set = open_dataset(tmp_path / "a.h5")
        got, times = delivered(data_set)

        assert data_set.facts.format == "hdf5"
        assert data_set.acquisition.nav_shape == (5, 7)
        assert data_set.acquisition.dtype.isnative
        assert (times == 1).all()
        assert (got == data.reshape(35, 8, 6)).all()

    @settings(max_examples=40, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(
        nav=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
        sig=st.tuples(st.integers(1, 9), st.integers(1, 9)),
        layout=st.sampled_from(["contiguous", "bslz4", "gzip", "thick"]),
        offset=st.integers(-6, 6),
        shape=st.one_of(st.none(), st.tuples(st.integers(1, 6), st.integers(1, 6))),
        partitions=st.one_of(st.none(), st.integers(1, 9)),
        workers=st.integers(1, 4),
    )
    def test_every_frame_once(self, tmp_path, nav, sig, layout, offset, shape, partitions, workers):
        data = counts(nav, sig)
        one = (1,) * len(nav)
        made = {
            "contiguous": {},
            "bslz4": {"chunks": one + sig, **hdf5plugin.Bitshuffle()},
            "gzip": {"chunks": one + sig, "compression": "gzip"},
            "thick": {"chunks": tuple(min(2, n) for n in nav) + sig, "compression": "gzip"},
        }[layout]
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("d", data=data, **made)
        frames = math.prod(nav)
        offset = max(1 - frames, min(frames - 1, offset))
        size = frames if shape is None else math.prod(shape)
        partitions = None if partitions is None else min(partitions, size)

        data_set = open_dataset(
            path, ds_path="d", nav_shape=shape, sync_offset=offset, num_partitions=partitions
        )
        got, times = delivered(data_set, workers=workers)

        numbers = np.arange(size) + offset
        there = (numbers >= 0) & (numbers < frames)
        assert (times == there).all()
        assert (got[there] == data.reshape(-1, *sig)[numbers[there]]).all()

    def test_a_worker_needs_no_hdf5_library_for_our_codecs(self, tmp_path):
        data = counts((6,), (8, 6))
        block = first_block(open_dataset(write_bslz4(tmp_path / "a.h5", data)))
        (tmp_path / "block").write_bytes(pickle.dumps(block))
        program = (
            "import pickle, sys, numpy as np\n"
            "block = pickle.loads(open(sys.argv[1], 'rb').read())\n"
            "with block.open() as frames:\n"
            "    rows = np.arange(len(frames.positions))\n"
            "    print(int(frames.read(rows, np.empty((len(rows), 8, 6), 'u2')).sum()))\n"
            "print('h5py' in sys.modules)\n"
        )

        said = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "block"],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip

        with block.open() as frames:
            rows = np.arange(len(frames.positions))
        assert said == [str(int(data[rows].sum())), "False"]

    def test_blocks_through_the_library_are_picklable_too(self, tmp_path):
        data = counts((4, 3), (8, 6))
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("d", data=data, chunks=(2, 2, 8, 6), compression="gzip")
        blocks = open_dataset(tmp_path / "a.h5", num_partitions=1).reader().blocks(BlockPlan())

        (block,) = pickle.loads(pickle.dumps(list(blocks)))

        with block.open() as frames:
            rows = np.array([1, 2, 3, 7, 11])
            got = frames.read(rows, np.empty((5, 8, 6), "u2"))
        assert (got == data.reshape(12, 8, 6)[rows]).all()

    def test_contiguous_frames_come_in_place(self, tmp_path):
        data = counts((6,), (8, 6))
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["d"] = data

        with first_block(open_dataset(tmp_path / "a.h5", num_partitions=1)).open() as frames:
            out = np.empty((6, 8, 6), "u2")
            pixels = frames.read(np.arange(6), out)

        assert not np.shares_memory(pixels, out)
        assert (pixels == data).all()

    def test_behind_a_user_block(self, tmp_path):
        data = counts((6,), (8, 6))
        for made in ({}, {"chunks": (1, 8, 6), **hdf5plugin.Bitshuffle()}):
            with h5py.File(tmp_path / "a.h5", "w", userblock_size=1024) as file:
                file.create_dataset("d", data=data, **made)

            data_set = open_dataset(tmp_path / "a.h5")

            assert "1024 bytes" in data_set.facts.why
            assert (delivered(data_set)[0] == data).all()


class TestMissing:
    """Frames that were never written are missing, not zero."""

    @pytest.mark.parametrize(
        "made",
        [
            {"chunks": (1, 8, 6), **hdf5plugin.Bitshuffle()},
            {"chunks": (1, 4, 6), "compression": "gzip"},
        ],
    )
    def test_chunks_never_written(self, tmp_path, made):
        data = counts((12,), (8, 6))
        with h5py.File(tmp_path / "a.h5", "w") as file:
            stack = file.create_dataset("d", (12, 8, 6), "u2", **made)
            for i in (0, 2, 3, 4, 9):
                stack[i] = data[i]
            stack[7, :3] = 5 if made["chunks"][1] == 4 else data[7, :3]

        data_set = open_dataset(tmp_path / "a.h5", num_partitions=2)
        reader = data_set.reader()
        got, times = delivered(data_set)
        list(reader.blocks(BlockPlan()))

        there = [0, 2, 3, 4, 9] if made["chunks"][1] == 4 else [0, 2, 3, 4, 7, 9]
        assert np.flatnonzero(times).tolist() == there
        assert (got[[0, 2, 3, 4, 9]] == data[[0, 2, 3, 4, 9]]).all()
        assert "never written" in data_set.facts.problems[0]
        assert not reader.ending().complete
        assert reader.losses().missing == 12 - len(there)

    def test_half_the_frames_of_a_chunk_table_make_one_piece(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            stack = file.create_dataset(
                "d", (40, 8, 6), "u2", chunks=(1, 8, 6), **hdf5plugin.Bitshuffle()
            )
            for i in range(0, 40, 2):
                stack[i] = i

        block = first_block(open_dataset(tmp_path / "a.h5", num_partitions=1))

        assert len(block.pieces) == 1
        assert len(block.spans) == 20

    def test_nothing_ever_written(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("d", (12, 8, 6), "u2")

        with pytest.raises(DataError, match="never written"):
            open_dataset(tmp_path / "a.h5")


class TestChoice:
    """Finds the frames, or says which there are."""

    def test_takes_the_largest(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["small"] = counts((3,), (4, 4))
            file["g/large"] = counts((9,), (4, 4))
            file["flat"] = np.zeros((100, 100))
            file["text"] = np.full((50, 50, 50), b"x")

        data_set = open_dataset(tmp_path / "a.h5")

        assert data_set.acquisition.metadata["dataset"] == "/g/large"
        assert "largest of 2" in data_set.facts.why

    def test_named_with_the_nearest(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["g/frames"] = counts((3,), (4, 4))

        assert open_dataset(tmp_path / "a.h5", ds_path="g/frames").frames == 3
        with pytest.raises(UnknownNameError, match="did you mean '/g/frames'"):
            open_dataset(tmp_path / "a.h5", ds_path="/g/frame")

    def test_through_an_external_link(self, tmp_path):
        data = counts((3,), (4, 4))
        write_bslz4(tmp_path / "b.h5", data, "d")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["linked"] = h5py.ExternalLink("b.h5", "/d")

        assert (delivered(open_dataset(tmp_path / "a.h5", ds_path="linked"))[0] == data).all()

    def test_one_frame_alone(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["d"] = counts((), (4, 4))
            file.create_dataset("e", data=counts((), (4, 4)), chunks=(2, 2))

        for name in "de":
            data_set = open_dataset(tmp_path / "a.h5", ds_path=name)
            assert data_set.acquisition.nav_shape == (1,)
            assert (delivered(data_set)[0][0] == counts((), (4, 4))).all()

    def test_no_frames_at_all(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["d"] = 3

        with pytest.raises(DataError, match="at least 3 axes"):
            open_dataset(tmp_path / "a.h5")
        with pytest.raises(ParameterError, match="single number"):
            open_dataset(tmp_path / "a.h5", ds_path="d")

    def test_a_missing_filter_is_named(self, tmp_path, monkeypatch):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("d", data=counts((4,), (4, 4)), **hdf5plugin.Zstd())
        monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: False)
        monkeypatch.setattr(library, "offer_filters", lambda: False)
        monkeypatch.setattr("framefold.formats.filters.offer_filters", lambda: False)

        with pytest.raises(DataError, match=r"filter 32015 \(zstd\).*install hdf5plugin"):
            open_dataset(tmp_path / "a.h5")


class TestVirtual:
    """Virtual datasets are read from their sources; what those lack is missing."""

    def make(self, folder: Path, data, *, inner=slice(None)) -> Path:
        layout = h5py.VirtualLayout(shape=data[:, inner].shape, dtype=data.dtype)
        for i in range(0, len(data), 4):
            part = data[i : i + 4]
            write_bslz4(folder / f"part{i}.h5", part, "d")
            source = h5py.VirtualSource(f"part{i}.h5", "d", shape=part.shape)
            layout[i : i + len(part)] = source[:, inner]
        with h5py.File(folder / "all.h5", "w") as file:
            file.create_virtual_dataset("v", layout)
        return folder / "all.h5"

    @pytest.mark.parametrize(("inner", "codec"), [(slice(None), "bslz4"), (slice(1, 5), "virtual")])
    def test_equals_what_was_written(self, tmp_path, inner, codec):
        data = counts((10,), (8, 6))

        data_set = open_dataset(self.make(tmp_path, data, inner=inner), num_partitions=3)

        assert data_set.facts.codec == codec
        assert (delivered(data_set)[0] == data[:, inner]).all()

    @pytest.mark.parametrize("inner", [slice(None), slice(1, 5)])
    def test_a_source_that_is_gone(self, tmp_path, inner):
        data = counts((10,), (8, 6))
        path = self.make(tmp_path, data, inner=inner)
        (tmp_path / "part4.h5").unlink()

        data_set = open_dataset(path, num_partitions=3)
        got, times = delivered(data_set)

        assert data_set.facts.missing_files == ("part4.h5",)
        assert times.tolist() == [1] * 4 + [0] * 4 + [1] * 2
        assert (got[times > 0] == data[times > 0][:, inner]).all()


class TestDamage:
    """Damage spoils the frames it hits, and nothing else."""

    def damaged(self, path: Path, row: int) -> None:
        with h5py.File(path, "r") as file:
            info = file["entry/data/data"].id.get_chunk_info(row)
        with path.open("r+b") as file:
            file.seek(info.byte_offset + 8)
            file.write(b"\xff" * 8)

    @pytest.mark.parametrize("made", [{}, {"cname": "zstd"}])
    def test_a_damaged_chunk(self, tmp_path, made):
        path, data = tmp_path / "a.h5", counts((6,), (64, 64))
        with h5py.File(path, "w") as file:
            file.create_dataset(
                "entry/data/data", data=data, chunks=(1, 64, 64), **hdf5plugin.Bitshuffle(**made)
            )
        self.damaged(path, 2)
        out = np.empty((6, 64, 64), "u2")

        with first_block(open_dataset(path, num_partitions=1)).open() as frames:
            with pytest.raises(UndecodableFrames) as found:
                frames.read(np.arange(6), out)
            good = frames.read(np.array([0, 1, 3, 4, 5]), out)

        assert found.value.rows.tolist() == [2]
        assert (good == data[[0, 1, 3, 4, 5]]).all()

    @pytest.mark.parametrize(
        ("offset", "length"),
        [(-5, 100), (1 << 40, 100), (100, 1 << 40), (2**63 - 1, 2**62), (9, 0)],
    )
    def test_a_chunk_table_that_lies(self, tmp_path, offset, length):
        data = counts((3,), (8, 6))
        block = first_block(open_dataset(write_bslz4(tmp_path / "a.h5", data), num_partitions=1))
        block.pieces[0].offsets[1] = offset
        block.pieces[0].lengths[1] = length

        with block.open() as frames, pytest.raises(UndecodableFrames) as found:
            frames.read(np.arange(3), np.empty((3, 8, 6), "u2"))

        assert found.value.rows.tolist() == [1]

    def test_cut_off(self, tmp_path):
        path = write_bslz4(tmp_path / "a.h5", counts((30,), (64, 64)))
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])

        with pytest.raises(DataError, match="cut off"):
            open_dataset(path)


class TestRecordings:
    """Real recordings give the numbers that others found in them."""

    @pytest.mark.recordings
    @pytest.mark.parametrize(
        ("file", "array", "codec"),
        [
            ("abtem_mos2/mos2_4dstem.h5", "data", "bslz4"),
            ("eiger_4m_h5_bslz4/bitshuffle.h5", "/entry/data/data", "bslz4"),
            ("py4dstem_emd/py4DSTEM_size2x3x4x5.h5", "/datacube_root/datacube/data", "raw"),
        ],
    )
    def test_sha256_of_all_frames(self, recordings, file, array, codec):
        truth = json.loads((recordings / file).with_name("truth.json").read_text())
        expected = truth["arrays"][array]

        data_set = open_dataset(recordings / file)
        got, times = delivered(data_set)

        assert (times == 1).all()
        assert data_set.facts.codec == codec
        assert data_set.facts.problems == ()
        assert math.prod(expected["shape"]) == got.size
        assert hashlib.sha256(got.tobytes()).hexdigest() == expected["sha256_array_le_c"]

    @pytest.mark.recordings
    def test_reference_vectors_hold_no_frames(self, recordings):
        with pytest.raises(DataError, match="at least 3 axes"):
            open_dataset(recordings / "bitshuffle_vectors" / "regression_0.1.3.h5")
