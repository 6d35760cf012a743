"""RecordingControl: what people see of recording from outside, and the switch they turn."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from framefold.live.wire_log_state import LOGGING, WireLogState
from framefold.record.plan import folder_of
from framefold.record.state import RecordingState
from framefold.record.switch import FORMS, RecordingSwitch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordingControl:
    """How recording stands, and will.

    Parameters
    ----------
    switch : RecordingSwitch
    directory : str or None
        Folder for the files as it is configured; None if it is not, and nothing can be recorded.
    min_free_bytes : int
        Room on the disk that is left alone [bytes].
    logs_messages : bool
        Whether whoever listens can log messages.
    recording : callable
        How the last HDF5 recording goes, or went; None before the first.
    wire_log : callable
        How the wire log goes; None where there cannot be one.
    heed : callable
        Has the receiver look at the switch.
    """

    switch: RecordingSwitch
    directory: str | None
    min_free_bytes: int
    logs_messages: bool
    recording: Callable[[], RecordingState | None]
    wire_log: Callable[[], WireLogState | None]
    heed: Callable[[], None]

    @property
    def forms(self) -> tuple[str, ...]:
        """What can be switched on and off."""
        return FORMS

    def facts(self) -> Mapping[str, object]:
        """All of it as plain values; asks the disk, which may take a while."""
        recording, logged = self.recording(), self.wire_log()
        folder = None if self.directory is None else folder_of(self.directory).absolute()
        return {
            "now": {
                "hdf5": recording is not None and not recording.is_over,
                "wire_log": logged is not None and logged.state == LOGGING,
            },
            "next": self.switch.next.as_dict(),
            "directory": None if folder is None else str(folder),
            "free_bytes": None if folder is None else free_bytes(folder),
            "min_free_bytes": self.min_free_bytes,
            "recording": None if recording is None else recording.as_dict(),
            "wire_log": None if logged is None else logged.as_dict(),
        }

    def lacks(self, wanted: Mapping[str, bool]) -> str:
        """What is in the way of a change, and what to do; empty if nothing is."""
        if self.directory is None:
            return "no folder for recordings is configured: set directory in [recording]"
        if wanted.get("wire_log") and not self.logs_messages:
            return "messages of a replay are not logged: they are in a recording already"
        return ""

    def change(self, wanted: Mapping[str, bool]) -> tuple[Mapping[str, bool], Mapping[str, bool]]:
        """Change what is done with the next acquisition; what was wanted before, and is now."""
        before, after = self.switch.change(wanted)
        self.heed()
        return before.as_dict(), after.as_dict()


def free_bytes(folder: Path) -> int | None:
    """Room on the disk of a folder that need not be there yet [bytes]; None if nobody knows."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            log.debug("room unknown folder=%s error=%s", place, error)
            return None
    return None
