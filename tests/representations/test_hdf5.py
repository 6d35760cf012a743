"""Results as an HDF5 file."""

import errno
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from framefold.core.acquisition import Acquisition
from framefold.core.coverage import PositionState
from framefold.core.losses import Losses
from framefold.core.scan import Scan
from framefold.core.snapshot import Channel, RunState, Snapshot, UDFFailure
from framefold.errors import DataError
from framefold.representations import hdf5
from framefold.representations.hdf5 import write_results


def snapshot(**changed) -> Snapshot:
    """A run that ended early, with one channel of each kind."""
    acquisition = Acquisition(
        ident="scan-1",
        source="/data/scan_master.h5",
        scan=Scan((3, 4), 1),
        sig_shape=(5, 6),
        dtype=np.dtype("u2"),
        frames=12,
        metadata={"energy": np.float32(80), "bytes": b"x", "list": [np.int64(1)], 3: Path("p")},
    )
    coverage = np.full((3, 4), PositionState.MERGED, dtype=np.uint8)
    coverage[2] = PositionState.MISSING
    valid = coverage == PositionState.MERGED

    def channel(kind, data, valid=None, extra=()):
        mask = np.ones(data.shape, dtype=bool) if valid is None else valid
        return Channel(kind, data, mask, extra, 7)

    facts = {
        "version": 7,
        "acquisition": acquisition,
        "state": RunState.ABORTED,
        "reason": "the detector stopped",
        "results": {
            "sum": {"intensity": channel("sig", np.arange(30, dtype="f4").reshape(5, 6))},
            "com": {
                "raw_com": channel(
                    "nav",
                    np.arange(24.0).reshape(3, 4, 2),
                    np.repeat(valid[..., None], 2, axis=-1),
                    (2,),
                ),
                "field": channel("nav", np.ones((3, 4), dtype=np.complex64), valid),
            },
            "odd/../name": {
                "a b": channel("single", np.array(3)),
                "objects": channel("single", np.array([{"a": 1}, None], dtype=object)),
                "texts": channel("single", np.array(["x", "ü"])),
            },
        },
        "coverage": coverage,
        "merged": 8,
        "wanted": 12,
        "losses": Losses(received=8, missing=4),
        "failures": (UDFFailure("bad", "ValueError: x\0", "line 1\nline 2"),),
        "created": 1_700_000_000.0,
    }
    return Snapshot(**(facts | changed))


@pytest.fixture
def written(tmp_path):
    path = write_results(
        tmp_path / "out.h5", snapshot(), {"udfs": [{"name": "com", "cx": np.float64(3.5)}]}
    )
    with h5py.File(path, "r") as file:
        yield file


class TestFile:
    """Holds the arrays, where they mean something, and how they were made."""

    def test_defaults_lead_to_a_signal(self, written):
        group = written
        while "default" in group.attrs:
            group = group[group.attrs["default"]]

        assert group.attrs["NX_class"] == "NXdata"
        assert group[group.attrs["signal"]].shape == (5, 6)

    def test_arrays_as_they_were(self, written):
        results = snapshot().results
        for udf in ("sum", "com"):
            for name, channel in results[udf].items():
                stored = written[f"entry/{udf}/{name}"]
                assert stored["data"].dtype == channel.data.dtype
                assert (stored["data"][()] == channel.data).all()
                assert (stored["valid"][()] == channel.valid).all()
                assert stored.attrs["kind"] == channel.kind
                assert stored.attrs["version"] == 7

    def test_axes_say_what_they_are(self, written):
        assert written["entry/com/raw_com"].attrs["axes"].tolist() == ["scan_0", "scan_1", "."]
        assert written["entry/sum/intensity"].attrs["axes"].tolist() == [
            "detector_0", "detector_1",
        ]  # fmt: skip

    def test_every_group_has_a_class(self, written):
        groups = []
        written["entry"].visititems(
            lambda name, item: groups.append(item) if isinstance(item, h5py.Group) else None
        )

        assert all("NX_class" in group.attrs for group in groups)

    def test_coverage_with_its_meanings(self, written):
        state = written["entry/coverage/state"]

        assert (state[()] == snapshot().coverage).all()
        assert "2 missing" in state.attrs["meanings"].tolist()
        assert len(state.attrs["meanings"]) == len(PositionState)

    def test_how_the_run_went(self, written):
        entry = written["entry"]

        assert entry.attrs["version"] == 7
        assert entry.attrs["state"] == "aborted"
        assert entry.attrs["reason"] == "the detector stopped"
        assert entry["losses/missing"][()] == 4
        assert entry["process/failure_0/traceback"].asstr()[()] == "line 1\nline 2"

    def test_provenance_is_json(self, written):
        made = json.loads(written["entry/process/provenance/data"].asstr()[()])

        assert made["udfs"] == [{"name": "com", "cx": 3.5}]
        assert made["packages"]["numpy"] == np.__version__

    def test_acquisition(self, written):
        group = written["entry/acquisition"]

        assert group["nav_shape"][()].tolist() == [3, 4]
        assert group["sync_offset"][()] == 1
        assert json.loads(group["metadata"].asstr()[()]) == {
            "energy": 80.0, "bytes": "x", "list": [1], "3": "p",
        }  # fmt: skip

    def test_odd_names_and_values_find_a_place(self, written):
        group = written["entry/odd_.._name"]

        assert group.attrs["udf"] == "odd/../name"
        assert group["a_b/data"][()] == 3
        assert group["objects/data"].asstr()[()].tolist() == ['{"a": 1}', "null"]
        assert [json.loads(text) for text in group["texts/data"].asstr()[()]] == ["x", "ü"]

    def test_a_udf_cannot_take_the_place_of_our_groups(self, tmp_path):
        taken = {"coverage": snapshot().results["sum"]}

        path = write_results(tmp_path / "out.h5", snapshot(results=taken), {})

        with h5py.File(path) as file:
            assert file["entry/coverage_2"].attrs["udf"] == "coverage"

    def test_no_results_yet(self, tmp_path):
        path = write_results(tmp_path / "out.h5", snapshot(results={}), {})

        with h5py.File(path) as file:
            assert "default" not in file["entry"].attrs


class TestWriting:
    """A file appears whole or not at all."""

    def test_refuses_to_overwrite_unless_told(self, tmp_path):
        path = tmp_path / "out.h5"
        path.write_text("precious")

        with pytest.raises(DataError, match="exists already"):
            write_results(path, snapshot(), {})
        assert path.read_text() == "precious"

        write_results(path, snapshot(), {}, overwrite=True)
        assert h5py.is_hdf5(path)

    def test_leaves_nothing_else_behind(self, tmp_path):
        write_results(tmp_path / "out.h5", snapshot(), {})

        assert [p.name for p in tmp_path.iterdir()] == ["out.h5"]

    def test_readable_by_others_as_the_umask_says(self, tmp_path):
        path = write_results(tmp_path / "out.h5", snapshot(), {})
        plain = tmp_path / "plain"
        plain.touch()

        assert path.stat().st_mode == plain.stat().st_mode

    def test_a_missing_folder_is_named(self, tmp_path):
        with pytest.raises(DataError, match="absent does not exist"):
            write_results(tmp_path / "absent" / "out.h5", snapshot(), {})

    def test_a_folder_instead_of_a_file(self, tmp_path):
        with pytest.raises(DataError, match="is a directory"):
            write_results(tmp_path, snapshot(), {})

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
    def test_a_folder_that_may_not_be_written_to(self, tmp_path):
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)

        with pytest.raises(DataError, match="may not be written to"):
            write_results(folder / "out.h5", snapshot(), {})

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
            (RuntimeError("Can't write (No space left on device)"), "disk is full"),
            (OSError(errno.EROFS, "Read-only file system"), "may not be written to"),
            (OSError("odd"), "odd"),
        ],
    )
    def test_what_goes_wrong_is_said_and_the_old_file_stays(
        self, tmp_path, monkeypatch, error, said
    ):
        path = tmp_path / "out.h5"
        path.write_text("precious")

        def fail(*_):
            raise error

        monkeypatch.setattr(hdf5, "_write_coverage", fail)

        with pytest.raises(DataError, match=said):
            write_results(path, snapshot(), {}, overwrite=True)
        assert path.read_text() == "precious"
        assert [p.name for p in tmp_path.iterdir()] == ["out.h5"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
    def test_a_device_is_not_replaced(self):
        with pytest.raises(DataError, match="no regular file"):
            write_results("/dev/full", snapshot(), {}, overwrite=True)
