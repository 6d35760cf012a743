"""Zarr arrays, of both versions, in whatever codec."""

import json

import numpy as np
import pytest
import zarr
from numcodecs import BZ2, Blosc, Zlib

from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan
from framefold.errors import DataError, UnknownNameError
from framefold.formats import open_dataset, recognise
from recordings_for_tests import counts, delivered

CODECS = {
    "raw": None,
    "zstd": zarr.codecs.ZstdCodec(),
    "gzip": zarr.codecs.GzipCodec(),
    "blosc": zarr.codecs.BloscCodec(cname="lz4", shuffle="bitshuffle"),
}
CHUNKS = [(1, 1, 8, 6), (1, 3, 8, 6), (2, 7, 8, 6), (5, 7, 8, 6), (2, 3, 8, 6), (1, 1, 4, 6)]


def written(folder, data, chunks, **options):
    array = zarr.create_array(
        folder, shape=data.shape, dtype=data.dtype, chunks=chunks, overwrite=True, **options
    )
    array[...] = data
    return folder


class TestArrays:
    """Whatever the version, chunking and codec, the numbers are those that were written."""

    @pytest.mark.parametrize("codec", CODECS)
    @pytest.mark.parametrize("chunks", CHUNKS)
    def test_version_3(self, tmp_path, codec, chunks):
        data = counts((5, 7), (8, 6))

        data_set = open_dataset(written(tmp_path / "a", data, chunks, compressors=CODECS[codec]))
        got, times = delivered(data_set)

        assert data_set.facts.format == "zarr"
        assert data_set.acquisition.nav_shape == (5, 7)
        assert (times == 1).all()
        assert (got == data.reshape(35, 8, 6)).all()

    @pytest.mark.parametrize("codec", [None, Blosc(), Zlib(), BZ2()])
    @pytest.mark.parametrize("dtype", ["<u2", ">u2", "f4"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_version_2(self, tmp_path, codec, dtype, order):
        data = counts((5, 7), (8, 6)).astype(dtype)
        path = written(
            tmp_path / "a", data, (1, 3, 8, 6), zarr_format=2, compressors=codec, order=order
        )

        got, times = delivered(open_dataset(path))

        assert (times == 1).all()
        assert (got == data.reshape(35, 8, 6)).all()

    def test_big_endian_in_version_3(self, tmp_path):
        data = counts((5,), (8, 6))
        path = written(
            tmp_path / "a", data, (2, 8, 6), compressors=None,
            serializer=zarr.codecs.BytesCodec(endian="big"),
        )  # fmt: skip

        assert (delivered(open_dataset(path))[0] == data).all()

    def test_shards(self, tmp_path):
        data = counts((6,), (8, 6))

        data_set = open_dataset(written(tmp_path / "a", data, (1, 8, 6), shards=(3, 8, 6)))

        assert "sharding" in data_set.facts.codec
        assert (delivered(data_set)[0] == data).all()

    @pytest.mark.parametrize("codec", ["raw", "zstd"])
    def test_chunks_that_hold_only_the_fill_value_have_no_file(self, tmp_path, codec):
        data = counts((6,), (8, 6))
        data[2:4] = 7
        path = written(
            tmp_path / "a", data, (2, 8, 6), fill_value=7, compressors=CODECS[codec]
        )  # fmt: skip

        assert not (path / "c/1/0/0").exists()
        assert (delivered(open_dataset(path))[0] == data).all()

    def test_one_frame(self, tmp_path):
        data = counts((), (8, 6))

        assert (delivered(open_dataset(written(tmp_path / "a", data, (8, 6))))[0] == data).all()


class TestChoice:
    """In a group the largest array of frames is taken, or the one that is named."""

    def test_group(self, tmp_path):
        data = counts((5,), (8, 6))
        group = zarr.create_group(tmp_path / "a")
        group.create_array("deep/frames", data=data)
        group.create_array("small", data=data[:2])
        group.create_array("image", data=data[0])

        assert (delivered(open_dataset(tmp_path / "a"))[0] == data).all()
        assert (delivered(open_dataset(tmp_path / "a", ds_path="/small"))[0] == data[:2]).all()
        with pytest.raises(UnknownNameError, match="small"):
            open_dataset(tmp_path / "a", ds_path="other")

    def test_no_frames(self, tmp_path):
        zarr.create_group(tmp_path / "a").create_array("image", data=counts((), (8, 6)))

        with pytest.raises(DataError, match="no array with at least 3 axes"):
            open_dataset(tmp_path / "a")

    def test_recognised_by_folder_or_file(self, tmp_path):
        path = written(tmp_path / "a", counts((5,), (8, 6)), (1, 8, 6))

        assert recognise(path)[0] == recognise(path / "zarr.json")[0] == "zarr"


class TestDamage:
    """A chunk that does not decode costs its positions."""

    @pytest.mark.parametrize("codec", ["zstd", "gzip", "blosc"])
    @pytest.mark.parametrize("content", [b"", b"nonsense", None])
    def test_a_chunk(self, tmp_path, codec, content):
        data = counts((6,), (8, 6))
        path = written(tmp_path / "a", data, (2, 8, 6), compressors=CODECS[codec])
        chunk = path / "c/1/0/0"
        chunk.write_bytes(chunk.read_bytes()[:-9] if content is None else content)

        (block,) = open_dataset(path, num_partitions=1).reader().blocks(BlockPlan())
        with block.open() as frames:
            with pytest.raises(UndecodableFrames) as caught:
                frames.read(np.arange(6), np.empty((6, 8, 6), "u2"))
            good = frames.read(np.array([0, 1, 4, 5]), np.empty((4, 8, 6), "u2"))

            assert caught.value.rows.tolist() == [2, 3]
            assert (good == data[[0, 1, 4, 5]]).all()

    def test_a_raw_chunk_that_is_cut_off(self, tmp_path):
        data = counts((6,), (8, 6))
        path = written(tmp_path / "a", data, (2, 8, 6), compressors=None)
        chunk = path / "c/1/0/0"
        chunk.write_bytes(chunk.read_bytes()[:-9])

        data_set = open_dataset(path)

        assert delivered(data_set)[1].tolist() == [1, 1, 1, 0, 1, 1]
        assert "1 of 6" in data_set.facts.problems[0]

    def test_descriptions_that_lie(self, tmp_path):
        path = written(tmp_path / "a", counts((6,), (8, 6)), (2, 8, 6)) / "zarr.json"
        told = json.loads(path.read_text())
        for change in (
            {"shape": [1 << 50, 8, 6]},
            {"codecs": []},
            {"data_type": "string"},
            {"chunk_grid": 3},
        ):
            path.write_text(json.dumps(told | change))

            with pytest.raises(DataError):
                open_dataset(path)

    @pytest.mark.parametrize("codec", ["raw", "zstd"])
    def test_a_chunk_that_is_a_link_out_of_the_folder(self, tmp_path, codec):
        path = written(tmp_path / "a", counts((6,), (8, 6)), (2, 8, 6), compressors=CODECS[codec])
        chunk = path / "c/1/0/0"
        chunk.rename(tmp_path / "elsewhere")
        chunk.symlink_to(tmp_path / "elsewhere")

        with pytest.raises(DataError, match="lies outside"):
            open_dataset(path)
