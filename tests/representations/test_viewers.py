"""Result files in programs of others; skipped where these are not installed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys

import h5py
import numpy as np
import pytest

from framefold.representations.calibration import Calibration, Step
from framefold.representations.hdf5 import write_results
from representations.test_hdf5 import snapshot


@pytest.fixture
def path(tmp_path):
    steps = Calibration(Step(0.5, 0.25, "nm"), Step(2, 2, "mrad"))
    return write_results(tmp_path / "results.h5", snapshot(), {}, calibration=steps)


def nexus_data(path):
    """The NXdata groups, as the attributes tell."""
    found = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.append(name) if item.attrs.get("NX_class") == "NXdata" else None
            )
        )
    return found


def test_nexus_data_keeps_its_own_rules(path):
    """https://manual.nexusformat.org/classes/base_classes/NXdata.html, as H5Web reads it, too."""
    groups = nexus_data(path)

    assert len(groups) == 7
    with h5py.File(path) as file:
        assert file.attrs["NX_class"] == "NXroot"
        for name in groups:
            group = file[name]
            signal = group[group.attrs["signal"]]
            for auxiliary in group.attrs.get("auxiliary_signals", ()):
                assert group[auxiliary].shape == signal.shape
            named = group.attrs.get("axes", ())
            assert len(named) == signal.ndim
            for i, axis in enumerate(named):
                if axis != ".":
                    assert group[axis].shape == (signal.shape[i],)
                    assert group[axis].attrs["units"]
                    assert group.attrs[f"{axis}_indices"] == i


def test_silx(path):
    silx = pytest.importorskip("silx.io")
    nxdata = pytest.importorskip("silx.io.nxdata")

    with silx.open(str(path)) as file:
        assert nxdata.get_default(file).signal.shape == (5, 6)
        for name in nexus_data(path):
            found = nxdata.NXdata(file[name])
            assert found.is_valid, (name, found.issues)
        image = nxdata.NXdata(file["entry/com/field"])
        assert image.axes_names == ["scan axis 0 (nm)", "scan axis 1 (nm)"]
        assert np.asarray(image.axes[1][()]).tolist() == [0, 0.25, 0.5, 0.75]


READ_BY_HYPERSPY = """
import sys
import hyperspy.api
for signal in hyperspy.api.load(sys.argv[1], file_format="nexus", nxdata_only=True):
    axes = [(axis.name, axis.scale, axis.units) for axis in signal.axes_manager.navigation_axes]
    total = float(signal.data.sum()) if signal.data.dtype.kind in "iuf" else None
    print((signal.metadata.General.title, signal.data.shape, axes, total))
"""


def test_hyperspy(path):
    """In a process of its own: HyperSpy is GPL, and nothing of ours is to be loaded with it."""
    if importlib.util.find_spec("hyperspy") is None or importlib.util.find_spec("traits") is None:
        pytest.skip("hyperspy is not installed")

    ended = subprocess.run(
        [sys.executable, "-c", READ_BY_HYPERSPY, path], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    found = {title: facts for title, *facts in map(ast.literal_eval, ended.stdout.splitlines())}
    shape, axes, _ = found["raw_com"]
    assert shape == (3, 4, 2)
    assert axes[0] == ("scan_1", 0.25, "nm")
    total = snapshot().results["sum"]["intensity"].data.sum()
    assert found["intensity"][2] == pytest.approx(float(total), rel=1e-6)
