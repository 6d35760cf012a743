"""NumPy files."""

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefold.errors import DataError, FramefoldError, ParameterError
from framefold.formats import open_dataset
from recordings_for_tests import counts, delivered


class TestNpy:
    """Reads arrays of numbers in place and refuses all others in words."""

    @pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<f4", "?"])
    def test_equals_numpy(self, tmp_path, dtype):
        data = counts((3, 4), (5, 6)).astype(dtype)
        np.save(tmp_path / "a.npy", data)

        data_set = open_dataset(tmp_path / "a.npy")
        got, times = delivered(data_set)

        assert data_set.facts.format == "npy"
        assert data_set.acquisition.nav_shape == (3, 4)
        assert (times == 1).all()
        assert (got == data.reshape(12, 5, 6)).all()

    def test_recognised_whatever_it_is_called(self, tmp_path):
        with (tmp_path / "a.h5").open("wb") as file:
            np.save(file, counts((3,), (5, 6)))

        assert open_dataset(tmp_path / "a.h5").facts.format == "npy"

    def test_three_detector_axes(self, tmp_path):
        data = counts((3, 4), (5, 6))
        np.save(tmp_path / "a.npy", data)

        data_set = open_dataset(tmp_path / "a.npy", sig_dims=3)

        assert data_set.acquisition.sig_shape == (4, 5, 6)
        assert (delivered(data_set)[0] == data).all()

    def test_cut_off_frames_stay_missing(self, tmp_path):
        data = counts((10,), (4, 4))
        np.save(tmp_path / "a.npy", data)
        whole = (tmp_path / "a.npy").read_bytes()
        (tmp_path / "a.npy").write_bytes(whole[:-40])

        data_set = open_dataset(tmp_path / "a.npy")
        got, times = delivered(data_set)
        ending = data_set.reader().ending()

        assert times.tolist() == [1] * 8 + [0] * 2
        assert (got[:8] == data[:8]).all()
        assert "2 of 10 frames" in data_set.facts.problems[0]
        assert not ending.complete

    def test_fortran_order_is_refused(self, tmp_path):
        np.save(tmp_path / "a.npy", np.asfortranarray(counts((3,), (5, 6))))

        with pytest.raises(DataError, match="ascontiguousarray"):
            open_dataset(tmp_path / "a.npy")

    def test_objects_are_never_unpickled(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([[[{}]]], dtype=object), allow_pickle=True)

        with pytest.raises(DataError, match="no pixel type"):
            open_dataset(tmp_path / "a.npy")

    def test_empty_array(self, tmp_path):
        np.save(tmp_path / "a.npy", np.empty((0, 4, 4)))

        with pytest.raises(DataError, match="holds no frames"):
            open_dataset(tmp_path / "a.npy")

    def test_another_dtype_is_refused(self, tmp_path):
        np.save(tmp_path / "a.npy", counts((3,), (5, 6)))

        with pytest.raises(ParameterError, match="dtype=float32"):
            open_dataset(tmp_path / "a.npy", dtype="float32")

    @settings(max_examples=150, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(st.integers(0, 127), st.integers(0, 255), st.integers(0, 200))
    def test_a_damaged_header_is_an_error_of_ours(self, tmp_path, at, value, cut):
        np.save(tmp_path / "a.npy", counts((3,), (5, 6)))
        content = bytearray((tmp_path / "a.npy").read_bytes())
        content[at] = value
        path = tmp_path / "b.npy"
        path.write_bytes(content[: len(content) - cut])

        with contextlib.suppress(FramefoldError):
            data_set = open_dataset(path)
            if data_set.acquisition.scan.size * data_set.acquisition.frame_bytes < 1e6:
                delivered(data_set)
