"""Chunks of several frames, or of parts of frames, read and decoded without the HDF5 library."""

from __future__ import annotations

import math

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefold.core.block import UndecodableFrames
from framefold.formats import boxed, open_dataset
from framefold.formats.boxed import BoxedFrames
from framefold.formats.filter_chain import checked
from framefold.formats.links import Links
from framefold.formats.opened import FileIdentity
from framefold.formats.stored import lay_out
from framefold.formats.stored_chunks import OpenStoredChunks
from recordings_for_tests import counts, delivered

FILTERS = {
    "none": {},
    "bslz4": {**hdf5plugin.Bitshuffle()},
    "lz4": {**hdf5plugin.LZ4()},
    "gzip": {"compression": "gzip"},
    "shuffle+gzip": {"compression": "gzip", "shuffle": True},
    "shuffle+gzip+fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "fletcher32": {"fletcher32": True},
}
BY_LIBRARY = {"zstd": {**hdf5plugin.Zstd()}, "lzf": {"compression": "lzf"}}


def storages(data_set):
    return {type(segment.storage) for segment in data_set.segments}


def written(path, data, **how):
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=data, **how)
    return path


@pytest.fixture
def decoded(monkeypatch):
    """Every chunk that is decoded, by the number it has in its block."""
    seen = []
    original = OpenStoredChunks.decode

    def counting(self, cells, out):
        seen.extend((id(self), cell) for cell in cells.tolist())
        return original(self, cells, out)

    monkeypatch.setattr(OpenStoredChunks, "decode", counting)
    return seen


class TestFrames:
    """Whatever the chunks and filters, the frames are those that were written."""

    @settings(max_examples=60, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(
        nav=st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
        sig=st.lists(st.integers(1, 7), min_size=1, max_size=2).map(tuple),
        data=st.data(),
        filters=st.sampled_from(sorted(FILTERS)),
        dtype=st.sampled_from(["u1", "u2", ">u2", "i4", "f4", ">f8", "c8"]),
        partitions=st.integers(1, 5),
        rows=st.integers(1, 9),
    )
    def test_any_chunks(self, tmp_path, nav, sig, data, filters, dtype, partitions, rows):
        shape = nav + sig
        chunks = tuple(data.draw(st.integers(1, n)) for n in shape)
        pixels = counts(nav, sig[-2:] if len(sig) > 1 else (1, *sig)).reshape(shape).astype(dtype)
        path = written(tmp_path / "a.h5", pixels, chunks=chunks, **FILTERS[filters])

        data_set = open_dataset(
            path, ds_path="d", sig_dims=len(sig), num_partitions=min(partitions, math.prod(nav))
        )
        got, times = delivered(data_set, rows_at_once=rows)

        assert "LibraryFrames" not in {kind.__name__ for kind in storages(data_set)}
        assert (times == 1).all()
        assert (got == pixels.reshape(-1, *sig)).all()

    @pytest.mark.parametrize("filters", BY_LIBRARY)
    def test_others_by_the_library(self, tmp_path, filters):
        pixels = counts((4, 5), (6, 8))
        path = written(tmp_path / "a.h5", pixels, chunks=(2, 3, 6, 8), **BY_LIBRARY[filters])

        got, _ = delivered(open_dataset(path))

        assert (got == pixels.reshape(20, 6, 8)).all()

    def test_a_channel_within_chunks(self, tmp_path):
        pixels = counts((5, 4, 3), (6, 8))
        path = written(tmp_path / "a.h5", pixels, chunks=(2, 2, 2, 6, 5), **FILTERS["bslz4"])

        for channel in range(4):
            with h5py.File(path) as file:
                links = Links.of(FileIdentity.of(path))
                (segment,) = lay_out(file["d"], links, fixed={1: channel}).segments
            piece = segment.storage.piece(0, 15).open()
            got = piece.read(np.arange(15), np.empty((15, 48), "u2"))
            assert (got.reshape(5, 3, 6, 8) == pixels[:, channel]).all()

    def test_chunks_without_their_filters(self, tmp_path):
        """A chunk may be spared filters: HDF5 does so where they fail to make it smaller."""
        pixels = counts((4, 6), (6, 8))
        path = written(
            tmp_path / "a.h5", pixels, chunks=(2, 3, 6, 8), compression="gzip", shuffle=True
        )
        with h5py.File(path, "r+") as file:
            plain = np.ascontiguousarray(pixels[:2, 3:])
            file["d"].id.write_direct_chunk((0, 3, 0, 0), plain.tobytes(), filter_mask=0b11)
            shuffled = np.ascontiguousarray(plain.reshape(-1).view("u1").reshape(-1, 2).T)
            file["d"].id.write_direct_chunk((2, 3, 0, 0), shuffled.tobytes(), filter_mask=0b10)
        expected = pixels.copy()
        expected[2:, 3:] = plain

        data_set = open_dataset(path)
        got, _ = delivered(data_set)

        assert storages(data_set) == {BoxedFrames}
        assert (got == expected.reshape(24, 6, 8)).all()

    def test_frames_of_one_chunk_come_in_place(self, tmp_path):
        pixels = counts((10,), (6, 8))
        path = written(tmp_path / "a.h5", pixels, chunks=(4, 6, 8), **FILTERS["bslz4"])
        out = np.zeros((3, 6, 8), "u2")

        with open_dataset(path, num_partitions=1).block(0, 0, 10).open() as frames:
            got = frames.read(np.arange(4, 7), out)
            assert (got == pixels[4:7]).all()
            assert not out.any()

            across = frames.read(np.array([2, 3, 4]), out)
            assert (across == pixels[2:5]).all()
            assert np.shares_memory(across, out)


class TestCost:
    """Each chunk is decoded once for a partition, and memory is bounded."""

    @pytest.mark.parametrize("chunks", [(3, 6, 8), (3, 4, 5)])
    def test_once_for_a_partition(self, tmp_path, decoded, chunks):
        pixels = counts((12,), (6, 8))
        path = written(tmp_path / "a.h5", pixels, chunks=chunks, **FILTERS["bslz4"])

        delivered(open_dataset(path, num_partitions=2), rows_at_once=1)

        assert len(decoded) == 4 * math.ceil(6 / chunks[1]) * math.ceil(8 / chunks[2])
        assert len(set(decoded)) == len(decoded)

    def test_partitions_end_where_chunks_do(self, tmp_path, decoded):
        pixels = counts((8, 6), (6, 8))
        path = written(tmp_path / "a.h5", pixels, chunks=(2, 3, 6, 8), **FILTERS["gzip"])
        data_set = open_dataset(path)

        delivered(data_set, workers=2, rows_at_once=5)

        assert data_set.step == 12
        assert (data_set.cuts(2) % 12 == 0).all()
        assert len(decoded) == 8

    def test_what_there_is_no_room_for_is_decoded_again(self, tmp_path, decoded, monkeypatch):
        pixels = counts((4, 8), (6, 8))
        path = written(tmp_path / "a.h5", pixels, chunks=(4, 2, 6, 8), **FILTERS["bslz4"])
        monkeypatch.setattr(boxed, "KEPT_BYTES", 2 * 8 * 96)
        monkeypatch.setattr(boxed, "_BATCH_BYTES", 8 * 96)

        got, _ = delivered(open_dataset(path, num_partitions=1), rows_at_once=8)

        assert (got == pixels.reshape(32, 6, 8)).all()
        # two of four chunks stay, the others come anew for each of four lines
        assert len(decoded) == 2 + 2 * 4

    def test_a_block_carries_the_places_of_its_own_chunks(self, tmp_path):
        pixels = counts((64, 4), (2, 2))
        path = written(tmp_path / "a.h5", pixels, chunks=(2, 2, 2, 2))
        data_set = open_dataset(path)

        (piece,) = data_set.block(0, 16, 24).pieces

        assert piece.cells.table.shape == (1, 2, 1, 3)


class TestDamage:
    """A chunk that does not decode costs the frames that it holds."""

    @pytest.mark.parametrize("filters", FILTERS)
    @pytest.mark.parametrize("place", [0, 1])
    def test_one_chunk(self, tmp_path, filters, place):
        pixels = counts((9,), (16, 16))
        path = written(tmp_path / "a.h5", pixels, chunks=(3, 16, 8), **FILTERS[filters])
        with h5py.File(path) as file:
            chunk = file["d"].id.get_chunk_info_by_coord((3, 0, 8 * place))
        content = bytearray(path.read_bytes())
        middle = slice(chunk.byte_offset + 12, chunk.byte_offset + chunk.size - 4)
        content[middle] = bytes(255 - byte for byte in content[middle])
        path.write_bytes(content)

        with open_dataset(path, num_partitions=1).block(0, 0, 9).open() as frames:
            out = np.empty((9, 16, 16), "u2")
            if filters == "none":  # nothing in the file tells that
                assert (frames.read(np.arange(9), out)[:3] == pixels[:3]).all()
                return
            with pytest.raises(UndecodableFrames, match=f"byte {chunk.byte_offset} of a.h5") as bad:
                frames.read(np.arange(9), out)
            good = np.array([0, 1, 2, 6, 7, 8])
            assert (frames.read(good, out[:6]) == pixels[good]).all()

        assert bad.value.rows.tolist() == [3, 4, 5]

    def test_a_header_that_promises_more_than_a_file_can_hold(self, tmp_path, decoded):
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            made = file.create_dataset(
                "d", shape=(4, 8192, 8192), dtype="u4", chunks=(2, 8192, 8192), compression="gzip"
            )
            for first in (0, 2):
                made.id.write_direct_chunk((first, 0, 0), b"short")

        block = open_dataset(path, num_partitions=4).block(0, 0, 1)

        with block.open() as frames, pytest.raises(UndecodableFrames, match="too short to hold"):
            frames.read(np.zeros(1, np.int64), np.empty((1, 8192, 8192), "u4"))
        assert decoded == []

    def test_chunks_that_were_never_written(self, tmp_path):
        path = tmp_path / "a.h5"
        pixels = counts((6, 4), (6, 8))
        with h5py.File(path, "w") as file:
            made = file.create_dataset("d", shape=pixels.shape, dtype="u2", chunks=(2, 2, 6, 4))
            made[:2] = pixels[:2]
            made[2:4, :2, :, :4] = pixels[2:4, :2, :, :4]  # half a frame is no frame

        data_set = open_dataset(path)
        got, times = delivered(data_set)

        assert times.tolist() == [1] * 8 + [0] * 16
        assert (got[:8] == pixels[:2].reshape(8, 6, 8)).all()
        assert "16 of 24 frames" in data_set.facts.problems[0]


class TestChecksum:
    """Fletcher-32 as HDF5 computes it."""

    @given(content=st.binary(max_size=64), flipped=st.integers(0, 63))
    def test_a_changed_byte_is_seen(self, content, flipped):
        pixels = np.frombuffer(content or b"a", "u1")
        with h5py.File("a", "w", driver="core", backing_store=False) as file:
            made = file.create_dataset("d", data=pixels, chunks=pixels.shape, fletcher32=True)
            _, stored = made.id.read_direct_chunk((0,))

        assert checked(np.frombuffer(stored, "u1")).tobytes() == pixels.tobytes()

        damaged = bytearray(stored)
        damaged[flipped % len(pixels)] ^= 0x10
        with pytest.raises(ValueError, match="checksum"):
            checked(np.frombuffer(bytes(damaged), "u1"))
