"""Thermo Fisher Velox files (.emd): HDF5 with stacks of images whose last axis counts them."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.errors import DataError, UnknownNameError
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.extras import library_errors
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.filters import codec_of, filter_names, require_filters
from framefold.formats.hdf5 import understands as has_signature
from framefold.formats.library import hdf5_errors, offer_filters
from framefold.formats.links import Links
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import Storage, runs
from framefold.formats.request import Request
from framefold.formats.shapes import MAX_FRAMES, MAX_PIXELS
from framefold.formats.stack import Stack
from framefold.formats.stored import chunk_index
from framefold.formats.stored_chunks import SKIPPED

SUMMARY = "Thermo Fisher Velox EMD"

_IMAGES = "/Data/Image"
_MOST_IMAGES = 256
"""Images looked at; files have a handful."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file is HDF5 that names Velox as its format.

    Raises
    ------
    DataError
        If it is HDF5, but damaged.
    """
    if has_signature(path) is None:
        return None
    name = os.fspath(path)
    with hdf5_errors(name), h5py.File(name, "r") as file:
        # a link could lead anywhere
        own = isinstance(file.get("Version", getlink=True), h5py.HardLink)
        version = file.get("Version") if own else None
        if not isinstance(version, h5py.Dataset) or version.size != 1:
            return None
        told = np.asarray(version[()]).reshape(-1)[0]
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    try:
        kind = json.loads(text.rstrip("\0"))
    except (ValueError, RecursionError):
        return None
    velox = isinstance(kind, dict) and kind.get("format") == "Velox"
    return "HDF5 whose Version names the format Velox" if velox else None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    ds_path: str | None = None,
    follow_links: bool = False,
) -> FileDataSet:
    """A stack of images as a data set.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; the scan shape, for one, which the file does not tell.
    ds_path : str or None
        Path of the images' dataset; None for the largest under ``/Data/Image``.
    follow_links : bool
        Whether to follow links to files outside the folder of this one, too.

    Raises
    ------
    DataError
        If the file is damaged or holds no images.
    UnknownNameError
        If there is no dataset ``ds_path``.
    """
    identity = FileIdentity.of(path)
    with hdf5_errors(identity.path), h5py.File(identity.path, "r") as file:
        images = _images(file, Links.of(identity, follow_links))
        if ds_path is not None and ds_path not in images:
            raise UnknownNameError(f"images in {identity.path}", str(ds_path), images)
        if not images:
            raise DataError(f"{identity.path} holds no images under {_IMAGES}")
        name = ds_path or max(images, key=lambda n: int(images[n].size))
        segments, codec = _segments(images[name], identity)
        shape, dtype = images[name].shape, images[name].dtype
    chosen = f", the largest of {len(images)}; ds_path chooses another" if len(images) > 1 else ""
    return Stack(
        identity,
        "velox",
        f"{understands(identity.path) or 'told by the user'}; frames are {name}{chosen}",
        (int(shape[0]), int(shape[1])),
        dtype,
        segments,
        int(shape[2]),
        codec=codec,
    ).data_set(request)


def _images(file: h5py.File, links: Links) -> dict[str, h5py.Dataset]:
    """The stacks of images by their paths."""
    group = links.item(file, _IMAGES)
    found: dict[str, h5py.Dataset] = {}
    if not isinstance(group, h5py.Group):
        return found
    for name in itertools.islice(group, _MOST_IMAGES):
        item = links.item(group, f"{name}/Data")
        # a pixel of several numbers, such as complex ones, is a structure there
        if isinstance(item, h5py.Dataset) and item.ndim == 3 and item.dtype.kind in "buif":
            found[f"{_IMAGES}/{name}/Data"] = item
    return found


def _segments(dataset: h5py.Dataset, named: FileIdentity) -> tuple[tuple[Segment, ...], str]:
    """The frames, and how they are stored in a word."""
    rows, columns, frames = (int(n) for n in dataset.shape)
    if min(rows, columns, frames) < 1 or rows * columns > MAX_PIXELS or frames > MAX_FRAMES:
        raise DataError(f"{named.path}:{dataset.name} has the shape {dataset.shape}")
    identity = FileIdentity.of(dataset.file.filename)
    codec = codec_of(dataset) if dataset.chunks == (rows, columns, 1) else None
    if codec is not None and dataset.file.userblock_size == 0:
        places, stored = chunk_index(dataset)
        if not stored[:, SKIPPED].any():
            numbers, order = np.unique(places[:, 2], return_index=True)
            offsets, lengths = stored[order, 0], stored[order, 1]
            storage = ChunkedFrames(
                identity, offsets, lengths, codec, rows * columns, dataset.dtype
            )
            return tuple(_stretches(numbers, storage)), codec
    require_filters(dataset, identity)
    last = LastAxisFrames(identity, str(dataset.name), 0, frames)
    return (Segment(0, last, 0, frames),), "+".join(filter_names(dataset)) or "raw"


def _stretches(numbers: NDArray[np.int64], storage: Storage) -> list[Segment]:
    """Frames of a storage at the numbers they have."""
    return [Segment(first, storage, at, count) for at, first, count in runs(numbers)]


@dataclass(frozen=True, slots=True)
class LastAxisFrames:
    """Frames along the last axis of a dataset; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    name : str
        Path of the dataset in it.
    first, frames : int
        Which of its frames.
    """

    identity: FileIdentity
    name: str
    first: int
    frames: int

    def piece(self, first: int, stop: int) -> LastAxisFrames:
        """The frames ``[first, stop)``."""
        return LastAxisFrames(self.identity, self.name, self.first + first, stop - first)

    def open(self) -> OpenLastAxisFrames:
        """The dataset, opened.

        Raises
        ------
        DataError
            If the file or the dataset cannot be opened.
        """
        with hdf5_errors(self.identity.path):
            self.identity.check()
            offer_filters()
            return OpenLastAxisFrames(self, h5py.File(self.identity.path, "r"))


class OpenLastAxisFrames:
    """Reads stretches of frames and turns them.

    Parameters
    ----------
    piece : LastAxisFrames
        What to read.
    file : h5py.File
        Where from; closed with this.
    """

    def __init__(self, piece: LastAxisFrames, file: h5py.File) -> None:
        self._piece = piece
        self._file = file
        self._dataset = file[piece.name]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        damaged: list[int] = []
        reason = ""
        for at, row, count in runs(rows):
            try:
                self._read_run(row, out[at : at + count])
            except DataError as error:
                reason = reason or str(error)
                damaged += self._damaged(row, out[at : at + count])
        if damaged:
            raise UndecodableFrames(np.array(damaged, dtype=np.int64), reason)
        return out

    def _damaged(self, row: int, out: NDArray[Any]) -> list[int]:
        found = []
        for i in range(len(out)):
            try:
                self._read_run(row + i, out[i : i + 1])
            except DataError:
                found.append(row + i)
        return found

    def _read_run(self, row: int, out: NDArray[Any]) -> None:
        first = self._piece.first + row
        with library_errors(self._piece.identity.path, "HDF5"):
            box = self._dataset[:, :, first : first + len(out)]
            out[...] = np.moveaxis(box, -1, 0).reshape(out.shape)
