"""Plain HDF5: one array of numbers, scan axes first, in any layout."""

from __future__ import annotations

import os
from pathlib import Path

import h5py

from framefold.core.pixel_mask import PixelMask, checked_masked
from framefold.core.scan_shapes import Guess
from framefold.errors import DataError, ParameterError
from framefold.formats.dialects import choose
from framefold.formats.facts import FileFacts
from framefold.formats.files import FileDataSet, acquisition_of
from framefold.formats.hdf5_masks import kept_mask
from framefold.formats.layout import Layout
from framefold.formats.library import hdf5_errors
from framefold.formats.links import Links
from framefold.formats.opened import FileIdentity
from framefold.formats.pixel_masks import repairable
from framefold.formats.request import Request
from framefold.formats.stored import lay_out

SUMMARY = "HDF5 with an array of frames"

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MASKS = ("/entry/instrument/detector/pixel_mask",)
"""Where NXmx keeps the mask of its only detector."""

_WHY = "has the HDF5 signature"


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file has the HDF5 signature, at its start or behind a user block.

    Notes
    -----
    https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html section II.A: at byte
    0, 512, 1024, 2048 and so on.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        while at + len(_SIGNATURE) <= size:
            file.seek(at)
            if file.read(len(_SIGNATURE)) == _SIGNATURE:
                return _WHY if at == 0 else f"{_WHY} behind a user block of {at} bytes"
            at = 2 * at if at else 512
    return None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    ds_path: str | None = None,
    sig_dims: int = 2,
    follow_links: bool = False,
    masked: str = "zero",
) -> FileDataSet:
    """An HDF5 file as a data set.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.
    ds_path : str or None
        Path of the dataset in the file; None to look for it as `framefold.formats.dialects.choose`
        does: NeXus, EMD, then the largest numeric array of 3 or more axes.
    sig_dims : int
        How many of the last axes belong to the detector.
    follow_links : bool
        Whether to follow links to files outside the folder of this one, too.
    masked : {"zero", "repair", "raw"}
        What stands in the place of pixels that a NeXus pixel mask in the file excludes.

    Raises
    ------
    DataError
        If the file is damaged, holds no such dataset, or needs a filter that is not there.
    UnknownNameError
        If there is no dataset ``ds_path``.
    """
    identity = FileIdentity.of(path)
    links = Links.of(identity, follow_links)
    choice = checked_masked(masked)
    if ds_path is not None and not isinstance(ds_path, str):
        raise ParameterError(f"ds_path={ds_path!r} is not the name of a dataset")
    with hdf5_errors(identity.path), h5py.File(identity.path, "r") as file:
        dataset, chosen = choose(file, ds_path, links)
        found = lay_out(dataset, links, sig_dims=sig_dims)
        metadata = {"dataset": dataset.name, **plain_attributes(dataset)}
        excluded, troubles = kept_mask(file, _MASKS, found.sig_shape, links)
        name = str(dataset.name)
    what = f"{identity.path}:{name}"
    request.check_dtype(found.dtype, what)
    facts = FileFacts(
        "hdf5",
        f"{understands(identity.path) or _WHY}; frames are {name} ({chosen})",
        f"the leading axes of {name}",
        found.codec,
        found.found,
        found.frames,
        missing_files=found.missing_files,
        has_mask=excluded is not None,
        problems=(*found.problems, *troubles),
        size_bytes=identity.size,
    )
    mask = PixelMask(excluded, masked=choice)
    return data_set(identity, request, found, facts, metadata, what, found.nav_shape, mask)


def data_set(
    identity: FileIdentity,
    request: Request,
    found: Layout,
    facts: FileFacts,
    metadata: dict[str, object],
    what: str,
    nav_shape: tuple[int, ...] | None,
    mask: PixelMask,
) -> FileDataSet:
    """A data set from what was found in HDF5 files.

    Parameters
    ----------
    identity : FileIdentity
        The file that the user named.
    request : Request
        What the user said.
    found : Layout
        The frames.
    facts : FileFacts
        What was found out, for people.
    metadata : dict
        What the file says beside that.
    what : str
        Name of the array, for messages.
    nav_shape : tuple of int or None
        Scan shape according to the file; None when it does not say.
    mask : PixelMask
        What the file says of pixels without value.

    Raises
    ------
    DataError
        If no frame was written.
    """
    if not found.segments:
        said = "; ".join(found.problems)
        raise DataError(f"{what} holds no frames" + (f": {said}" if said else ""))
    told = nav_shape and Guess(nav_shape, facts.nav_reason, "high")
    fit = request.fit(facts.frames_promised, (told,) if told else ())
    facts = facts.with_scan(fit)
    sig_shape = request.frame_shape(found.sig_shape, what)
    acquisition = acquisition_of(
        identity.ident,
        identity.path,
        fit.scan,
        sig_shape,
        found.dtype,
        facts,
        metadata,
        mask.shaped(sig_shape),
    )
    return FileDataSet(
        repairable(acquisition, found.segments),
        found.segments,
        facts,
        num_partitions=request.num_partitions,
        step=found.step,
    )


def plain_attributes(item: h5py.HLObject) -> dict[str, object]:
    """The small attributes of a group or dataset as plain values."""
    found: dict[str, object] = {}
    for name in item.attrs:
        value = plain(item.attrs[name])
        if value is not None:
            found[str(name)] = value
    return found


def plain(value: object) -> object | None:
    """A small value out of HDF5 as text, number or list; None for large or odd ones."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\x00")
    if isinstance(value, str | int | float | bool):
        return value
    tolist = getattr(value, "tolist", None)  # numpy scalars and arrays
    if tolist is None or getattr(value, "size", 1) > 16:
        return None
    made = tolist()
    if isinstance(made, list):
        entries = [plain(entry) for entry in made]
        return None if any(entry is None for entry in entries) else entries
    return plain(made)
