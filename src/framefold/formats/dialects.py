"""Which dataset of an HDF5 file holds the frames, by the conventions of those who write them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import h5py

from framefold.errors import DataError, UnknownNameError
from framefold.formats.links import Links
from framefold.formats.request import is_pixel_type

_MOST_GROUPS = 4096
"""Groups looked through for one that says what it is; hostile files could have any number."""


def choose(file: h5py.File, name: str | None, links: Links) -> tuple[h5py.Dataset, str]:
    """The dataset with the frames.

    Parameters
    ----------
    file : h5py.File
        The file, opened.
    name : str or None
        What the user said; None to look for it: where NeXus' ``default`` and ``signal`` lead,
        then any other NXdata or EMD group, then the largest array.
    links : Links
        Which links may be followed.

    Returns
    -------
    (h5py.Dataset, str)
        The dataset; why it was taken.

    Raises
    ------
    DataError
        If no array has at least 3 axes, or the one that was named lies behind a link that is not
        followed.
    UnknownNameError
        If there is no dataset ``name``.
    """
    if name is not None:
        item = links.item(file, name)
        if isinstance(item, h5py.Dataset):
            return item, "told by the user"
        raise UnknownNameError(f"dataset in {file.filename}", name, _arrays(file))
    default = _default(file, links)
    if default is not None:
        return default, "where the file's default and signal lead"
    told = list(_told(file, links))
    if told:
        best = max(told, key=lambda one: math.prod(one[0].shape))
        others = f", the largest of {len(told)}; ds_path chooses another" if len(told) > 1 else ""
        return best[0], best[1] + others
    arrays = _arrays(file)
    if not arrays:
        raise DataError(
            f"{file.filename} holds no numeric array with at least 3 axes; "
            "name another dataset with ds_path"
        )
    # of two equally large ones the first in the file
    largest = max(arrays, key=lambda n: math.prod(arrays[n].shape))
    if len(arrays) == 1:
        return arrays[largest], "the only numeric array with at least 3 axes"
    return arrays[largest], f"the largest of {len(arrays)} arrays; ds_path chooses another"


def _frames(item: object) -> h5py.Dataset | None:
    holds = isinstance(item, h5py.Dataset) and item.ndim >= 3 and is_pixel_type(item.dtype)
    return item if holds else None


def _arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}

    def note(name: str, item: object) -> None:
        dataset = _frames(item)
        if dataset is not None:
            found[f"/{name}"] = dataset

    file.visititems(note)
    return found


def _default(file: h5py.File, links: Links) -> h5py.Dataset | None:
    """Where ``default`` leads, group by group, and ``signal`` in the last one.

    Notes
    -----
    https://manual.nexusformat.org/datarules.html, "Find the plottable data".
    """
    place: object = file
    for _ in range(16):
        name = _text(place, "default") if isinstance(place, h5py.Group) else None
        if name is None:
            break
        assert isinstance(place, h5py.Group), "it has attributes of a group"
        place = links.item(place, name)
    return _signal(place, links) if isinstance(place, h5py.Group) else None


def _signal(group: h5py.Group, links: Links) -> h5py.Dataset | None:
    name = _text(group, "signal")
    return None if name is None else _frames(links.item(group, name))


def _told(file: h5py.File, links: Links) -> Iterator[tuple[h5py.Dataset, str]]:
    """Datasets of frames in groups that say what they are."""
    groups: list[h5py.Group] = []

    def note(_name: str, item: object) -> bool | None:
        if isinstance(item, h5py.Group):
            groups.append(item)
        return True if len(groups) > _MOST_GROUPS else None

    file.visititems(note)
    for group in groups:
        if _text(group, "NX_class") == "NXdata":
            dataset = _signal(group, links)
            if dataset is not None:
                yield dataset, f"the signal of the NXdata group {group.name}"
        elif "emd_group_type" in group.attrs:
            dataset = _frames(links.item(group, "data"))
            if dataset is not None:
                yield dataset, f"the data of the EMD group {group.name}"


def _text(item: h5py.HLObject, name: str) -> str | None:
    """An attribute that is a name; None where it is something else or absent."""
    try:
        value = item.attrs[name]
    except KeyError:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, str) and value else None
