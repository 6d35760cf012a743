"""What people see of recording, and what is in the way of switching it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from framefold.live.wire_log_state import WireLogState
from framefold.record.control import RecordingControl, free_bytes
from framefold.record.state import RecordingState
from framefold.record.switch import Forms, RecordingSwitch


def control(directory, *, logs=True, recording=None, wire_log=None, heed=lambda: None):
    return RecordingControl(
        RecordingSwitch(Forms()), directory, 7, logs, lambda: recording, lambda: wire_log, heed
    )


class TestFacts:
    """What is going on, and where."""

    def test_before_anything_came(self, tmp_path):
        facts = control(f"{tmp_path}/not/yet").facts()

        assert facts["now"] == facts["next"] == {"hdf5": False, "wire_log": False}
        assert facts["directory"] == f"{tmp_path}/not/yet"
        assert facts["free_bytes"] == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.5)
        assert (facts["min_free_bytes"], facts["recording"], facts["wire_log"]) == (7, None, None)

    @pytest.mark.parametrize(
        ("recording", "wire_log", "now"),
        [
            ("recording", "logging", (True, True)),
            ("complete", "waiting", (False, False)),
            ("stopped", "stopped", (False, False)),
            ("aborted", "off", (False, False)),
        ],
    )
    def test_now(self, tmp_path, recording, wire_log, now):
        made = control(
            str(tmp_path), recording=RecordingState("a", recording), wire_log=WireLogState(wire_log)
        )
        facts = made.facts()

        assert tuple(facts["now"].values()) == now
        assert facts["recording"]["acquisition"] == "a"
        assert facts["wire_log"]["state"] == wire_log

    def test_room_of_what_is_no_folder(self, tmp_path):
        (tmp_path / "file").write_text("")

        assert free_bytes(tmp_path / "file" / "below") > 0
        assert free_bytes(Path("/proc/self/no/such")) is not None


class TestChange:
    """The receiver looks at the switch once it is turned."""

    def test_order(self):
        seen = []
        made = control("x", heed=lambda: seen.append(made.switch.next))

        assert made.change({"wire_log": True}) == (
            {"hdf5": False, "wire_log": False},
            {"hdf5": False, "wire_log": True},
        )
        assert seen == [Forms(wire_log=True)]

    @pytest.mark.parametrize(
        ("directory", "logs", "wanted", "said"),
        [
            (None, False, {"hdf5": False}, "set directory in [recording]"),
            ("x", False, {"wire_log": True}, "messages of a replay are not logged"),
            ("x", False, {"wire_log": False, "hdf5": True}, ""),
            ("x", True, {"wire_log": True}, ""),
        ],
    )
    def test_what_it_lacks(self, directory, logs, wanted, said):
        lacks = control(directory, logs=logs).lacks(wanted)

        assert (said in lacks, bool(lacks)) == (True, bool(said))
