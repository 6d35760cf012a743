"""Zarr arrays in a folder, version 3 and 2; chunk files read by ourselves where we know how."""

from __future__ import annotations

import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from framefold.errors import DataError, UnknownNameError
from framefold.formats.extras import extra, library_errors
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.filled import FilledFrames
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.packed import PackedFrames
from framefold.formats.pieces import Storage
from framefold.formats.request import Request, is_pixel_type
from framefold.formats.shapes import split_axes
from framefold.formats.stack import Stack
from framefold.formats.zarr_frames import ZarrFrames

SUMMARY = "Zarr array or group (name its folder)"

_ENTRIES = ("zarr.json", ".zarray", ".zgroup")
"""The file that describes what is in a folder."""

_MOST_FILES = 1 << 17
"""Chunk files that are looked at one by one; beyond that the library finds them."""

_PACKINGS = ("zstd", "gzip", "blosc", "lz4", "zlib", "bz2", "lzma")
"""Codecs of numcodecs that decode without being told how the bytes were made."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file describes a Zarr array or group."""
    name = Path(path).name
    if name not in _ENTRIES or Path(path).stat().st_size > 1 << 24:
        return None
    try:
        told = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError):
        return None
    version = told.get("zarr_format") if isinstance(told, dict) else None
    return f"{name} describes Zarr, version {version}" if version in (2, 3) else None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    ds_path: str | None = None,
    sig_dims: int = 2,
) -> FileDataSet:
    """A Zarr array as a data set; the zarr package reads what describes it.

    Parameters
    ----------
    path : path-like
        The file in the folder that describes what is there.
    request : Request
        What the user said; everything may be left out.
    ds_path : str or None
        Path of the array in a group; None for the largest one of 3 or more axes.
    sig_dims : int
        How many of the last axes belong to the detector.

    Raises
    ------
    DataError
        If the zarr package is not installed, or there is no array of frames.
    UnknownNameError
        If there is no array ``ds_path``.
    """
    identity = FileIdentity.of(path)
    zarr = extra("zarr", "zarr", identity.path)
    folder = str(Path(identity.path).parent)
    with library_errors(folder, "zarr"):
        array, why = _choose(zarr, folder, ds_path)
        what = f"{folder}:{array.path or '/'}"
        dtype = np.dtype(array.dtype)
        if not is_pixel_type(dtype):
            raise DataError(f"{what} holds {dtype}, which is no pixel type")
        nav, sig = split_axes(tuple(int(n) for n in array.shape), sig_dims, what)
        segments, codec, step = _segments(identity, folder, array, nav, sig)
        metadata = _small(dict(array.attrs))
    return Stack(
        identity,
        "zarr",
        f"{understands(identity.path) or 'told by the user'}; frames are {what} ({why})",
        sig,
        segments[0].storage.dtype if isinstance(segments[0].storage, MappedFrames) else dtype,
        segments,
        math.prod(nav),
        nav_shape=nav,
        nav_reason="the leading axes of the array",
        codec=codec,
        step=step,
        metadata=metadata,
    ).data_set(request)


def _choose(zarr: Any, folder: str, ds_path: str | None) -> tuple[Any, str]:
    found = zarr.open(folder, mode="r", path=None)
    if not hasattr(found, "members"):
        return found, "the only array"
    arrays = {
        name: item
        for name, item in itertools.islice(found.members(max_depth=8), 4096)
        if hasattr(item, "chunks")
    }
    if ds_path is not None:
        name = str(ds_path).strip("/")
        if name not in arrays:
            raise UnknownNameError(f"array in {folder}", str(ds_path), arrays)
        return arrays[name], "told by the user"
    frames = {name: item for name, item in arrays.items() if item.ndim >= 3}
    if not frames:
        raise DataError(f"{folder} holds no array with at least 3 axes; name another with ds_path")
    name = max(frames, key=lambda n: math.prod(frames[n].shape))
    return frames[name], f"the largest of {len(frames)} arrays; ds_path chooses another"


def _segments(
    identity: FileIdentity,
    folder: str,
    array: Any,
    nav: tuple[int, ...],
    sig: tuple[int, ...],
) -> tuple[tuple[Segment, ...], str, int]:
    """The frames, how they are stored in a word, and how many are stored as one."""
    packing = _packing(array)
    leading = tuple(int(n) for n in array.chunks[: array.ndim - len(sig)]) or (1,)
    axis = next((a for a, n in enumerate(leading) if n > 1), len(leading) - 1)
    # frames of a chunk must follow one another in the scan, and be whole
    whole = tuple(array.chunks[array.ndim - len(sig) :]) == sig
    chunks = math.prod(-(-n // c) for n, c in zip(nav, leading, strict=True))
    inner = math.prod(nav[axis + 1 :])
    if not whole or leading[axis + 1 :] != nav[axis + 1 :]:
        packing = None
    if packing is not None and chunks <= _MOST_FILES:
        depth = leading[axis] * inner
        found = _chunk_files(folder, array, nav, leading, sig, packing)
        return found, packing or "raw", depth
    storage = ZarrFrames(identity, folder, str(array.path), nav, sig, 0, math.prod(nav))
    names = "+".join(_names(array)) or "raw"
    return (Segment(0, storage, 0, storage.frames),), names, leading[axis] * inner


def _packing(array: Any) -> str | None:
    """The codec of the chunk files: "" for plain pixels, None if we do not know them."""
    names = _names(array)
    if array.metadata.zarr_format == 2:
        if array.metadata.filters or array.metadata.order != "C":
            return None
    elif names[:1] == ["bytes"]:
        names = names[1:]
    else:
        return None
    if not names:
        return ""
    return names[0] if len(names) == 1 and names[0] in _PACKINGS else None


def _names(array: Any) -> list[str]:
    """Codecs in the order of writing, by the names that the file gives them."""
    told = array.metadata.to_dict()
    if array.metadata.zarr_format == 2:
        compressor = told.get("compressor")
        return [str(compressor["id"])] if compressor else []
    return [str(codec["name"]) for codec in told["codecs"]]


def _byte_order(array: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(array.dtype)
    if array.metadata.zarr_format == 2:
        return dtype
    settings = array.metadata.to_dict()["codecs"][0].get("configuration", {})
    return dtype.newbyteorder(">" if settings.get("endian") == "big" else "<")


def _chunk_files(
    folder: str,
    array: Any,
    nav: tuple[int, ...],
    leading: tuple[int, ...],
    sig: tuple[int, ...],
    packing: str,
) -> tuple[Segment, ...]:
    """Each chunk file as a storage; chunks without a file hold nothing but the fill value."""
    dtype, pixels = _byte_order(array), math.prod(sig)
    axis = next((a for a, n in enumerate(leading) if n > 1), len(leading) - 1)
    depth = leading[axis] * math.prod(nav[axis + 1 :])
    grid = tuple(-(-n // c) for n, c in zip(nav, leading, strict=True))
    root = Path(folder) / array.path
    zeros = (0,) * (array.ndim - len(leading)) if array.ndim > len(sig) else ()
    segments: list[Segment] = []
    fill = array.fill_value if array.fill_value is not None else 0
    for place in np.ndindex(*grid):
        coords = (*place, *zeros) if array.ndim > len(sig) else (0,) * array.ndim
        at = [p * c for p, c in zip(place, leading, strict=True)]
        number = int(np.ravel_multi_index(at, nav))
        count = min(leading[axis], nav[axis] - at[axis]) * math.prod(nav[axis + 1 :])
        path = root / array.metadata.encode_chunk_key(coords)
        storage: Storage
        if not path.is_file():
            segments.append(Segment(number, FilledFrames(fill, count), 0, count))
            continue
        part = FileIdentity.of(path)
        if not Path(part.path).is_relative_to(folder):
            raise DataError(f"{path} is a link to {part.path}, which lies outside {folder}")
        if packing:
            storage = PackedFrames(part, packing, depth, pixels, dtype, 0, count)
        else:
            stride = pixels * dtype.itemsize
            count = min(count, part.size // stride)
            if not count:
                continue
            storage = MappedFrames(part, 0, stride, count, pixels, dtype)
        segments.append(Segment(number, storage, 0, count))
    if not segments:
        raise DataError(f"{folder} holds no whole frame")
    return tuple(segments)


def _small(attributes: dict[str, Any]) -> dict[str, object]:
    return {
        name: value
        for name, value in itertools.islice(attributes.items(), 100)
        if isinstance(value, str | int | float | bool) and len(str(value)) < 200
    }
