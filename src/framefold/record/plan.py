"""Plan: which files a recording consists of, and where in them each position lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from framefold.core.acquisition import Acquisition
from framefold.errors import ConfigError

FRAME_OVERHEAD_BYTES = 64
"""What HDF5 needs beside the pixels of a frame, for its place in the index."""

MASTER_ENDING = "_master.h5"
"""What follows the name of a recording in that of its master file."""

_MOST_FRAMES = 1 << 20
"""Frames of one file: the index of its chunks should fit into memory."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the positions of a scan are spread over files.

    Parameters
    ----------
    directory : Path
    name : str
        What all files of the recording begin with.
    positions : int
        How many positions the scan has.
    frames_per_file : int
        Positions of one data file; the last one may have fewer.
    """

    directory: Path
    name: str
    positions: int
    frames_per_file: int

    @classmethod
    def of(cls, acquisition: Acquisition, directory: Path, name: str, file_bytes: int) -> Plan:
        """The plan for an acquisition.

        Parameters
        ----------
        acquisition : Acquisition
        directory : Path
        name : str
        file_bytes : int
            How long a data file may become, were no frame compressible [bytes].
        """
        frame_bytes = acquisition.frame_bytes + FRAME_OVERHEAD_BYTES
        per_file = min(max(1, file_bytes // frame_bytes), _MOST_FRAMES)
        return cls(directory, name, acquisition.scan.size, per_file)

    @property
    def files(self) -> int:
        """How many data files there may be."""
        return -(-self.positions // self.frames_per_file)

    @property
    def master(self) -> Path:
        """The file that stands for the recording."""
        return self.directory / f"{self.name}{MASTER_ENDING}"

    def data_file(self, file: int) -> Path:
        """A data file, by its number from 0."""
        return self.directory / f"{self.name}_data_{file + 1:06d}.h5"

    def span(self, file: int) -> tuple[int, int]:
        """The flat positions ``[start, stop)`` of a data file."""
        start = file * self.frames_per_file
        return start, min(self.positions, start + self.frames_per_file)

    def file_of(self, position: int) -> int:
        """Number of the data file that a flat position lies in."""
        return position // self.frames_per_file


def needed_bytes(acquisition: Acquisition, ratio: float = 1.0) -> int:
    """How much an acquisition takes on the disk [bytes].

    Parameters
    ----------
    acquisition : Acquisition
    ratio : float
        Encoded over decoded size, as the last recording had it; 1 where nobody knows.
    """
    each = acquisition.frame_bytes * ratio + FRAME_OVERHEAD_BYTES
    return int(acquisition.scan.size * each)


def folder_of(template: str, now: datetime | None = None) -> Path:
    """A folder for recordings.

    Parameters
    ----------
    template : str
        A path; ``{date}`` in it becomes the day, like ``2026-03-01``.
    now : datetime or None
        The moment; that of the call when left out.

    Raises
    ------
    ConfigError
        If there is another word in braces.
    """
    day = (now or datetime.now(UTC)).astimezone().strftime("%Y-%m-%d")
    try:
        return Path(template.format(date=day)).expanduser()
    except (LookupError, ValueError) as error:
        raise ConfigError(
            f"recording.directory = {template!r}: only {{date}} is known in braces"
        ) from error


def free_name(directory: Path, series: str, ending: str, now: datetime | None = None) -> str:
    """A name for a recording that no other one in the folder has.

    Parameters
    ----------
    directory : Path
    series : str
        What the detector calls the series.
    ending : str
        What follows the name, e.g. ``"_master.h5"``.
    now : datetime or None
        The moment; that of the call when left out.
    """
    moment = (now or datetime.now(UTC)).astimezone().strftime("%Y%m%d-%H%M%S")
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", series)[:40].strip("-.")
    base = f"{moment}_{plain}" if plain else moment
    name, number = base, 1
    while (directory / f"{name}{ending}").exists():
        number += 1
        name = f"{base}-{number}"
    return name
