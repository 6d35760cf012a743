"""Files by way of RosettaSciIO, where it is installed."""

import subprocess
import sys

import numpy as np
import pytest

from framefold.errors import DataError
from framefold.formats import open_dataset
from made_files import write_blo, write_mrc, write_tvips
from recordings_for_tests import delivered


def frames(dtype="u1"):
    return np.random.default_rng(3).integers(0, 250, (7, 6, 6)).astype(dtype)


class TestInstalled:
    """It reads what it knows, the same as we do."""

    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("rsciio")

    @pytest.mark.parametrize(
        ("write", "dtype"), [(write_mrc, "i2"), (write_tvips, "u2"), (write_mrc, "f4")]
    )
    def test_equals_what_was_written(self, tmp_path, write, dtype):
        data = frames(dtype)

        data_set = open_dataset(write(tmp_path, data), "rosettasciio", nav_shape=7)
        got, times = delivered(data_set)

        assert data_set.facts.format == "rosettasciio"
        assert (times == 1).all()
        assert (got == data).all()

    def test_asked_when_nobody_else_knows(self, tmp_path):
        text = "\n".join("\t".join(map(str, row)) for row in np.arange(12).reshape(3, 4))
        path = tmp_path / "a.ripple"
        path.write_text(text)

        with pytest.raises(DataError, match="no known format"):
            open_dataset(path)

    def test_a_name_that_no_reader_has(self, tmp_path):
        (tmp_path / "a.nobody").write_bytes(bytes(100))

        with pytest.raises(DataError, match=r"names that end in \.nobody"):
            open_dataset(tmp_path / "a.nobody", "rosettasciio")

    def test_a_file_that_its_reader_refuses(self, tmp_path):
        (tmp_path / "a.blo").write_bytes(bytes(100))

        with pytest.raises(DataError, match="cannot be read by RosettaSciIO"):
            open_dataset(tmp_path / "a.blo", "rosettasciio")


class TestNotInstalled:
    """Nothing misses it until it is asked for."""

    def test_named(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "rsciio", None)

        with pytest.raises(DataError, match=r"framefold\[rosettasciio\]"):
            open_dataset(write_blo(tmp_path, frames()), "rosettasciio")

    def test_never_imported_for_files_that_we_know(self, tmp_path):
        path = write_blo(tmp_path, frames())
        code = (
            "import sys, framefold; from framefold.formats import open_dataset;"
            f"open_dataset({str(path)!r}); assert 'rsciio' not in sys.modules"
        )

        subprocess.run([sys.executable, "-c", code], check=True)
