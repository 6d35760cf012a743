"""What a recorder is told: where to, how large a file may become, how much room is left alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """How acquisitions are recorded.

    Parameters
    ----------
    directory : str
        Folder for the files; ``{date}`` in it becomes the day. Made where it is missing.
    file_bytes : int
        How long a data file may become, were no frame compressible [bytes].
    min_free_bytes : int
        A recording is not begun, and stopped, when the disk has less room than that [bytes].
    flush_seconds : float
        How often written frames are made safe from our own death [s].
    log_level : str
        From which level on the recorder logs to stderr.
    """

    directory: str
    file_bytes: int = 4 << 30
    min_free_bytes: int = 1 << 30
    flush_seconds: float = 0.2
    log_level: str = "WARNING"
