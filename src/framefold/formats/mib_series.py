"""The files of a Merlin recording: which belong together, and which frames they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.merlin_header import (
    HEAD,
    LONGEST_HDR,
    LONGEST_HEADER,
    MARK,
    FrameHeader,
    read_frame_header,
    read_hdr,
)
from framefold.errors import DataError
from framefold.formats.files import Segment
from framefold.formats.opened import FileIdentity, OpenFile
from framefold.formats.strided import StridedFrames

_MOST_FILES = 100_000
"""Files of one recording; more in a folder are not looked at."""

_DIGITS = 12
"""Longest number of a frame."""


@dataclass(frozen=True, slots=True)
class MibFile:
    """One file of a recording.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    header : FrameHeader
        Of its first frame.
    frames : int
        Whole frames in it.
    rest : int
        Bytes behind the last of them [bytes].
    """

    identity: FileIdentity
    header: FrameHeader
    frames: int
    rest: int

    @classmethod
    def of(cls, identity: FileIdentity, depth: int | None) -> MibFile:
        """Look at a file.

        Parameters
        ----------
        identity : FileIdentity
            The file.
        depth : int or None
            Bits of a counter according to the .hdr file.

        Raises
        ------
        DataError
            If it does not begin with a frame, or holds none.
        """
        with Path(identity.path).open("rb") as file:
            start = file.read(LONGEST_HEADER)
        header = read_frame_header(start, f"{identity.path}, byte 0", depth)
        frames, rest = divmod(identity.size, header.offset + header.encoded)
        if not frames:
            raise DataError(
                f"{identity.path} holds no frame: it has {identity.size} bytes, and one frame "
                f"needs {header.offset + header.encoded}"
            )
        return cls(identity, header, frames, rest)

    @property
    def stride(self) -> int:
        """From frame to frame [bytes]."""
        return self.header.offset + self.header.encoded

    def headers(self, first: int, count: int) -> Iterator[bytes]:
        """The bytes of some frames' headers."""
        file = OpenFile(self.identity)
        buffer = np.empty(self.header.offset, dtype=np.uint8)
        for frame in range(first, min(self.frames, first + count)):
            got = file.read_into(buffer, frame * self.stride)
            yield buffer[:got].tobytes()

    def storage(self) -> StridedFrames:
        """Its frames."""
        header = self.header
        return StridedFrames(
            self.identity,
            header.offset,
            self.stride,
            self.frames,
            header.encoded,
            header.codec,
            header.dtype,
            MARK,
            header.offset,
        )

    def goes_with(self, other: MibFile) -> bool:
        """Whether frames of both have the same form."""
        mine, theirs = self.header, other.header
        return (mine.sig_shape, mine.dtype, mine.codec) == (
            theirs.sig_shape,
            theirs.dtype,
            theirs.codec,
        )

    def sequence(self) -> NDArray[np.int64] | None:
        """Number of each frame, or None if they simply count on from the first."""
        first = self.header.sequence
        (last,) = self.headers(self.frames - 1, 1)
        if _sequence(last) == first + self.frames - 1:
            return None
        found = np.array([_sequence(head) for head in self.headers(0, self.frames)], dtype=np.int64)
        # a damaged header says nothing: its frame stands where it stands
        unknown = found < 0
        found[unknown] = np.interp(
            np.flatnonzero(unknown), np.flatnonzero(~unknown), found[~unknown]
        ).astype(np.int64)
        return found


def _sequence(head: bytes) -> int:
    """Number of a frame; -1 if its header is damaged."""
    number = head[len(MARK) :].partition(b",")[0]
    good = head.startswith(MARK) and number.isdigit() and len(number) <= _DIGITS
    return int(number) if good else -1


def find_hdr(identity: FileIdentity) -> tuple[dict[str, str], str | None]:
    """What the .hdr file of a recording says, and its path; nothing where there is none."""
    path = Path(identity.path)
    stem = path.stem
    for name in dict.fromkeys((stem, re.sub(r"[_-]*\d+$", "", stem))):
        for suffix in (".hdr", ".HDR"):
            beside = path.with_name(name + suffix)
            if name and beside.is_file():
                with beside.open("rb") as file:
                    content = file.read(LONGEST_HDR)
                if content.startswith(HEAD):
                    return read_hdr(content), str(beside)
    return {}, None


def mib_of(identity: FileIdentity) -> FileIdentity:
    """The recording that a .hdr file belongs to.

    Raises
    ------
    DataError
        If there is none.
    """
    path = Path(identity.path)
    numbered = re.compile(re.escape(path.stem) + r"[_-]*\d*\.mib", re.IGNORECASE)
    found = sorted(p for p in path.parent.iterdir() if numbered.fullmatch(p.name))
    if not found:
        raise DataError(
            f"{identity.path} describes a Merlin recording, but there is no {path.stem}.mib "
            "beside it; name the .mib file"
        )
    return FileIdentity.of(found[0])


def siblings(first: MibFile, depth: int | None) -> list[MibFile]:
    """The files of the recording that a file belongs to, in the order of their frames.

    Parameters
    ----------
    first : MibFile
        The file that was named.
    depth : int or None
        Bits of a counter according to the .hdr file.

    Returns
    -------
    list of MibFile
        Files whose names differ in a last number only, whose frames have the same form, and
        whose frame numbers do not overlap: recordings with their own count from 1 are others.
    """
    path = Path(first.identity.path)
    base = re.sub(r"\d+$", "", path.stem)
    if base == path.stem:
        return [first]
    numbered = re.compile(re.escape(base) + r"\d+" + re.escape(path.suffix), re.IGNORECASE)
    found = [first]
    for other in sorted(path.parent.iterdir())[:_MOST_FILES]:
        if other == path or not numbered.fullmatch(other.name) or not other.is_file():
            continue
        try:
            file = MibFile.of(FileIdentity.of(other), depth)
        except DataError:
            continue  # no recording, or an empty file: nothing that could be read as frames
        if file.goes_with(first):
            found.append(file)
    found.sort(key=lambda file: file.header.sequence)
    ends = [file.header.sequence + file.frames for file in found]
    starts = [file.header.sequence for file in found]
    if any(end > start for end, start in zip(ends[:-1], starts[1:], strict=True)):
        return [first]
    return found


def segments_of(files: list[MibFile], most: int) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """The frames of some files by their numbers.

    Parameters
    ----------
    files : list of MibFile
        In the order of their frames.
    most : int
        More numbers than this cannot be: the recording did not take so many frames.

    Returns
    -------
    (tuple of Segment, tuple of str)
        Frames that the readout dropped are a gap in the numbers; what is wrong, in sentences.
    """
    numbers = [_numbered(file) for file in files]
    origin = int(numbers[0][0])
    flat = np.concatenate(numbers) - origin
    problems: list[str] = []
    if (np.diff(flat) < 1).any() or flat[-1] >= max(most, 4 * len(flat)):
        problems.append("the frames' numbers make no sense; frames are taken as they follow")
        flat = np.arange(len(flat), dtype=np.int64)
    segments: list[Segment] = []
    at = 0
    for file in files:
        storage = file.storage()
        mine: NDArray[Any] = flat[at : at + file.frames]
        edges = [0, *(np.flatnonzero(np.diff(mine) != 1) + 1).tolist(), file.frames]
        segments += [Segment(int(mine[a]), storage, a, b - a) for a, b in pairwise(edges)]
        at += file.frames
    return tuple(segments), tuple(problems)


def _numbered(file: MibFile) -> NDArray[np.int64]:
    found = file.sequence()
    if found is None:
        return np.arange(file.frames, dtype=np.int64) + file.header.sequence
    return found
