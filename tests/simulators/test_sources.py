"""Files with frames are sent as they are, or as the type that is asked for."""

from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np
import pytest

from framefold_simulators.blobs import Blobs
from framefold_simulators.encode import encoded
from framefold_simulators.sources import Recorded, open_file

STACK = np.random.default_rng(1).integers(0, 900, (3, 5, 8, 6), np.uint16)


class TestOpenFile:
    """The first stack of frames is found, in whatever it is stored."""

    def test_npy(self, tmp_path):
        np.save(tmp_path / "a.npy", STACK)

        source = open_file(str(tmp_path / "a.npy"))

        assert (source.scan, source.sig_shape, source.dtype) == ((3, 5), (8, 6), np.uint16)
        np.testing.assert_array_equal(source.frames(4, 7), STACK.reshape(-1, 8, 6)[4:11])

    @pytest.mark.parametrize("inside", ["", ":/entry/data"])
    @pytest.mark.parametrize("axes", [3, 4])
    def test_hdf5(self, tmp_path, axes, inside):
        stack = STACK if axes == 4 else STACK.reshape(-1, 8, 6)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["a/table"] = np.zeros(4)
            file.create_dataset(
                "entry/data", data=stack, chunks=True, compression=hdf5plugin.Bitshuffle()
            )

        source = open_file(str(tmp_path / "a.h5") + inside)

        assert source.scan == stack.shape[:-2]
        np.testing.assert_array_equal(source.frames(4, 7), STACK.reshape(-1, 8, 6)[4:11])

    def test_says_what_is_wrong(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"gone\.npy"):
            open_file(str(tmp_path / "gone.npy"))
        (tmp_path / "text.h5").write_text("no")
        with pytest.raises(ValueError, match="neither"):
            open_file(str(tmp_path / "text.h5"))
        with h5py.File(tmp_path / "flat.h5", "w") as file:
            file["x"] = np.zeros((2, 2))
        with pytest.raises(ValueError, match="three or four"):
            open_file(str(tmp_path / "flat.h5"))
        with pytest.raises(ValueError, match="no data set /y"):
            open_file(str(tmp_path / "flat.h5") + ":/y")


class TestRecorded:
    """Values are rounded and cut off at the limits of the type that is sent."""

    def test_converts(self):
        source = Recorded(np.array([[[-1.0, 1.4], [1.6, 900.0]]]), np.dtype("uint8"))

        assert source.frames(0, 1).tolist() == [[[0, 1], [2, 255]]]

    def test_refuses_what_a_detector_cannot_send(self):
        with pytest.raises(ValueError, match="float64"):
            Recorded(np.zeros((2, 2, 2)))
        with pytest.raises(ValueError, match="frames"):
            Recorded(STACK[0, 0])
        with pytest.raises(ValueError, match="scan"):
            Recorded(STACK, scan=(4, 4))


class TestBlobs:
    """Every frame is encoded once, when it is first asked for."""

    def test_are_those_of_the_source(self):
        stack = np.arange(200 * 4, dtype=np.uint16).reshape(200, 2, 2)
        blobs = Blobs(Recorded(stack), "bslz4")

        assert [blobs[i] for i in (199, 0, 64, 200)] == [
            list(encoded(stack))[i] for i in (199, 0, 64, 0)
        ]

    def test_of_a_pool_repeat(self):
        stack = np.arange(200 * 4, dtype=np.uint16).reshape(200, 2, 2)
        blobs = Blobs(Recorded(stack), "raw", pool=3)

        assert [blobs[i] for i in range(5)] == [stack[i % 3].tobytes() for i in range(5)]
