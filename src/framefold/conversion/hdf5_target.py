"""A recording as one HDF5 file in NeXus dress, which `framefold.formats.recording` reads."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.conversion.carried import (
    EncodedChunks,
    EncodedFrames,
    encoded_chunks,
    encoded_frames,
)
from framefold.conversion.decoding import Decoding, Told, Written
from framefold.core.acquisition import Acquisition
from framefold.formats import FileDataSet
from framefold.formats import recording_names as names
from framefold.formats.filter_chain import DEFLATE, FLETCHER32, SHUFFLE, FilterChain
from framefold.formats.mapped import MappedFrames
from framefold.record.chunk_form import ChunkForm
from framefold.record.detector_facts import as_json
from framefold.record.master import facts_of, group, tell, write_entry, write_instrument
from framefold.record.story import Story
from framefold.representations.calibration import Calibration, axes

_TELL_EVERY = 256
"""Chunks between two words about progress."""


def write_hdf5(data_set: FileDataSet, path: Path, workers: int, told: Told) -> Written:
    """Write all frames with what is known of them; nothing is decoded that can be carried over.

    Chunks that hold one frame each, or the chunks of a dataset of the same shape, are copied as
    they are. Frames that lie plainly in files stay one plain array. Whatever else there is becomes
    chunks of one frame, not compressed.

    Parameters
    ----------
    data_set : FileDataSet
        The recording.
    path : Path
        The new file.
    workers : int
        Threads that decode.
    told : callable
        Told of progress.

    Raises
    ------
    DataError
        If the recording cannot be read.
    OSError
        If the file cannot be written.
    """
    acquisition = data_set.acquisition
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        write_entry(file, path.name, acquisition)
        write_instrument(file, acquisition)
        ours = group(file, names.OURS, "NXcollection")
        ours["acquisition"] = as_json(facts_of(acquisition, acquisition.scan.size))
        frames = encoded_frames(data_set)
        chunks = encoded_chunks(data_set)
        if frames is not None:
            written = _carry_frames(file, acquisition, frames, told)
        elif chunks is not None:
            written = _carry_chunks(file, data_set, chunks, told)
        elif _is_plain(data_set):
            written = _copy_plain(file, data_set, workers, told)
        else:
            written = _decode(file, data_set, workers, told)
        missing = acquisition.scan.size - written.frames
        tell(file, Story(state=names.COMPLETE, reason=f"converted from {acquisition.source}",
                         losses={"missing": missing, "corrupt": written.damaged}))  # fmt: skip
        _write_axes(file, acquisition)
    return written


def _dataset(
    file: h5py.File, acquisition: Acquisition, dtype: np.dtype[Any], plist: h5py.h5p.PropDCID
) -> h5py.Dataset:
    frames = group(file, names.DATA_GROUP, "NXdata")
    shape = (*acquisition.nav_shape, *acquisition.sig_shape)
    space = h5py.h5s.create_simple(shape)
    kind = h5py.h5t.py_create(dtype, logical=True)
    h5py.h5d.create(frames.id, b"data", kind, space, dcpl=plist)
    made: h5py.Dataset = frames["data"]
    made.attrs["image_nr_low"] = 1
    made.attrs["image_nr_high"] = acquisition.scan.size
    return made


def _carry_frames(
    file: h5py.File, acquisition: Acquisition, frames: EncodedFrames, told: Told
) -> Written:
    nav, sig = acquisition.nav_shape, acquisition.sig_shape
    form = ChunkForm.of(frames.encoding, frames.dtype, sig)
    plist = form.creation()
    plist.set_chunk((*(1 for _ in nav), *sig))
    dataset = _dataset(file, acquisition, form.dtype, plist)
    carried = damaged = 0
    size = len(frames.positions)
    keeps = form.keeps(frames.encoding)
    for done, (position, content) in enumerate(frames):
        payload = content.data
        chunk = form.chunk(payload, frames.encoding) if not keeps or not len(content) else None
        if not len(content) or (not keeps and chunk is None):
            damaged += 1
            continue
        place = (*(int(i) for i in np.unravel_index(position, nav)), *(0 for _ in sig))
        if chunk is None:
            dataset.id.write_direct_chunk(place, payload)
        else:
            dataset.id.write_direct_chunk(place, chunk.data, chunk.filter_mask)
        carried += 1
        if done % _TELL_EVERY == 0:
            told(done, size)
    told(size, size)
    return Written(carried=carried, damaged=damaged)


def _carry_chunks(
    file: h5py.File, data_set: FileDataSet, chunks: EncodedChunks, told: Told
) -> Written:
    acquisition = data_set.acquisition
    plist = _filters(chunks.chain, chunks.grid.lengths, acquisition.sig_shape)
    dataset = _dataset(file, acquisition, chunks.chain.dtype, plist)
    total = math.prod(chunks.chunks.table.shape[:-1])
    size = acquisition.scan.size
    for done, (place, skipped, content) in enumerate(chunks):
        if len(content):
            dataset.id.write_direct_chunk(place, content.data, skipped)
        if done % _TELL_EVERY == 0:
            told(size * done // total, size)
    told(size, size)
    return Written(carried=data_set.frames_placed)


def _filters(
    chain: FilterChain, lengths: tuple[int, ...], sig_shape: tuple[int, ...]
) -> h5py.h5p.PropDCID:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for name in chain.names:
        if name == DEFLATE:
            plist.set_deflate(6)
        elif name == SHUFFLE:
            plist.set_shuffle()
        elif name == FLETCHER32:
            plist.set_fletcher32()
        else:
            form = ChunkForm(name, chain.dtype, sig_shape)
            number, flags, values, _ = form.creation().get_filter(0)
            plist.set_filter(number, flags, values)
    plist.set_chunk(lengths)
    return plist


def _is_plain(data_set: FileDataSet) -> bool:
    """Whether every position has a frame that lies plainly in a file: nothing can be damaged."""
    plain = all(isinstance(segment.storage, MappedFrames) for segment in data_set.segments)
    return plain and bool(data_set.has_frame().all())


def _copy_plain(file: h5py.File, data_set: FileDataSet, workers: int, told: Told) -> Written:
    acquisition = data_set.acquisition
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dataset = _dataset(file, acquisition, acquisition.dtype, plist)
    nav = acquisition.nav_shape
    line = nav[-1]
    lock = threading.Lock()

    def write(positions: NDArray[np.int64], frames: NDArray[Any]) -> None:
        with lock:
            for at in np.split(
                np.arange(len(positions)), np.flatnonzero(np.diff(positions // line)) + 1
            ):
                *above, column = (int(i) for i in np.unravel_index(int(positions[at[0]]), nav))
                dataset[(*above, slice(column, column + len(at)))] = frames[at[0] : at[-1] + 1]

    # a piece within a line is one box of the array
    written = Decoding(data_set).run(write, workers, told)
    return Written(carried=written.decoded) if not data_set.acquisition.scan.sums else written


def _decode(file: h5py.File, data_set: FileDataSet, workers: int, told: Told) -> Written:
    acquisition = data_set.acquisition
    nav, sig = acquisition.nav_shape, acquisition.sig_shape
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((*(1 for _ in nav), *sig))
    dataset = _dataset(file, acquisition, acquisition.dtype, plist)
    lock = threading.Lock()

    def write(positions: NDArray[np.int64], frames: NDArray[Any]) -> None:
        whole = np.ascontiguousarray(frames)
        places = np.stack(np.unravel_index(positions, nav), axis=1).tolist()
        with lock:
            for place, frame in zip(places, whole, strict=True):
                dataset.id.write_direct_chunk((*place, *(0 for _ in sig)), frame)

    return Decoding(data_set).run(write, workers, told)


def _write_axes(file: h5py.File, acquisition: Acquisition) -> None:
    known = Calibration.of(acquisition.metadata)
    frames = file[names.DATA_GROUP]
    frames.attrs["signal"] = "data"
    frames["data"].attrs["units"] = "counts"
    made = (
        *axes("scan", acquisition.nav_shape, known.scan),
        *axes("detector", acquisition.sig_shape, known.detector),
    )
    frames.attrs["axes"] = [axis.name for axis in made]
    for i, axis in enumerate(made):
        frames[axis.name] = axis.values
        frames[axis.name].attrs["units"] = axis.unit
        frames[axis.name].attrs["long_name"] = axis.label
        frames.attrs[f"{axis.name}_indices"] = i
