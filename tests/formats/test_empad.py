"""EMPAD recordings: raw frames with two rows too many, and the XML that describes them."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from framefold.api import Context
from framefold.errors import DataError
from framefold.formats import inspect_file, open_dataset
from recordings_for_tests import delivered

COUNT = "<series_count>6</series_count>"

ACQUIRED = (
    '<scan_parameters mode="search"><scan_resolution_x>1</scan_resolution_x>'
    "<scan_resolution_y>1</scan_resolution_y></scan_parameters>"
    '<scan_parameters mode="acquire"><scan_resolution_x>{x}</scan_resolution_x>'
    "<scan_resolution_y>{y}</scan_resolution_y></scan_parameters>"
)


def write_raw(path, count, seed=0):
    """Frames with two rows of something else at their end."""
    data = np.random.default_rng(seed).normal(9, 3, (count, 130, 128)).astype("<f4")
    data[:, 128:] = np.nan
    data[0, 128:] = 3e38
    path.write_bytes(data.tobytes())
    return data[:, :128]


def write_xml(path, raw, inner):
    path.write_text(f'<root name="acquisition_1"><raw_file filename="{raw}"/>{inner}</root>')
    return path


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["series_x10.raw", "stack_images.xml"])
class TestTruth:
    """The real recording gives what other libraries found in it."""

    def test_as_data_set(self, recordings, name):
        folder = recordings / "empad_series"
        truth = json.loads((folder / "truth.json").read_text())["arrays"]["series (10,128,128)"]

        data_set = Context.inline().load("auto", path=folder / name)
        got, times = delivered(data_set)

        assert tuple(data_set.shape) == tuple(truth["shape"])
        assert data_set.dtype == np.dtype(truth["dtype"])
        assert (times == 1).all()
        assert got.sum(axis=(1, 2), dtype="f8").tolist() == truth["per_frame_sum"]
        assert hashlib.sha256(got.astype("<f4").tobytes()).hexdigest() == truth["sha256_array_le_c"]

    def test_inspected_without_problems(self, recordings, name):
        found = inspect_file(recordings / "empad_series" / name)

        assert (found.format, found.problems) == ("empad", ())
        assert found.nav_confidence == "certain"


class TestEmpad:
    """Frames are 128 x 128; the XML tells the scan."""

    @pytest.mark.parametrize("named", ["a.raw", "a.xml"])
    @pytest.mark.parametrize(
        ("inner", "shape"),
        [
            (ACQUIRED.format(x=3, y=2), (2, 3)),
            ("<pix_x>2</pix_x><pix_y>3</pix_y>", (3, 2)),
            ("<type>series</type><count>6</count>", (6,)),
            (f"<type>series</type><scan_parameters>{COUNT}</scan_parameters>", (6,)),
            ("", (6,)),
        ],
    )  # fmt: skip
    def test_scan_of_the_xml(self, tmp_path, named, inner, shape):
        data = write_raw(tmp_path / "a.raw", 6)
        write_xml(tmp_path / "a.xml", r"C:\data\a.raw", inner)

        data_set = open_dataset(tmp_path / named)

        assert data_set.acquisition.nav_shape == shape
        assert data_set.facts.problems == ()
        assert (delivered(data_set)[0] == data).all()

    def test_raw_alone(self, tmp_path):
        data = write_raw(tmp_path / "scan_x5_y5.raw", 25)

        data_set = open_dataset(tmp_path / "scan_x5_y5.raw")

        assert data_set.acquisition.nav_shape == (5, 5)
        assert data_set.facts.nav_confidence != "certain"
        assert (delivered(data_set)[0] == data).all()

    def test_other_raw_files_are_not_taken(self, tmp_path):
        (tmp_path / "a.raw").write_bytes(b"\xff" * 66560)
        (tmp_path / "b.raw").write_bytes(bytes(66561))

        assert inspect_file(tmp_path / "a.raw").format is None
        assert inspect_file(tmp_path / "b.raw").format is None

    @pytest.mark.parametrize(("cut", "found"), [(1, 6), (1024, 6), (1025, 5), (66560, 5)])
    def test_cut_off(self, tmp_path, cut, found):
        data = write_raw(tmp_path / "a.raw", 6)
        content = (tmp_path / "a.raw").read_bytes()
        (tmp_path / "a.raw").write_bytes(content[:-cut])
        xml = write_xml(tmp_path / "a.xml", "a.raw", ACQUIRED.format(x=3, y=2))

        data_set = open_dataset(xml)
        got, times = delivered(data_set)

        assert times.tolist() == [1] * found + [0] * (6 - found)
        assert (got[:found] == data[:found]).all()
        assert bool(data_set.facts.problems) == (found < 6)

    @pytest.mark.parametrize("raw", ["absent.raw", "", "..", "../a.raw/..", "a\x01.raw"])
    def test_xml_that_names_no_file_beside_it(self, tmp_path, raw):
        xml = tmp_path / "a.xml"
        xml.write_text(f'<root><raw_file filename="{raw.replace(chr(1), "&#x9;")}"/></root>')

        with pytest.raises(DataError, match="not beside it"):
            open_dataset(xml)

    @pytest.mark.parametrize(
        "text",
        [
            "<root/>",
            "<root><raw_file",
            '<!DOCTYPE r [<!ENTITY a "b">]><root><raw_file filename="a.raw"/></root>',
        ],
    )
    def test_other_xml_is_not_taken(self, tmp_path, text):
        (tmp_path / "a.xml").write_text(text)

        assert inspect_file(tmp_path / "a.xml").format is None


class TestDescribed:
    """A raw file that happens to have room for whole EMPAD frames is what the user says it is."""

    def test_raw_frames_of_a_fitting_size(self, tmp_path):
        path = tmp_path / "a.raw"
        np.zeros((65, 16, 64), "u2").tofile(path)

        assert open_dataset(path).facts.format == "empad"
        found = open_dataset(path, dtype="u2", sig_shape=(16, 64))

        assert (found.facts.format, found.frames) == ("raw", 65)
