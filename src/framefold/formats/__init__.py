"""Recorded files as data sets, recognised by content: one module a format, one line here."""

from __future__ import annotations

import inspect as introspection
import itertools
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike, DTypeLike

from framefold.errors import DataError, FramefoldError, ParameterError, nearest
from framefold.formats.files import FileDataSet, FileReader
from framefold.formats.inspection import Inspection
from framefold.formats.memory import ArrayDataSet
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.registry import Registry

_TABLE = {
    # asked in this order: a dialect before the language it is a dialect of
    "npy": "framefold.formats.npy",
    "recording": "framefold.formats.recording",
    "simplon_h5": "framefold.formats.simplon_h5",
    "velox": "framefold.formats.velox",
    "hdf5": "framefold.formats.hdf5",
    "wire_log": "framefold.formats.wire_log",
    "zmq_dump": "framefold.formats.zmq_dump",
    "simplon_stream": "framefold.formats.simplon_stream",
    "tpx3": "framefold.formats.tpx3",
    "blo": "framefold.formats.blo",
    "ser": "framefold.formats.ser",
    "tiff": "framefold.formats.tiff",
    "mrc": "framefold.formats.mrc",
    "dm": "framefold.formats.dm",
    "tvips": "framefold.formats.tvips",
    "zarr": "framefold.formats.zarr_store",
    "mib": "framefold.formats.mib",
    "empad": "framefold.formats.empad",
    "rosettasciio": "framefold.formats.rosetta",
    "raw": "framefold.formats.raw",
}

_UNMARKED = ("empad",)
"""Formats whose frames have no mark of their own: what the user says of a file counts for more."""

_ENTRIES = ("zarr.json", ".zarray", ".zgroup")
"""Files that describe what is in their folder."""

_LOOKED_AT, _NAMED = 64, 3
"""Files of a folder that are looked at, and named, when a folder was given instead of a file."""

FORMATS = Registry("format", _TABLE, group="framefold.formats")
"""Name -> module with ``SUMMARY``, ``understands(path)`` and ``open_file(path, request, ...)``."""

__all__ = [
    "FORMATS",
    "ArrayDataSet",
    "FileDataSet",
    "FileReader",
    "Inspection",
    "inspect_file",
    "open_dataset",
    "recognise",
]


def recognise(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Which format a file has, judged by its content alone.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    (str, str)
        Name in the table of formats; the reason in words.

    Raises
    ------
    DataError
        If there is no such file, or no format knows it.
    """
    identity = FileIdentity.of(_described(path))
    found = _recognised(identity)
    if found is not None:
        return found
    raise DataError(
        f"{identity.path} {_look(identity)} and is in no known format. If it is frames without a "
        "header, give format='raw' with dtype, sig_shape and nav_shape; known are "
        f"{', '.join(FORMATS.names())}"
    )


def _recognised(identity: FileIdentity) -> tuple[str, str] | None:
    # formats from elsewhere are asked first: they know dialects of ours
    added = [name for name in FORMATS.names() if name not in _TABLE]
    for name in (*added, *_TABLE):
        why = FORMATS.load(name).understands(identity.path)
        if why is not None:
            return name, str(why)
    return None


def _format_of(identity: FileIdentity, request: Request) -> str:
    """The format to open a file with; an unknown one that was described is raw frames."""
    found = _recognised(identity)
    described = request.dtype is not None and request.sig_shape is not None
    if found is not None and not (described and found[0] in _UNMARKED):
        return found[0]
    if described:
        return "raw"
    return recognise(identity.path)[0]


def open_dataset(
    path: str | os.PathLike[str],
    format: str = "auto",  # noqa: A002 - the word users know
    *,
    nav_shape: Sequence[int] | int | None = None,
    sig_shape: Sequence[int] | int | None = None,
    dtype: DTypeLike | None = None,
    sync_offset: int = 0,
    num_partitions: int | None = None,
    scan_order: str | None = None,
    flyback: int | None = None,
    lead_in: int | None = None,
    frames_per_position: int = 1,
    repeats: str = "sum",
    positions: ArrayLike | str | os.PathLike[str] | None = None,
    enable_direct: bool = False,  # noqa: ARG001 - files are read in one way
    **options: Any,
) -> FileDataSet:
    """Open a recording.

    Parameters
    ----------
    path : path-like
        The file; for a DECTRIS series its master file.
    format : str
        A name of the table of formats, or ``"auto"`` to judge by content; an unknown file is
        taken for raw frames if ``dtype`` and ``sig_shape`` are given.
    nav_shape : sequence of int or None
        Scan shape, at most two axes ``-1``. It need not match: surplus frames are ignored,
        positions without a frame stay missing. None for what the file says, or a guess.
    sig_shape : sequence of int or None
        Frame shape with as many pixels as the file's frames [pixels].
    dtype : dtype-like or None
        Pixel type, for formats that do not name it.
    sync_offset : int
        Frames to skip at the start, or minus the positions to leave blank there.
    num_partitions : int or None
        How many partitions; None for as many as suit the workers.
    scan_order : str or None
        ``"raster"``, or ``"snake"`` if every second line runs back; None for what the file says.
    flyback : int or None
        Frames behind each line that belong to no position; None for what the file says.
    lead_in : int or None
        Frames before the first line that belong to no position; None for what the file says.
    frames_per_position : int
        Frames at each position, one after another.
    repeats : str
        What becomes of these: ``"sum"``, or ``"axis"`` for one more navigation axis, the last.
    positions : array-like, path-like or None
        Where each frame belongs, for irregular and random scans: flat positions, or indices along
        the navigation axes, slow axis first; or a CSV file of them. Negative numbers stand for
        frames without a place. With one column less than ``nav_shape`` has axes, the first axis
        counts the passes over the same points.
    enable_direct : bool
        Accepted and without effect.
    **options
        What the format itself takes, e.g. ``ds_path``, ``sig_dims``, ``channel``.

    Raises
    ------
    DataError
        If the file cannot be read, or no format knows it.
    UnknownNameError
        If there is no such format.
    ParameterError
        If an option is unknown to the format, or a value is of the wrong kind.
    ShapeError
        If a shape does not fit the file.
    """
    request = Request.of(
        nav_shape,
        sig_shape,
        dtype,
        sync_offset,
        num_partitions,
        scan_order=scan_order,
        flyback=flyback,
        lead_in=lead_in,
        frames_per_position=frames_per_position,
        repeats=repeats,
        positions=positions,
    )
    if format != "auto":
        FORMATS.target(format)  # an unknown name before a missing file
    identity = FileIdentity.of(_described(path))
    if identity.size == 0:
        raise DataError(f"{identity.path} is empty")
    name = _format_of(identity, request) if format == "auto" else format
    opener = FORMATS.load(name).open_file
    _check_options(name, opener, options)
    opened: FileDataSet = opener(identity.path, request, **options)
    return opened


def inspect_file(path: str | os.PathLike[str], **options: Any) -> Inspection:
    """What a file is and whether it is complete; never raises for what is in it.

    Parameters
    ----------
    path : path-like
        Whatever the user has.
    **options
        As for `open_dataset`.

    Returns
    -------
    Inspection
        With the reason in ``problems`` when the file cannot be used.
    """
    source = str(path)
    name = why = None
    try:
        source = FileIdentity.of(_described(path)).path
        named = options.get("format", "auto")
        name, why = _recognised(FileIdentity.of(source)) or (None, None)
        if named != "auto":
            name, why = named, "told by the user"
        return Inspection.of(open_dataset(path, **options))
    except FramefoldError as error:
        size = Path(source).stat().st_size if Path(source).is_file() else None
        return Inspection.refused(source, size, name, why, str(error))


def _described(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The file that stands for a path: itself, or the one that describes a folder's content."""
    for entry in _ENTRIES:
        inside = Path(path) / entry
        if inside.is_file():
            return inside
    if Path(path).is_dir():
        raise DataError(
            f"{path} is a directory; name the file in it that holds the frames{_held(path)}"
        )
    return path


def _held(folder: str | os.PathLike[str]) -> str:
    """The recordings in a folder, as the end of a sentence."""
    found = []
    for file in itertools.islice(sorted(Path(folder).iterdir()), _LOOKED_AT):
        try:
            known = _recognised(FileIdentity.of(file)) if file.is_file() else None
        except FramefoldError:
            continue
        if known is not None:
            found.append(f"{file.name} ({known[0]})")
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f": {', '.join(found[:_NAMED])}{more}" if found else ""


def _check_options(name: str, opener: Any, options: dict[str, Any]) -> None:
    parameters = introspection.signature(opener).parameters.values()
    known = [p.name for p in parameters if p.kind is introspection.Parameter.KEYWORD_ONLY]
    common = [field.name for field in fields(Request)]
    for option in options:
        if option not in known:
            meant = nearest(option, [*known, *common])
            hint = f"; did you mean {meant!r}?" if meant else ""
            listed = ", ".join([*common, *known])
            raise ParameterError(
                f"format {name!r} has no option {option!r}{hint} (known: {listed})"
            )


def _look(identity: FileIdentity) -> str:
    """What an unknown file looks like, in words."""
    if identity.size == 0:
        return "is empty"
    with Path(identity.path).open("rb") as file:
        start = file.read(4096)
    if all(byte in b"\t\n\r\f" or 32 <= byte < 127 or byte >= 128 for byte in start):
        try:
            # the cut may split a letter
            start[: max(1, len(start) - 4)].decode("utf-8")
        except UnicodeDecodeError:
            return f"has {identity.size} bytes"
        return "looks like text"
    return f"has {identity.size} bytes"
