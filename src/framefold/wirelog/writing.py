"""LogWriter: appends messages to a wire log."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from framefold.errors import DataError
from framefold.wirelog import layout
from framefold.wirelog.packing import packer

_BUFFER_BYTES = 1 << 20


class LogWriter:
    """Writes a new wire log.

    Parameters
    ----------
    path : path-like
        A file that does not exist yet.
    facts : mapping
        What is told about the log, as JSON takes it: where the messages come from.
    level : int or None
        How hard Zstandard compresses, 1 to 19; None to keep messages as they are. What detectors
        compressed will hardly become smaller.

    Raises
    ------
    DataError
        If the file exists, or cannot be written.
    ParameterError
        If compression was asked for, and the package for it is not there.
    """

    def __init__(
        self, path: str | os.PathLike[str], facts: Mapping[str, object], level: int | None = None
    ) -> None:
        self.path = Path(path)
        self._pack = None if level is None else packer(level)
        text = json.dumps(dict(facts)).encode()
        try:
            self._file = self.path.open("xb", buffering=_BUFFER_BYTES)
        except FileExistsError as error:
            raise DataError(f"{path} exists already; a log is never written over") from error
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror}") from error
        head = layout.FILE_HEAD.pack(layout.MAGIC, layout.VERSION, len(text), zlib.crc32(text))
        self._index: list[tuple[int, int]] = []
        self._place = 0
        self._append(head, text)
        self.flush()

    @property
    def messages(self) -> int:
        """How many messages were taken."""
        return len(self._index)

    @property
    def nbytes(self) -> int:
        """How long the log is [bytes]."""
        return self._place

    def write(
        self, parts: Sequence[bytes | memoryview], monotonic_ns: int, wall_ns: int, socket: int = 0
    ) -> None:
        """Append a message.

        Parameters
        ----------
        parts : sequence of bytes or memoryview
            Its parts, as they came.
        monotonic_ns, wall_ns : int
            When it came, by the machine's monotonic clock and by the calendar [ns].
        socket : int
            On which of several connections.

        Raises
        ------
        OSError
            If the disk is full, or gone.
        """
        sizes = [len(part) for part in parts]
        body: list[bytes | memoryview] = [struct.pack(f"<{len(sizes)}Q", *sizes)]
        flags = 0
        if self._pack is not None:
            body.append(self._pack(b"".join(parts)))
            flags = layout.PACKED
        else:
            body += parts
        place = self._place
        self._record(layout.MESSAGE, body, (monotonic_ns, wall_ns, socket, flags, len(sizes)))
        self._index.append((place, monotonic_ns))

    def _record(
        self, mark: int, body: list[bytes | memoryview], facts: tuple[int, int, int, int, int]
    ) -> None:
        length = sum(map(len, body))
        head = bytearray(layout.RECORD_HEAD.pack(mark, 0, length, *facts))
        check = zlib.crc32(head[layout.CHECKED_FROM :])
        for piece in body:
            check = zlib.crc32(piece, check)
        head[4:8] = check.to_bytes(4, "little")
        self._append(head, *body)

    def _append(self, *pieces: bytes | bytearray | memoryview) -> None:
        for piece in pieces:
            self._file.write(piece)
            self._place += len(piece)

    def flush(self) -> None:
        """Have everything outlive the process that was written so far.

        Raises
        ------
        OSError
            If the disk is full, or gone.
        """
        self._file.flush()

    def close(self) -> None:
        """Write the index and close the file; harmless when it was done before.

        Raises
        ------
        OSError
            If the disk is full, or gone; the messages are there all the same.
        """
        if self._file.closed:
            return
        place = self._place
        try:
            index = np.array(self._index, dtype="<u8").tobytes()
            self._record(layout.INDEX, [index], (0, 0, 0, 0, len(self._index)))
            self._append(layout.TRAILER.pack(place, len(self._index), layout.END_MAGIC))
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
