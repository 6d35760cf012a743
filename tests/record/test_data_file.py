"""Data files that we write ourselves: HDF5 reads what was put into them, at every moment."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.core.encoding import Encoding
from framefold.formats.chunk_index import FixedArray
from framefold.formats.superblock import Superblock
from framefold.record.chunk_form import ChunkForm
from framefold.record.chunk_table import ChunkTable
from framefold.record.data_file import DataFile

SIG = (2, 3)
START = 7
"""The first position of the file."""


def form(codec: str) -> ChunkForm:
    return ChunkForm.of(Encoding(codec), np.dtype("u2"), SIG)


def payload(codec: str, number: int) -> bytes:
    """What is put, of another length for each number where that is allowed."""
    if codec == "raw":
        return np.full(SIG, number, "<u2").tobytes()
    return number.to_bytes(4, "little") * (1 + number % 50)


def contents(path, **how) -> tuple[dict[int, bytes], list[float]]:
    """The chunks and the times that HDF5 finds."""
    with h5py.File(path, "r", **how) as file:
        frames = file["entry/data/data"]
        chunks: dict[int, bytes] = {}
        frames.id.chunk_iter(lambda one: chunks.__setitem__(one.chunk_offset[0], b""))
        for row in chunks:
            mask, chunks[row] = frames.id.read_direct_chunk((row, 0, 0))
            assert mask in (0, 1)
        return chunks, file["entry/data/time"][()].tolist()


@st.composite
def rounds(draw) -> tuple[int, list[list[int]]]:
    """How many positions a file has, and those that are put between two flushes."""
    count = draw(st.sampled_from([1, 2, 3, 40, 1023, 1024, 1025, 2500]))
    some = st.lists(st.integers(0, count - 1), max_size=20)
    return count, draw(st.lists(some, min_size=1, max_size=4))


class TestDataFile:
    """One writer, HDF5 as the reader."""

    @given(rounds(), st.sampled_from(["bslz4", "lz4-framed", "raw"]), st.booleans())
    @settings(max_examples=40, deadline=None)
    def test_any_order(self, tmp_path_factory, told, codec, reopened):
        count, steps = told
        path = tmp_path_factory.mktemp("file") / "x.h5"
        file = DataFile(path, form(codec), (START, START + count))
        known: dict[int, bytes] = {}
        number = 0
        for rows in steps:
            before = number
            for row in rows:
                number += 1
                known[row] = payload(codec, number)
                file.write(START + row, memoryview(known[row]), 0, float(number))
            positions, nbytes = file.put()
            assert positions.tolist() == [START + row for row in rows]
            assert nbytes == sum(len(payload(codec, n + 1)) for n in range(before, number))
            file.flush()
            # as it grows
            chunks, _ = contents(path, swmr=True)
            assert chunks == known
            if reopened:
                file.close()
                file = DataFile(path, form(codec), (START, START + count))
        file.close()
        chunks, times = contents(path)
        assert chunks == known
        assert [row for row, time in enumerate(times) if time == time] == sorted(known)
        assert Superblock.read(path).is_closed

    def test_filters_left_out(self, tmp_path):
        file = DataFile(tmp_path / "x.h5", form("bslz4"), (0, 2))
        file.write(1, bytes(12), 1, 0.0)
        file.put()
        file.flush()
        file.close()
        with h5py.File(tmp_path / "x.h5") as found:
            assert found["entry/data/data"].id.read_direct_chunk((1, 0, 0)) == (1, bytes(12))

    def test_more_than_one_call_writes(self, tmp_path):
        count = 3000
        file = DataFile(tmp_path / "x.h5", form("bslz4"), (0, count))
        for row in range(count):
            file.write(row, payload("bslz4", row), 0, 0.0)
        file.put()
        file.flush()
        file.close()
        chunks, _ = contents(tmp_path / "x.h5")
        assert chunks == {row: payload("bslz4", row) for row in range(count)}

    def test_a_disk_that_takes_less_than_all(self, tmp_path, monkeypatch):
        """What is left is written by the next call; an error leaves no frame of that call."""
        file = DataFile(tmp_path / "x.h5", form("bslz4"), (0, 9))
        real = os.pwritev

        def sparing(descriptor, pieces, at):
            return real(descriptor, [b"".join(pieces)[:5]], at)

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwritev", sparing)
            for row in range(5):
                file.write(row, payload("bslz4", row), 0, 0.0)
            file.put()

        def full(descriptor, pieces, at):
            real(descriptor, [b"".join(pieces)[:5]], at)
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwritev", full)
            file.write(7, payload("bslz4", 7), 0, 0.0)
            with pytest.raises(OSError, match="No space"):
                file.put()
        assert file.put()[1] == 0
        file.flush()
        file.close()
        chunks, times = contents(tmp_path / "x.h5")
        assert chunks == {row: payload("bslz4", row) for row in range(5)}
        assert np.isnan(times[7])

    def test_a_frame_longer_than_its_entry_can_say(self, tmp_path, monkeypatch):
        """How long that is depends on the version of HDF5 that laid out the file."""
        assert ChunkTable.empty(FixedArray(9, 14, 1024, 0), np.zeros(99, "u1")).longest == 65535
        monkeypatch.setattr(ChunkTable, "longest", 65535)
        file = DataFile(tmp_path / "x.h5", form("bslz4"), (0, 9))
        file.write(3, bytes(1 << 16), 0, 0.0)
        with pytest.raises(OSError, match=r"x\.h5: a frame of 65536 bytes, .* at most 65535"):
            file.put()
        file.write(4, b"short", 0, 0.0)
        file.put()
        file.flush()
        file.close()
        assert contents(tmp_path / "x.h5")[0] == {4: b"short"}

    def test_another_file(self, tmp_path):
        with h5py.File(tmp_path / "x.h5", "w", libver="latest") as file:
            file["entry/data/time"] = np.zeros(3)
        with pytest.raises(OSError, match="not laid out as data files are"):
            DataFile(tmp_path / "x.h5", form("bslz4"), (0, 3))

    def test_nobody_else_may_write(self, tmp_path):
        file = DataFile(tmp_path / "x.h5", form("bslz4"), (0, 3))
        with pytest.raises(OSError, match="already open"):
            h5py.File(tmp_path / "x.h5", "r+")
        file.close()
