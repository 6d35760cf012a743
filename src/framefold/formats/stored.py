"""How an HDF5 dataset lies in its file, and which storage reads it fastest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError
from framefold.formats.box_grid import BoxGrid
from framefold.formats.boxed import BoxedFrames
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.files import Segment
from framefold.formats.filter_chain import FilterChain
from framefold.formats.filters import chain_of, codec_of, filter_names, require_filters
from framefold.formats.layout import Layout, Subject
from framefold.formats.library import LibraryFrames, covered, hdf5_errors
from framefold.formats.links import Links
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import Storage
from framefold.formats.request import is_pixel_type
from framefold.formats.shapes import split_axes
from framefold.formats.stored_chunks import SKIPPED, StoredChunks
from framefold.formats.virtual import through_sources

_CACHE_BYTES = 256 * 1024 * 1024
"""Most memory per process for chunks that hold many frames."""

_DEPTH = 8
"""Virtual datasets of virtual datasets are followed this far."""


def lay_out(
    dataset: h5py.Dataset,
    links: Links,
    *,
    sig_dims: int = 2,
    fixed: Mapping[int, int] | None = None,
    depth: int = 0,
    path: str | None = None,
) -> Layout:
    """Find out how a dataset is best read.

    Parameters
    ----------
    dataset : h5py.Dataset
        Leading axes count frames, the last ``sig_dims`` are the frame.
    links : Links
        Which other files may be looked into.
    sig_dims : int
        How many axes a frame has.
    fixed : mapping of int to int or None
        Leading axes that choose instead of counting: axis -> index.
    depth : int
        How many virtual datasets were followed to come here.
    path : str or None
        Its file, where HDF5 was given something else to read it by.

    Raises
    ------
    DataError
        If it holds no pixels, or a filter is missing that would be needed.
    """
    identity = FileIdentity.of(path or dataset.file.filename)
    what = f"{identity.path}:{dataset.name}"
    with hdf5_errors(identity.path):
        dtype = dataset.dtype
        if not is_pixel_type(dtype):
            raise DataError(f"{what} holds {dtype}, which is no pixel type")
        chosen = dict(fixed or {})
        nav, sig = split_axes(dataset.shape, sig_dims, what)
        kept = tuple(n for axis, n in enumerate(nav) if axis not in chosen) or (1,)
        subject = Subject(dataset, identity, links, dtype, chosen, kept, sig, depth)
        if dataset.is_virtual:
            if depth >= _DEPTH:
                raise DataError(f"{what} nests virtual datasets {_DEPTH} deep")

            def inner(source: h5py.Dataset) -> Layout:
                return lay_out(source, links, sig_dims=sig_dims, fixed=chosen, depth=depth + 1)

            return through_sources(subject, inner, _through_library)
        if dataset.chunks is None:
            return _contiguous(subject)
        return _chunked(subject)


def _contiguous(subject: Subject) -> Layout:
    dataset = subject.dataset
    plist = dataset.id.get_create_plist()
    if plist.get_external_count() > 0:
        return _external(subject, plist)
    if plist.get_layout() != h5py.h5d.CONTIGUOUS or len(subject.fixed) > 1:
        return _through_library(subject, np.ones(subject.frames, dtype=bool), "raw")
    offset = dataset.id.get_offset()
    if offset is None:  # declared, and nothing written ever
        return subject.layout((), "raw", problems=subject.lacking(0))
    stride, frames = subject.frame_bytes, subject.frames
    for axis, index in subject.fixed.items():
        if axis != subject.leading - 1:
            return _through_library(subject, np.ones(frames, dtype=bool), "raw")
        offset += index * stride
        stride *= dataset.shape[axis]
    there = max(0, (subject.identity.size - offset - subject.frame_bytes) // stride + 1)
    found = min(frames, there)
    storage = MappedFrames(subject.identity, offset, stride, found, subject.pixels, subject.dtype)
    segments = (Segment(0, storage, 0, found),) if found else ()
    return subject.layout(segments, "raw", problems=subject.lacking(found))


def _external(subject: Subject, plist: Any) -> Layout:
    """Pixels in raw files beside: read by ourselves, since the library would open any file."""
    segments: list[Segment] = []
    missing: list[str] = []
    problems: list[str] = []
    number, frame_bytes = 0, subject.frame_bytes
    for i in range(plist.get_external_count()):
        raw_name, offset, size = plist.get_external(i)
        name = raw_name.decode("utf-8", "replace")
        last = i + 1 == plist.get_external_count()
        count = subject.frames - number if last else int(size) // frame_bytes
        if subject.fixed or (not last and size % frame_bytes):
            raise DataError(
                f"{subject.identity.path}:{subject.dataset.name} is spread over raw files within "
                "frames; copy it into one file (h5repack -l CONTI)"
            )
        path, why = subject.links.find(subject.identity, name)
        if path is None:
            missing.append(name)
            problems.append(f"linked file {name} {why}")
        else:
            part = FileIdentity.of(path)
            there = max(0, part.size - int(offset)) // frame_bytes
            found = min(count, there)
            pixels, dtype = subject.pixels, subject.dtype
            storage = MappedFrames(part, int(offset), frame_bytes, found, pixels, dtype)
            if found:
                segments.append(Segment(number, storage, 0, found))
        number += count
    if not problems:
        problems += subject.lacking(sum(segment.count for segment in segments))
    return subject.layout(
        tuple(segments), "raw", missing_files=tuple(missing), problems=tuple(problems)
    )


def _chunked(subject: Subject) -> Layout:
    dataset = subject.dataset
    places, stored = chunk_index(dataset)
    codec, chain = codec_of(dataset), chain_of(dataset, subject.dtype)
    one_frame = dataset.chunks == (1,) * subject.leading + subject.sig_shape
    plain = not stored[:, SKIPPED].any()
    # older libraries leave the user block out of the offsets they report
    at_start = dataset.file.userblock_size == 0
    if codec is not None and one_frame and plain and at_start:
        return _frame_per_chunk(subject, codec, places, stored)
    present = covered(dataset.shape, dataset.chunks, places[:, : subject.leading])
    for axis in sorted(subject.fixed, reverse=True):
        present = np.asarray(present.take(subject.fixed[axis], axis=axis))
    name = "+".join(filter_names(dataset)) or "raw"
    if chain is not None and at_start:
        return _boxed(subject, chain, places, stored, present.reshape(-1), codec or name)
    require_filters(dataset, subject.identity)
    return _through_library(subject, present.reshape(-1), name)


def _boxed(
    subject: Subject,
    chain: FilterChain,
    places: NDArray[np.int64],
    stored: NDArray[np.int64],
    present: NDArray[np.bool_],
    codec: str,
) -> Layout:
    """Chunks of several frames, or of parts: decoded by ourselves."""
    dataset = subject.dataset
    lengths = np.array(dataset.chunks, dtype=np.int64)
    grid = BoxGrid.of(dataset.shape, dataset.chunks, len(subject.sig_shape), subject.fixed)
    index = places // lengths
    for axis, chosen in subject.fixed.items():
        here = index[:, axis] == chosen // lengths[axis]
        index, stored = index[here], stored[here]
    kept = [axis for axis in range(dataset.ndim) if axis not in subject.fixed]
    sizes = [-(-dataset.shape[axis] // dataset.chunks[axis]) for axis in kept]
    table = np.zeros((math.prod(grid.stacks) * grid.per_stack, 3), dtype=np.int64)
    table[np.ravel_multi_index(tuple(index[:, kept].T), sizes)] = stored
    table = table.reshape(*grid.stacks, grid.per_stack, 3)
    cells = StoredChunks(subject.identity, table, chain)
    native = subject.dtype.newbyteorder("=")
    storage = BoxedFrames(grid, cells, native, 0, subject.frames)
    problems = subject.lacking(int(np.count_nonzero(present)))
    return subject.layout(
        _stretches(present, storage), codec, step=max(1, grid.step), problems=problems
    )


def chunk_index(dataset: h5py.Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the chunks are that exist.

    Returns
    -------
    (ndarray of int64, shape (chunks, axes); ndarray of int64, shape (chunks, 3))
        Place in the dataset; offset and length in the file, and the filters left out.
    """
    found: list[tuple[tuple[int, ...], tuple[int, int, int]]] = []

    def note(chunk: Any) -> None:
        found.append((chunk.chunk_offset, (chunk.byte_offset, chunk.size, chunk.filter_mask)))

    dataset.id.chunk_iter(note)
    places = np.array([place for place, _ in found], dtype=np.int64).reshape(-1, dataset.ndim)
    stored = np.array([told for _, told in found], dtype=np.int64).reshape(-1, 3)
    inside = ((places >= 0) & (places < np.array(dataset.shape))).all(axis=1)
    return places[inside], stored[inside]


def _frame_per_chunk(
    subject: Subject, codec: str, places: NDArray[np.int64], stored: NDArray[np.int64]
) -> Layout:
    for axis, index in subject.fixed.items():
        chosen = places[:, axis] == index
        places, stored = places[chosen], stored[chosen]
    numbers = subject.numbers(places)
    numbers, order = np.unique(numbers, return_index=True)
    storage = ChunkedFrames(
        subject.identity,
        np.ascontiguousarray(stored[order, 0]),
        np.ascontiguousarray(stored[order, 1]),
        codec,
        subject.pixels,
        subject.dtype,
    )
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    starts = np.concatenate([[0], cuts]) if len(numbers) else np.empty(0, dtype=np.int64)
    stops = np.append(cuts, len(numbers))
    segments = tuple(
        Segment(int(numbers[a]), storage, int(a), int(b - a))
        for a, b in zip(starts, stops[: len(starts)], strict=True)
    )
    return subject.layout(segments, codec, problems=subject.lacking(len(numbers)))


def _through_library(subject: Subject, present: NDArray[np.bool_], codec: str) -> Layout:
    dataset = subject.dataset
    step, cache = 1, 1 << 20
    if dataset.chunks is not None:
        step, cache = _chunk_step(subject)
    storage = LibraryFrames(
        subject.identity,
        dataset.name,
        subject.nav_shape if subject.leading > len(subject.fixed) else (),
        tuple(sorted(subject.fixed.items())),
        subject.sig_shape,
        cache,
        0,
        subject.frames,
    )
    problems = subject.lacking(int(np.count_nonzero(present)))
    return subject.layout(_stretches(present, storage), codec, step=step, problems=problems)


def _stretches(present: NDArray[np.bool_], storage: Storage) -> tuple[Segment, ...]:
    """The frames that are there, as far as they follow one another."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8)))
    return tuple(
        Segment(int(a), storage, int(a), int(b - a))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


def _chunk_step(subject: Subject) -> tuple[int, int]:
    """Frames that share chunks, and the memory [bytes] that keeps them decoded meanwhile."""
    chunk = [
        n for axis, n in enumerate(subject.dataset.chunks[: subject.leading])
        if axis not in subject.fixed
    ] or [1]  # fmt: skip
    axis = next((axis for axis, n in enumerate(chunk) if n > 1), len(chunk) - 1)
    step = chunk[axis] * math.prod(subject.nav_shape[axis + 1 :])
    needed = 2 * max(step, 1) * subject.frame_bytes
    return step, min(max(1 << 20, needed), _CACHE_BYTES)
