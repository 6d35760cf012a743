"""What other programs show of a recording: each frame at its place, and its metadata."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from e2e.wires import wire
from framefold import SumUDF

assert hdf5plugin.FILTERS  # importing it makes the filters known

NAV, SIG = (5, 7), (16, 24)
LOST = 9
LIBERTEM = os.environ.get("FRAMEFOLD_LIBERTEM_PYTHON", "")
"""A Python that has LiberTEM and hdf5plugin."""

_IN_LIBERTEM = """
import json, sys, hdf5plugin
from libertem.api import Context
from libertem.udf.sum import SumUDF
from libertem.udf.sumsigudf import SumSigUDF
path, out = sys.argv[1:]
import numpy as np
with Context.make_with("inline") as ctx:
    ds = ctx.load("hdf5", path=path, ds_path="entry/data/data")
    total, each = ctx.run_udf(ds, [SumUDF(), SumSigUDF()])
    np.savez(out, total=total["intensity"].data, each=each["intensity"].data)
    print(json.dumps([list(ds.shape.nav), list(ds.shape.sig), str(ds.dtype)]))
"""

_WITH_H5PY_ALONE = """
import sys, h5py, hdf5plugin, numpy as np
assert "framefold" not in sys.modules
with h5py.File(sys.argv[1]) as file:
    np.save(sys.argv[2], file["entry/data/data"][()])
"""


@pytest.fixture(scope="module")
def scan():
    """Frame 9 will be lost."""
    return np.random.default_rng(4).poisson(3, (*NAV, *SIG)).astype(np.uint16)


@pytest.fixture(scope="module")
def shown(scan):
    """What a recording of it shows."""
    flat = scan.reshape(-1, *SIG).copy()
    flat[LOST] = 0
    return flat.reshape(scan.shape)


@pytest.fixture(params=["bslz4", "lz4", "none"])
def master(request, scan, workers, detector, tmp_path) -> Path:
    """A recording in several files, of frames out of order, in each compression."""
    order = np.random.default_rng(1).permutation(35)
    messages = wire(scan, compression=request.param, order=order)
    del messages[1 + int(np.flatnonzero(order == LOST)[0])]
    sender = detector(messages)
    settings: dict[str, Any] = {"nav_shape": NAV, "frames_per_block": 6, "idle_seconds": 1.0}
    with (
        workers.recording(tmp_path, file_bytes=10_000) as recording,
        workers.stream(sender.endpoint, **settings) as stream,
    ):
        reader = recording.reader(stream.next_reader())
        workers.run_udf(reader, SumUDF())
        reader.join()
    assert len(list(tmp_path.glob("*_data_*.h5"))) == 3
    return Path(recording.state.file)


def called(program: str, python: str, *arguments: object) -> str:
    """What a program says, in a process that knows nothing of us."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestOtherReaders:
    """All of them show the same frames."""

    def test_h5py_and_hdf5plugin_alone(self, master, shown, tmp_path):
        called(_WITH_H5PY_ALONE, sys.executable, master, tmp_path / "out.npy")
        assert (np.load(tmp_path / "out.npy") == shown).all()

    def test_rosettasciio(self, master, shown):
        nexus = pytest.importorskip("rsciio.nexus")
        # it gives every array that it finds; what the default leads to comes first
        first, *_ = nexus.file_reader(str(master))
        assert (first["data"] == shown).all()

    def test_silx(self, master, shown):
        io = pytest.importorskip("silx.io")
        with io.open(f"{master}::/entry/data/data") as data:
            assert (data[()] == shown).all()
        nxdata = pytest.importorskip("silx.io.nxdata")
        with io.open(str(master)) as file:
            found = nxdata.get_default(file)
            assert found.is_valid
            assert found.signal.shape == (*NAV, *SIG)
            assert [axis[()].shape for axis in found.axes] == [(n,) for n in (*NAV, *SIG)]

    def test_h5grove(self, master, shown):
        content = pytest.importorskip("h5grove.content")
        with h5py.File(master) as file:
            found = content.create_content(file, "/entry/data/data")
            assert (found.data() == shown).all()
            assert found.metadata()["shape"] == (*NAV, *SIG)

    @pytest.mark.skipif(not LIBERTEM, reason="FRAMEFOLD_LIBERTEM_PYTHON names no interpreter")
    def test_libertem(self, master, shown, tmp_path):
        said = called(_IN_LIBERTEM, LIBERTEM, master, tmp_path / "out.npz")
        assert json.loads(said.splitlines()[-1]) == [list(NAV), list(SIG), "uint16"]
        found = np.load(tmp_path / "out.npz")
        assert (found["total"] == shown.sum(axis=(0, 1))).all()
        assert (found["each"] == shown.sum(axis=(2, 3))).all()
