"""``framefold record``, ``replay`` and ``repair``, as programs."""

from __future__ import annotations

import os

import h5py
import hdf5plugin
import numpy as np
import pytest

from cli.programs import called, framefold
from e2e.wires import wire
from framefold.wirelog import LogWriter, WireLog
from framefold_simulators.sender import Sender

assert hdf5plugin.FILTERS  # importing it makes the filters known


def scan():
    return np.random.default_rng(4).integers(0, 200, (6, 7, 9, 8)).astype("u2")


@pytest.fixture
def log(tmp_path):
    with LogWriter(tmp_path / "a.fflog", {}) as writer:
        for parts in wire(scan()):
            writer.write(parts, 0, 0)
    return tmp_path / "a.fflog"


class TestRecord:
    """A log of whatever is sent."""

    def test_bit_for_bit(self, tmp_path):
        messages = wire(scan())
        with Sender(messages) as sender:
            done = framefold(
                "record", sender.endpoint, "-o", tmp_path / "b.fflog", "--messages", len(messages)
            )
        found = WireLog(tmp_path / "b.fflog")

        assert done.code == 0, done.err
        assert f"{len(messages)} messages" in done.err
        assert [[bytes(part) for part in message.parts] for message in found] == messages
        assert found.facts["source"] == sender.endpoint

    def test_never_over_another_file(self, log):
        done = called("record", "tcp://127.0.0.1:1", "-o", log)
        assert done.code == 1
        assert "exists already" in done.err


class TestReplay:
    """Through the live path, recorded on the way."""

    def test_recorded_again(self, log, tmp_path):
        config = tmp_path / "config.toml"
        config.write_text(
            "schema = 1\n[server]\nport = 0\n[workers]\ncount = 1\n[scan]\nnav_shape = [6, 7]\n"
            f"[recording]\nenabled = true\nmin_free_gib = 0\ndirectory = {str(tmp_path / 'new')!r}"
        )
        done = framefold("replay", log, "-c", config, "--exit")
        (master,) = (tmp_path / "new").glob("*_master.h5")

        assert done.code == 0, done.err
        with h5py.File(master) as file:
            assert (file["entry/data/data"][()] == scan()).all()
            assert file["entry/framefold"].attrs["state"] == "complete"

    def test_wrong_use(self, log):
        assert "either speed or rate" in called("replay", log, "--rate", 1, "--speed", 1).err
        assert "'merlln' is not one of" in called("replay", log, "--as", "merlln").err
        assert "drop is 2" in called("replay", log, "--drop", 2).err


class TestRepair:
    """What was not finished."""

    def test_log(self, log):
        assert called("repair", log).out == f"{log}: nothing to do\n"
        os.truncate(log, log.stat().st_size - 10)
        done = called("repair", log)
        assert (done.code, done.out) == (0, f"{log}: 44 messages\n")
        assert WireLog(log).problems == []

    def test_other_files(self, tmp_path):
        (tmp_path / "a.txt").write_text("text")
        done = called("repair", tmp_path / "a.txt")
        assert done.code == 1
        assert "a.txt" in done.err
