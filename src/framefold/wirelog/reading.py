"""WireLog: the messages of a log, whether it was closed, cut off or damaged."""

from __future__ import annotations

import json
import mmap
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError
from framefold.wirelog import layout
from framefold.wirelog.packing import unpacked

_MARK = layout.MESSAGE.to_bytes(4, "little")


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Parameters
    ----------
    parts : list of memoryview
        As they came; views of the file, unless it is compressed.
    monotonic_ns, wall_ns : int
        When it came [ns].
    socket : int
        On which of several connections.
    """

    parts: list[memoryview]
    monotonic_ns: int
    wall_ns: int
    socket: int


class WireLog:
    """A wire log, opened for reading.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    DataError
        If it cannot be read, or is no wire log.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            with Path(path).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                self._pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        self._content = memoryview(self._pages)
        if not is_wire_log(self._content[: layout.FILE_HEAD.size]):
            raise DataError(f"{path} is no wire log: it does not begin like one")
        self.facts, self._start = self._read_facts()
        self.problems: list[str] = []
        """What is wrong with it, a sentence each."""
        indexed = self._indexed()
        self.is_closed = indexed is not None
        """Whether its writer came to its end."""
        self.index: NDArray[np.uint64] = self._searched() if indexed is None else indexed
        """Place [bytes] and monotonic time [ns] of each message, shape (messages, 2)."""

    def _read_facts(self) -> tuple[Mapping[str, object], int]:
        _, version, length, check = layout.FILE_HEAD.unpack_from(self._content)
        if version > layout.VERSION:
            raise DataError(
                f"{self.path} is a wire log of version {version}, this framefold knows "
                f"{layout.VERSION}; update it"
            )
        start = layout.FILE_HEAD.size
        text = bytes(self._content[start : start + length])
        if len(text) < length or zlib.crc32(text) != check:
            raise DataError(f"{self.path} is a wire log whose first {start + length} bytes are bad")
        facts = json.loads(text)
        return (facts if isinstance(facts, dict) else {}), start + length

    def _indexed(self) -> NDArray[np.uint64] | None:
        """Place and monotonic time of each message, as the log's own index has them."""
        content, at = self._content, len(self._content) - layout.TRAILER.size
        if at < self._start:
            return None
        place, count, magic = layout.TRAILER.unpack_from(content, at)
        if magic != layout.END_MAGIC or place > at:
            return None
        end = self._end_of(place, layout.INDEX)
        if end != at or at - place - layout.RECORD_HEAD.size != 16 * count:
            return None
        body = content[place + layout.RECORD_HEAD.size : at]
        return np.frombuffer(body, "<u8").reshape(count, 2)

    def _searched(self) -> NDArray[np.uint64]:
        """The same for a log without an index: messages found one behind the other."""
        found: list[tuple[int, int]] = []
        at, size, damaged = self._start, len(self._content), 0
        while at < size:
            end = self._end_of(at, layout.MESSAGE)
            if end is not None:
                head = layout.RECORD_HEAD.unpack_from(self._content, at)
                found.append((at, head[3]))
                at = end
                continue
            if self._end_of(at, layout.INDEX) is not None:
                break
            step = self._pages.find(_MARK, at + 1)
            damaged += (size if step < 0 else step) - at
            at = size if step < 0 else step
        self.problems.append("it was not closed; its messages were found by searching")
        if damaged:
            self.problems.append(f"{damaged} bytes in it are no whole message; cut off or damaged")
        return np.array(found, dtype=np.uint64).reshape(-1, 2)

    def _end_of(self, at: int, mark: int) -> int | None:
        """Where the record ends that begins here; None if there is no whole one."""
        content = self._content
        if not 0 <= at <= len(content) - layout.RECORD_HEAD.size:
            return None
        found, check, length, *_, parts = layout.RECORD_HEAD.unpack_from(content, at)
        end = at + layout.RECORD_HEAD.size + length
        if found != mark or end > len(content):
            return None
        if mark == layout.MESSAGE and (parts > layout.MOST_PARTS or 8 * parts > length):
            return None
        return end if zlib.crc32(content[at + layout.CHECKED_FROM : end]) == check else None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def seconds(self) -> float:
        """From the first message to the last [s]."""
        times = self.index[:, 1]
        return float(times[-1] - times[0]) * 1e-9 if len(times) else 0.0

    @property
    def nbytes(self) -> int:
        """How long the file is [bytes]."""
        return len(self._content)

    @property
    def content(self) -> memoryview:
        """All bytes of the file in place."""
        return self._content

    @property
    def is_packed(self) -> bool:
        """Whether its messages are compressed."""
        if not len(self):
            return False
        head = layout.RECORD_HEAD.unpack_from(self._content, self.place(0))
        return bool(head[6] & layout.PACKED)

    def place(self, number: int) -> int:
        """Where a message begins in the file [bytes]."""
        return int(self.index[number, 0])

    def message(self, number: int) -> Message:
        """One message, by its number from 0.

        Raises
        ------
        DataError
            If it is damaged.
        """
        return message_at(self._content, self.place(number), self.path)

    def __iter__(self) -> Iterator[Message]:
        for number in range(len(self)):
            yield self.message(number)


def is_wire_log(start: bytes | memoryview) -> bool:
    """Whether a file that starts so is a wire log."""
    return len(start) >= layout.FILE_HEAD.size and bytes(start[:8]) == layout.MAGIC


def message_at(content: memoryview, at: int, path: str) -> Message:
    """The message whose record begins at some byte.

    Parameters
    ----------
    content : memoryview
        The file.
    at : int
        Where it begins [bytes].
    path : str
        What to call the file in messages.

    Raises
    ------
    DataError
        If it is damaged.
    """
    start = at + layout.RECORD_HEAD.size
    if start > len(content):
        raise DataError(f"{path}: there is no message at byte {at}")
    mark, check, length, monotonic, wall, socket, flags, count = layout.RECORD_HEAD.unpack_from(
        content, at
    )
    end = start + length
    checked = content[at + layout.CHECKED_FROM : end]
    if mark != layout.MESSAGE or end > len(content) or zlib.crc32(checked) != check:
        raise DataError(f"{path}: the message at byte {at} is damaged")
    sizes = np.frombuffer(content[start : start + 8 * count], "<u8").tolist()
    body = content[start + 8 * count : end]
    if flags & layout.PACKED and sum(sizes) <= layout.LONGEST_MESSAGE:
        body = memoryview(unpacked(body, sum(sizes)))
    if sum(sizes) != len(body):
        raise DataError(f"{path}: the message at byte {at} has parts that do not fit into it")
    edges = accumulate(sizes, initial=0)
    return Message([body[a:b] for a, b in pairwise(edges)], monotonic, wall, socket)
