"""Encoded frames into files: what HDF5's own filters make of them is what was encoded."""

import h5py
import hdf5plugin
import numpy as np
import pytest

from framefold.core.encoding import Encoding
from framefold.record.chunk_form import ChunkForm
from framefold.record.plan import Plan
from framefold.record.store import FrameStore
from framefold_simulators.encode import encoded

assert hdf5plugin.FILTERS  # importing it makes the filters known
CODECS = ["bslz4", "lz4", "lz4-framed", "raw"]


def frames(dtype="u2", count=30):
    return np.random.default_rng(2).poisson(2, (count, 16, 24)).astype(dtype)


def read_back(plan, store):
    found = []
    for number in store.files:
        with h5py.File(plan.data_file(number)) as file:
            found.append(file["entry/data/data"][()])
    return np.concatenate(found)


class TestStore:
    """Frames in any order and encoding."""

    @pytest.mark.parametrize("codec", CODECS)
    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4"])
    def test_shuffled(self, tmp_path, codec, dtype):
        data = frames(dtype)
        blobs = list(encoded(data, codec))
        plan = Plan(tmp_path, "x", 30, 2)  # more files than are kept open
        store = FrameStore(plan, data.dtype, (16, 24))
        order = np.random.default_rng(5).permutation(30).tolist()
        for i in order[:15]:
            store.write(i, memoryview(blobs[i]), Encoding(codec), float(i))
        for i in order[15:]:
            store.write_many([(i, memoryview(blobs[i]), Encoding(codec))], float(i))
        assert store.flush().safe == 30
        store.close()

        assert (read_back(plan, store) == data).all()
        assert store.present.all()
        with h5py.File(plan.data_file(7)) as file:
            assert file["entry/data/time"][()].tolist() == [14.0, 15.0]

    @pytest.mark.parametrize("per_file", [30, 7])
    @pytest.mark.parametrize("first", CODECS)
    def test_mixed_encodings(self, tmp_path, first, per_file):
        data = frames()
        blobs = {codec: list(encoded(data, codec)) for codec in CODECS}
        order = [first, *[codec for codec in CODECS if codec != first]]
        plan = Plan(tmp_path, "x", 30, per_file)
        store = FrameStore(plan, data.dtype, (16, 24))
        codecs = [order[max(0, i - 8) % 4] for i in range(30)]
        store.write_many(
            ((i, memoryview(blobs[c][i]), Encoding(c)) for i, c in enumerate(codecs)), 0.0
        )
        store.close()

        assert (store.written.frames, store.written.unkept) == (30, 0)
        assert store.present.all()

        assert (read_back(plan, store) == data).all()

    def test_big_endian(self, tmp_path):
        data = frames()
        plan = Plan(tmp_path, "x", 30, 30)
        store = FrameStore(plan, data.dtype, (16, 24))
        for i, frame in enumerate(data):
            big = bool(i % 3)
            blob = frame.astype(">u2" if big else "<u2").tobytes()
            store.write(i, memoryview(blob), Encoding("raw", big), 0.0)
        store.close()
        assert (read_back(plan, store) == data).all()

    def test_damaged_frames(self, tmp_path):
        """Those in the usual encoding are kept as they are; others cannot be."""
        plan = Plan(tmp_path, "x", 30, 30)
        store = FrameStore(plan, np.dtype("u2"), (16, 24))
        blob = next(encoded(frames(), "bslz4"))
        store.write(0, memoryview(blob), Encoding("bslz4"), 0.0)
        store.write(1, memoryview(blob[:20]), Encoding("bslz4"), 0.0)
        store.write(2, memoryview(b"rubbish"), Encoding("lz4"), 0.0)
        store.write(3, memoryview(b""), Encoding("bslz4"), 0.0)
        store.close()

        assert (store.written.frames, store.written.unkept) == (2, 2)
        assert store.present[:5].tolist() == [1, 1, 0, 0, 0]
        with h5py.File(plan.data_file(0)) as file:
            dataset = file["entry/data/data"]
            assert dataset.id.read_direct_chunk((1, 0, 0))[1] == blob[:20]
            assert dataset.id.get_num_chunks() == 2


class TestChunkForm:
    """Which bytes HDF5 gets."""

    def test_lz4_block_as_long_as_the_frame(self):
        """The filter would take it for one that was not compressed."""
        pixels = np.random.default_rng(0).integers(0, 256, (1, 15), np.uint8)
        # one literal run: a token, then as many literals as fit
        block = bytes([0xF0, 0]) + pixels.tobytes()
        form = ChunkForm.of(Encoding("lz4"), np.dtype("u1"), (1, 17))
        wide = np.zeros((1, 17), np.uint8)
        assert len(block) == wide.nbytes
        chunk = form.chunk(memoryview(block), Encoding("lz4"))
        # not decodable to 17 pixels: it cannot be told from a stored one, so it is left out
        assert chunk is None

    def test_same_bytes(self):
        blob = next(encoded(frames(), "bslz4"))
        form = ChunkForm.of(Encoding("bslz4"), np.dtype("u2"), (16, 24))
        assert form.chunk(memoryview(blob), Encoding("bslz4")).data == blob
