"""The switch says what becomes of the next acquisition."""

from __future__ import annotations

import pytest

from framefold.record.switch import FORMS, Forms, RecordingSwitch


class TestRecordingSwitch:
    """What is not named stays as it is."""

    @pytest.mark.parametrize(
        ("wanted", "after"),
        [
            ({}, Forms(True, False)),
            ({"hdf5": False}, Forms(False, False)),
            ({"wire_log": True}, Forms(True, True)),
            ({"hdf5": False, "wire_log": True}, Forms(False, True)),
        ],
    )
    def test_change(self, wanted, after):
        switch = RecordingSwitch(Forms(hdf5=True))

        assert switch.change(wanted) == (Forms(True, False), after)
        assert switch.next == after

    def test_what_was_seen_stays(self):
        switch = RecordingSwitch(Forms())
        seen = switch.next
        switch.change(dict.fromkeys(FORMS, True))

        assert seen.as_dict() == {"hdf5": False, "wire_log": False}
