"""Result files read again: what they hold, and how they were made."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py

from framefold.core.snapshot import RunState
from framefold.errors import DataError, FramefoldError, MissingFileError
from framefold.representations.hdf5 import PROVENANCE

ChannelName = tuple[str, str]
"""UDF in the run, and channel of it."""


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """A result file, opened for reading.

    Raises
    ------
    DataError
        If there is none, or it is damaged, or something else.
    """
    name = os.fspath(path)
    if not Path(name).exists():
        raise MissingFileError(f"there is no file {name}; check the spelling")
    try:
        with h5py.File(name, "r") as file:
            if PROVENANCE not in file or "state" not in file["entry"].attrs:
                raise DataError(
                    f"{name} is no result file: it has no /{PROVENANCE}; "
                    "`framefold run -o` writes such files"
                )
            yield file
    except FramefoldError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{name} cannot be read as a result file ({type(error).__name__}: {error}); it may be "
            "damaged or cut off"
        ) from error


def channels(file: h5py.File) -> dict[ChannelName, h5py.Group]:
    """The groups of all channels by UDF and channel, in the order of the file."""
    found = {}
    for item in file["entry"].values():
        if isinstance(item, h5py.Group) and "udf" in item.attrs:
            for channel in item.values():
                if isinstance(channel, h5py.Group) and "channel" in channel.attrs:
                    found[str(item.attrs["udf"]), str(channel.attrs["channel"])] = channel
    return found


def provenance(file: h5py.File) -> Mapping[str, object]:
    """What the maker of a file wrote down.

    Raises
    ------
    DataError
        If that is something else by now.
    """
    facts = json.loads(file[PROVENANCE].asstr()[()])
    if not isinstance(facts, dict):
        raise DataError(f"{file.filename}: /{PROVENANCE} is no mapping; it was changed")
    return facts


def failures(file: h5py.File) -> list[h5py.Group]:
    """The groups of UDFs that raised."""
    process = file["entry/process"]
    return [process[name] for name in process if name.startswith("failure_")]


@dataclass(frozen=True, slots=True)
class Making:
    """How a result file was made.

    Parameters
    ----------
    path : str
        The file.
    state : str
        How the run ended.
    reason : str
        Why it ended so.
    failures : int
        UDFs that raised.
    facts : mapping
        What its maker wrote down: source, recipe, report ...
    """

    path: str
    state: str
    reason: str
    failures: int
    facts: Mapping[str, object]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Making:
        """Read it out of a file.

        Raises
        ------
        DataError
            If it is no result file.
        """
        with opened(path) as file:
            entry = file["entry"]
            facts = provenance(file)
            state, reason = str(entry.attrs["state"]), str(entry.attrs.get("reason", ""))
            return cls(os.fspath(path), state, reason, len(failures(file)), facts)

    @property
    def is_complete(self) -> bool:
        """Whether every frame went into every result."""
        return self.state == RunState.COMPLETE.value and not self.failures
