"""Quantum Detectors Merlin recordings (.mib, with .hdr beside them)."""

from __future__ import annotations

import math
import os
from pathlib import Path

from framefold.core.merlin_header import HEAD, MARK, FrameHeader, read_frame_header
from framefold.core.merlin_scan import hints
from framefold.core.scan_shapes import Guess
from framefold.errors import DataError
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.flipped import FlippedFrames
from framefold.formats.mib_series import MibFile, find_hdr, mib_of, segments_of, siblings
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.formats.stack import Stack

SUMMARY = "Quantum Detectors Merlin (.mib; or the .hdr beside it)"

_SAMPLE = 4096
"""Frames whose headers are looked at for the scan: enough lines of any scan, and quick."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file begins with a frame of Merlin's, or is the file beside one."""
    with Path(path).open("rb") as file:
        start = file.read(64)
    if start.startswith(MARK) and start.count(b",") > 2:
        return "starts with MQ1, the header of a Merlin frame"
    if start.startswith(HEAD) and Path(path).suffix.lower() == ".hdr":
        return "starts with HDR, as the file beside a Merlin recording does"
    return None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    disable_glob: bool = False,
    flip_y: bool = False,
) -> FileDataSet:
    """A Merlin recording as a data set.

    Parameters
    ----------
    path : path-like
        A ``.mib`` file, or the ``.hdr`` file beside it. Files of the same recording, named alike
        but for a number at the end, are read along; the numbers of their frames tell their order.
    request : Request
        What the user said; everything may be left out.
    disable_glob : bool
        Read this one file only.
    flip_y : bool
        Turn frames upside down, as other programs show them; rows come as in the file otherwise.

    Raises
    ------
    DataError
        If it is no such recording, or holds no frame.

    Notes
    -----
    Frames are placed by the numbers in their headers: those that the readout dropped leave their
    positions missing. Source: Quantum Detectors, "Merlin user manual".
    """
    identity = FileIdentity.of(path)
    why = understands(identity.path) or "told by the user"
    if why.startswith("starts with HDR"):
        identity = mib_of(identity)
    hdr, hdr_path = find_hdr(identity)
    depth = _whole(hdr.get("Counter Depth"))
    named = MibFile.of(identity, depth)
    files = [named] if disable_glob else siblings(named, depth)
    announced = _whole(hdr.get("Frames in Acquisition")) or 0
    segments, problems = segments_of(files, announced)
    last = segments[-1].number + segments[-1].count
    found = sum(segment.count for segment in segments)
    promised = last if disable_glob else max(last, announced)
    header = named.header
    if flip_y:
        segments = tuple(_flipped(segment, header) for segment in segments)
    return Stack(
        identity,
        "mib",
        why if len(files) == 1 else f"{why}; {len(files)} files of one recording",
        header.sig_shape,
        header.dtype,
        segments,
        promised,
        hints=_hints(files[0], promised, hdr, depth, request),
        codec=header.codec,
        problems=(*problems, *_problems(files, found, last, promised)),
        metadata=_metadata(files, hdr, hdr_path, header, flip_y=flip_y),
    ).data_set(request)


def _whole(text: str | None) -> int | None:
    """A number as .hdr files write it; None for anything else."""
    good = text is not None and text.isascii() and text.isdigit() and len(text) < 12
    return int(text) if good and text is not None else None


def _flipped(segment: Segment, header: FrameHeader) -> Segment:
    storage = FlippedFrames.of(segment.storage, header.sig_shape)
    return Segment(segment.number, storage, segment.first, segment.count)


def _hints(
    file: MibFile, frames: int, hdr: dict[str, str], depth: int | None, request: Request
) -> tuple[Guess, ...]:
    """What the recording says of its scan; its frames are asked only where it matters."""
    if math.prod(request.nav_shape or (-1,)) > 0 and request.flyback is not None:
        return ()
    if "ScanX" in hdr and "ScanY" in hdr:
        return hints(frames, hdr, ())
    sample = []
    for i, head in enumerate(file.headers(0, _SAMPLE)):
        try:
            header = read_frame_header(head, f"{file.identity.name}, frame {i}", depth)
        except DataError:
            break  # a damaged header: the frames before it still tell something
        if header.sequence != file.header.sequence + i:
            break
        sample.append(header)
    return hints(frames, hdr, sample)


def _problems(files: list[MibFile], found: int, last: int, promised: int) -> list[str]:
    said = [
        f"{file.identity.name} is cut off: {file.rest} bytes of a frame at its end"
        for file in files
        if file.rest
    ]
    if last > found:
        said.append(f"{last - found} frames are missing in between: the readout dropped them")
    if promised > last:
        said.append(f"{promised - last} of {promised} announced frames are missing at the end")
    return said


def _metadata(
    files: list[MibFile],
    hdr: dict[str, str],
    hdr_path: str | None,
    header: FrameHeader,
    *,
    flip_y: bool,
) -> dict[str, object]:
    told: dict[str, object] = {
        "files": [file.identity.name for file in files],
        "layout": header.layout,
        "pixel_type": header.pixel_type,
        "counter_depth": header.depth,
        "time": header.time,
        "flip_y": flip_y,
    }
    if header.shutter_ns is not None:
        told["frame_time"] = header.shutter_ns / 1e9
    if hdr_path is not None:
        told["hdr"] = Path(hdr_path).name
    return {**told, **hdr}
