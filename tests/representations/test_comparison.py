"""Where two result files differ."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.errors import DataError
from framefold.representations.comparison import _apart, compare_results
from framefold.representations.hdf5 import write_results
from representations.test_hdf5 import snapshot


@pytest.fixture
def pair(tmp_path):
    """Write the results of `snapshot` twice, the second time with some channels changed."""

    def write(**changed):
        first, results = snapshot(), dict(snapshot().results)
        for name, channel in changed.items():
            udf, _, key = name.partition("__")
            results[udf] = {**results[udf], key: replace(results[udf][key], **channel)}
        a = write_results(tmp_path / "a.h5", first, {}, overwrite=True)
        b = write_results(tmp_path / "b.h5", snapshot(results=results), {}, overwrite=True)
        return a, b

    return write


class TestSame:
    """Files that say the same."""

    def test_everything_is_compared(self, pair):
        found = compare_results(*pair())

        assert found.differences == ()
        assert "sum.intensity" in found.channels
        assert "odd/../name.texts" in found.channels

    def test_nan_is_nan(self, pair, tmp_path):
        values = np.full((5, 6), np.nan, dtype="f4")
        a, b = pair(sum__intensity={"data": values})

        assert compare_results(b, b).differences == ()
        assert compare_results(a, b).differences[0].largest == np.inf

    def test_what_is_not_valid_does_not_count(self, pair):
        data = snapshot().results["com"]["field"].data.copy()
        data[2] = 77  # the last line is missing

        assert compare_results(*pair(com__field={"data": data})).differences == ()


class TestDifferent:
    """Each difference is told with its place."""

    def test_values(self, pair):
        data = snapshot().results["com"]["raw_com"].data.copy()
        data[0, 1, 0] += 0.25
        data[0, 1, 1] -= 3
        data[1, 2, 0] += 0.5

        (found,) = compare_results(*pair(com__raw_com={"data": data})).differences

        assert (found.udf, found.channel, found.what) == ("com", "raw_com", "values")
        assert (found.places, found.of) == (2, 12)  # positions, not numbers
        assert (found.largest, found.where) == (3.0, (0, 1, 1))
        assert "2 of 12 places differ, most by 3 at [0, 1, 1]: 3.0 against 0.0" in found.as_text()

    def test_tolerance(self, pair):
        data = snapshot().results["sum"]["intensity"].data * np.float32(1.001)
        files = pair(sum__intensity={"data": data})

        assert compare_results(*files, rtol=0.002).differences == ()
        assert compare_results(*files, rtol=0.0001).differences[0].places == 29
        assert compare_results(*files, atol=0.0205).differences[0].places == 9

    def test_validity(self, pair):
        valid = snapshot().results["com"]["field"].valid.copy()
        valid[0, 0] = False

        (found,) = compare_results(*pair(com__field={"valid": valid})).differences

        assert (found.what, found.places, found.where) == ("valid", 1, (0, 0))

    def test_type_and_shape(self, pair):
        data = snapshot().results["sum"]["intensity"].data.astype("f8")
        files = pair(sum__intensity={"data": data})
        (kind,) = compare_results(*files).differences
        assert compare_results(*files, atol=1e-9).differences == ()
        small = {"data": data[:4], "valid": np.ones((4, 6), dtype=bool)}
        (shape,) = compare_results(*pair(sum__intensity=small)).differences

        assert "float32 against float64" in kind.as_text()
        assert "(5, 6) against (4, 6)" in shape.as_text()

    def test_a_channel_that_is_in_one_only(self, tmp_path):
        results = dict(snapshot().results)
        del results["sum"]
        a = write_results(tmp_path / "a.h5", snapshot(), {})
        b = write_results(tmp_path / "b.h5", snapshot(results=results), {})

        (found,) = compare_results(a, b).differences
        assert (found.what, found.udf) == ("absent", "sum")
        assert str(a) in found.detail
        assert compare_results(b, a).differences[0].detail == found.detail

    def test_coverage_and_texts(self, tmp_path, pair):
        coverage = snapshot().coverage.copy()
        coverage[0, 0] = 3
        a = write_results(tmp_path / "c.h5", snapshot(), {})
        b = write_results(tmp_path / "d.h5", snapshot(coverage=coverage), {})

        (found,) = compare_results(a, b).differences
        assert (found.udf, found.places, found.values) == ("coverage", 1, ("1", "3"))

    def test_for_programs(self, pair):
        values = np.full((5, 6), np.nan, dtype="f4")
        found = compare_results(*pair(sum__intensity={"data": values})).as_dict()

        assert json.loads(json.dumps(found, allow_nan=False))["differences"][0]["largest"] == "inf"


@pytest.mark.parametrize("what", ["nothing", "text", "hdf5"])
def test_what_is_no_result_file(what, tmp_path):
    path, good = tmp_path / "x.h5", write_results(tmp_path / "a.h5", snapshot(), {})
    if what == "text":
        path.write_text("hello")
    elif what == "hdf5":
        h5py.File(path, "w").close()

    with pytest.raises(DataError, match=r"x\.h5"):
        compare_results(good, path)


NUMBERS = st.sampled_from(["u1", "i2", "i8", "u8", "f4", "f8", "c8"])


@given(data=st.data(), kind=NUMBERS, rtol=st.sampled_from([0.0, 1e-3]))
@settings(max_examples=60, deadline=None)
def test_agrees_with_numpy(data, kind, rtol):
    """Which values differ, against arithmetic in long numbers."""
    arrays = hnp.arrays(kind, (4,))
    left, right = data.draw(arrays), data.draw(arrays)

    found, _ = _apart(left, right, rtol, 0.0)

    for a, b, apart in zip(left.tolist(), right.tolist(), found, strict=True):
        same = a == b or (a != a and b != b)
        if not same and rtol and np.isfinite([a, b]).all():
            # exact integers of Python; at the border rounding may decide
            size, allowed = abs(a - b), rtol * max(abs(a), abs(b))
            if abs(size - allowed) <= 1e-6 * max(size, allowed):
                continue
            same = size <= allowed
        assert apart == (not same)
