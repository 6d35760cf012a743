"""The first bytes of an HDF5 file."""

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.errors import DataError
from framefold.formats.superblock import Superblock, lookup3
from framefold.record.dead_writer import close_for_dead_writer


class TestLookup3:
    """HDF5's checksum."""

    @pytest.mark.parametrize(
        ("text", "checksum"), [(b"", 0xDEADBEEF), (b"Four score and seven years ago", 0x17770551)]
    )
    def test_published_values(self, text, checksum):
        """From the self test of Jenkins' own program."""
        assert lookup3(text) == checksum

    @given(st.binary(max_size=64), st.integers(0, 63))
    def test_every_byte_counts(self, data, at):
        if at < len(data):
            other = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            assert lookup3(other) != lookup3(data)


class TestSuperblock:
    """What HDF5 itself writes is understood, and the other way round."""

    def test_read_and_packed(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
            file["x"] = 1
        found = Superblock.read(tmp_path / "a.h5")

        assert found.is_closed
        assert found.end == (tmp_path / "a.h5").stat().st_size
        assert (tmp_path / "a.h5").read_bytes().startswith(found.packed())
        assert not close_for_dead_writer(tmp_path / "a.h5")

    def test_other_files_are_left_alone(self, tmp_path):
        with h5py.File(tmp_path / "old.h5", "w", libver="earliest") as file:
            file["x"] = 1
        (tmp_path / "text").write_text("x" * 100)
        for name in ("old.h5", "text"):
            before = (tmp_path / name).read_bytes()
            with pytest.raises(DataError, match="left alone"):
                close_for_dead_writer(tmp_path / name)
            assert (tmp_path / name).read_bytes() == before

    def test_damaged_checksum(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
            file["x"] = 1
        content = bytearray((tmp_path / "a.h5").read_bytes())
        content[11] = 5
        (tmp_path / "a.h5").write_bytes(content)
        assert Superblock.read(tmp_path / "a.h5") is None
