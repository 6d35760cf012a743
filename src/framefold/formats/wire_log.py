"""Wire logs: the messages of a detector with their times, as `framefold record` keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from framefold.errors import DataError
from framefold.formats.files import FileDataSet
from framefold.formats.kept_messages import KeptFrame, KeptMessages, data_set
from framefold.formats.opened import FileIdentity
from framefold.formats.packed_messages import PackedMessages
from framefold.formats.pieces import Storage
from framefold.formats.request import Request
from framefold.formats.simplon_stream import in_file
from framefold.wirelog import WireLog
from framefold.wirelog.reading import is_wire_log

SUMMARY = "wire log of framefold (messages as they came)"


class LoggedMessages(KeptMessages):
    """The messages of a wire log.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    """

    format = "wire_log"

    def __init__(self, identity: FileIdentity) -> None:
        self._identity = identity
        self._log = WireLog(identity.path)
        self._problems = list(self._log.problems)
        self._places: list[int] = []  # where the record of each drawn message begins
        self._base = _address(self._log.content)  # what places count from

    @property
    def identity(self) -> FileIdentity:
        """The file."""
        return self._identity

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with the log."""
        return self._problems

    def __iter__(self) -> Iterator[list[memoryview]]:
        """The parts of each message."""
        log = self._log
        for number in range(len(log)):
            try:
                parts = log.message(number).parts
            except DataError as error:
                self._problems.append(str(error))
                continue
            if not parts:
                continue
            self._places.append(log.place(number))
            if log.is_packed:
                self._base = _address(parts[0])
            yield parts

    def place(self, payload: memoryview) -> int | None:
        """Where a payload begins: in the file, or in what its message unpacks to."""
        at = _address(payload) - self._base
        return at if 0 <= at < len(self._log.content) or (self._log.is_packed and at >= 0) else None

    def storage(self, frames: Sequence[KeptFrame]) -> Storage:
        """Frames of one encoding, where they lie or compressed with their messages."""
        plain = in_file(self._identity, frames)
        if not self._log.is_packed:
            return plain
        places = np.array([self._places[frame.message] for frame in frames], dtype=np.int64)
        return PackedMessages(plain, places)


def _address(piece: memoryview) -> int:
    return int(np.frombuffer(piece, np.uint8).ctypes.data)


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file begins like a wire log."""
    with Path(path).open("rb") as file:
        return "begins like a wire log" if is_wire_log(file.read(64)) else None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    channel: str | None = None,
    series: int = 0,
    masked: str = "zero",
) -> FileDataSet:
    """A wire log as a data set.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.
    channel : str or None
        Which of several images in a message; None for the first.
    series : int
        Which of several series in the log, from 0.
    masked : {"zero", "repair", "raw"}
        What stands in the place of pixels that the detector masks.

    Raises
    ------
    DataError
        If the log holds no message, or none with a frame.
    ParameterError
        If an option is of the wrong kind.
    """
    return data_set(LoggedMessages(FileIdentity.of(path)), request, channel, series, masked)
