"""Convert: a recording into a new file of another form; what was carried over, and what is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from framefold.conversion.decoding import Told, Written
from framefold.conversion.hdf5_target import write_hdf5
from framefold.conversion.npy_target import write_npy
from framefold.conversion.zarr_target import free_folder, replacing_folder, write_zarr
from framefold.errors import DataError, ParameterError, nearest
from framefold.formats import FileDataSet
from framefold.formats.opened import FileIdentity
from framefold.representations.written_whole import free_place, replacing

FORMS: Final = ("npy", "hdf5", "zarr")

_SUFFIXES = {
    ".npy": "npy", ".h5": "hdf5", ".hdf5": "hdf5", ".nxs": "hdf5", ".nx5": "hdf5", ".zarr": "zarr",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of it.

    Parameters
    ----------
    source, target : str
        The recording, and the new file.
    form : str
        One of `FORMS`.
    carried : int
        Frames whose bytes are those of the recording [frames].
    decoded : int
        Frames that were decoded and written anew [frames].
    missing : int
        Positions without a frame [positions].
    damaged : int
        Frames that could not be decoded; their positions have none [frames].
    bytes_written : int
        Size of the new file, or of all of them [bytes].
    notes : tuple of str
        What the new file does not tell, a sentence each.
    """

    source: str
    target: str
    form: str
    carried: int
    decoded: int
    missing: int
    damaged: int
    bytes_written: int
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The facts as plain values."""
        return asdict(self)


def form_of(target: Path, form: str | None = None) -> str:
    """The form to write, by what the user says or by the suffix.

    Raises
    ------
    ParameterError
        If there is no such form, or the suffix tells none.
    """
    if form is not None:
        if form == "nexus":
            return "hdf5"
        if form not in FORMS:
            meant = nearest(form, FORMS)
            hint = f"; did you mean {meant!r}?" if meant else ""
            raise ParameterError(f"to={form!r}: {', '.join(FORMS)} can be written{hint}")
        return form
    if target.suffix.lower() not in _SUFFIXES:
        raise ParameterError(
            f"{target}: the suffix {target.suffix!r} tells no form; give one of "
            f"{', '.join(_SUFFIXES)}, or say to={'|'.join(FORMS)}"
        )
    return _SUFFIXES[target.suffix.lower()]


def convert(
    data_set: FileDataSet,
    target: str | os.PathLike[str],
    *,
    form: str | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    told: Told | None = None,
) -> Conversion:
    """Write a recording anew.

    The new file opens again with the same scan, pixels and type. HDF5 keeps the pixel mask, the
    value that means none, the metadata, and which positions have no frame; the other forms cannot
    say so: masked pixels are zero in them, and so are positions without a frame.

    Parameters
    ----------
    data_set : FileDataSet
        The recording, opened.
    target : path-like
        The new file; a folder for Zarr.
    form : {"npy", "hdf5", "zarr"} or None
        What to write; None to go by the suffix.
    overwrite : bool
        Whether what is there may be replaced.
    workers : int or None
        Threads that decode; None for one a core.
    told : callable or None
        Told how many positions are done, and of how many.

    Raises
    ------
    DataError
        If there is something in its place, the recording cannot be read, or the disk is full.
    ParameterError
        If the form cannot be told, or cannot hold what is asked for.
    """
    wanted = form_of(Path(target), form)
    if wanted != "hdf5" and data_set.acquisition.mask.masked == "repair":
        raise ParameterError(
            f"masked='repair' cannot be written as {wanted}, which keeps no pixel mask; "
            "convert to HDF5 and repair when it is read, or leave masked= out"
        )
    place = (free_folder if wanted == "zarr" else free_place)(target, overwrite=overwrite)
    source = data_set.acquisition.source
    for file in _files(data_set):
        if place.resolve() in (file, *file.parents):
            raise DataError(f"{place} is part of the recording itself; choose another name")
    count = workers or os.cpu_count() or 1
    writer = _WRITERS[wanted]
    with (replacing_folder if wanted == "zarr" else replacing)(place) as fresh:
        written = writer(data_set, fresh, count, told or _nobody)
    missing = data_set.acquisition.scan.size - written.frames - written.damaged
    return Conversion(
        source,
        str(place),
        wanted,
        written.carried,
        written.decoded,
        missing,
        written.damaged,
        _size(place),
        written.notes,
    )


_WRITERS: dict[str, Callable[[FileDataSet, Path, int, Told], Written]] = {
    "npy": write_npy,
    "hdf5": write_hdf5,
    "zarr": write_zarr,
}


def _files(data_set: FileDataSet) -> set[Path]:
    """The files of a recording, as far as its frames lie in them."""
    found = {Path(data_set.acquisition.source).resolve()}
    for segment in data_set.segments:
        identity = getattr(segment.storage, "identity", None)
        if isinstance(identity, FileIdentity):
            found.add(Path(identity.path))
    return found


def _nobody(done: int, total: int) -> None:
    """Tell nobody."""


def _size(place: Path) -> int:
    if place.is_file():
        return place.stat().st_size
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
