"""Results of a run as one HDF5 file in NeXus dress: arrays, where they mean something, and why."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import h5py
import numpy as np

from framefold.core.coverage import PositionState
from framefold.core.snapshot import Channel, Snapshot
from framefold.representations.calibration import Axis, Calibration, axes
from framefold.representations.nexus import (
    as_json,
    free_name,
    group,
    note,
    storable,
    text,
    texts,
)
from framefold.representations.written_whole import free_place, replacing

PROVENANCE = "entry/process/provenance/data"
"""Where the JSON text about the making of a file is."""

_PACKAGES = ("framefold", "numpy", "numba", "h5py", "hdf5plugin", "zarr", "pyzmq")
"""Packages whose versions may matter for the numbers."""

_RESERVED = ("coverage", "acquisition", "process", "losses")
"""Groups of ours beside those of the UDFs."""


def write_results(
    path: str | os.PathLike[str],
    snapshot: Snapshot,
    provenance: Mapping[str, object],
    *,
    calibration: Calibration | None = None,
    overwrite: bool = False,
) -> Path:
    """Write all results of a run to a file; it appears whole or not at all.

    Parameters
    ----------
    path : path-like
        Where to.
    snapshot : Snapshot
        What to write.
    provenance : mapping of str to object
        How it was made: UDFs with their parameters, command line, the source's identity ...;
        values that JSON does not know are written as their text.
    calibration : Calibration or None
        How far apart positions and pixels are; None for what the recording says.
    overwrite : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    pathlib.Path
        The file, absolute.

    Raises
    ------
    DataError
        If the file exists, its folder does not or may not be written to, or the disk is full.

    Notes
    -----
    Base classes: https://manual.nexusformat.org/classes/base_classes/. ``/entry`` is an NXentry;
    each UDF an NXcollection; each channel an NXdata with its array as ``@signal``, its axes, and
    the mask of its valid values beside it; ``/entry/coverage`` an NXdata with a state for every
    position.
    """
    target = free_place(path, overwrite=overwrite)
    known = calibration or Calibration.of(snapshot.acquisition.metadata)
    with replacing(target) as fresh, h5py.File(fresh, "w") as file:
        _write(file, snapshot, provenance, known)
    return target


def _write(
    file: h5py.File,
    snapshot: Snapshot,
    provenance: Mapping[str, object],
    calibration: Calibration,
) -> None:
    file.attrs["NX_class"] = "NXroot"
    file.attrs["default"] = "entry"
    file.attrs["creator"] = "framefold"
    file.attrs["HDF5_Version"] = h5py.version.hdf5_version
    file.attrs["h5py_version"] = h5py.version.version
    file.attrs["file_time"] = datetime.now(UTC).isoformat()
    entry = group(file, "entry", "NXentry")
    entry["start_time"] = datetime.fromtimestamp(snapshot.created, tz=UTC).isoformat()
    entry["title"] = text(snapshot.acquisition.source)
    entry.attrs["version"] = snapshot.version
    entry.attrs["state"] = snapshot.state.value
    entry.attrs["reason"] = text(snapshot.reason)
    entry.attrs["merged"] = snapshot.merged
    entry.attrs["wanted"] = snapshot.wanted
    acquisition = snapshot.acquisition
    named = {
        "nav": axes("scan", acquisition.nav_shape, calibration.scan),
        "sig": axes("detector", acquisition.sig_shape, calibration.detector),
        "single": (),
    }
    for udf, channels in snapshot.results.items():
        name = free_name(udf, {*entry, *_RESERVED})
        made = group(entry, name, "NXcollection")
        made.attrs["udf"] = text(udf)
        for channel_name, channel in channels.items():
            _write_channel(made, udf, channel_name, channel, named[channel.kind])
        signal = next(iter(made), None)
        if signal is not None:
            made.attrs["default"] = signal
            if "default" not in entry.attrs:
                entry.attrs["default"] = name
    _write_coverage(entry, snapshot, named["nav"])
    _write_acquisition(entry, snapshot, calibration)
    _write_process(entry, snapshot, provenance)


def _write_channel(
    parent: h5py.Group, udf: str, name: str, channel: Channel, along: Sequence[Axis]
) -> None:
    data = group(parent, free_name(name, set(parent)), "NXdata")
    data.attrs["signal"] = "data"
    data.attrs["auxiliary_signals"] = texts(["valid"])
    data.attrs["channel"] = text(name)
    data.attrs["kind"] = channel.kind
    data.attrs["extra_shape"] = np.array(channel.extra_shape, dtype=np.int64)
    data.attrs["version"] = channel.version
    data.attrs["valid_fraction"] = channel.valid_fraction
    data["title"] = text(f"{udf}: {name}")
    signal = data.create_dataset("data", data=storable(channel.data))
    signal.attrs["long_name"] = text(f"{udf}: {name}")
    if len(along) == 2 and channel.data.ndim == 2:
        # tells viewers that both axes belong to one picture
        signal.attrs["interpretation"] = "image"
    valid = data.create_dataset("valid", data=np.asarray(channel.valid))
    valid.attrs["long_name"] = "where the values of data mean something"
    _write_axes(data, along, channel.data.ndim)


def _write_axes(data: h5py.Group, along: Sequence[Axis], dims: int) -> None:
    """Name the axes and say where each index lies; a dot for those without one: NeXus has it so."""
    if not dims:
        return
    names = ["." if i >= len(along) else along[i].name for i in range(dims)]
    data.attrs["axes"] = texts(names)
    for i, axis in enumerate(along[:dims]):
        made = data.create_dataset(axis.name, data=axis.values)
        made.attrs["units"] = text(axis.unit)
        made.attrs["long_name"] = text(axis.label)
        data.attrs[f"{axis.name}_indices"] = i


def _write_coverage(entry: h5py.Group, snapshot: Snapshot, along: Sequence[Axis]) -> None:
    made = group(entry, "coverage", "NXdata")
    made.attrs["signal"] = "state"
    state = made.create_dataset("state", data=np.asarray(snapshot.coverage))
    state.attrs["long_name"] = "what became of each position"
    meanings = [f"{int(state)} {state.name.lower()}" for state in PositionState]
    state.attrs["meanings"] = texts(meanings)
    state.attrs["values"] = np.array([int(s) for s in PositionState], dtype=np.uint8)
    state.attrs["names"] = texts([s.name.lower() for s in PositionState])
    _write_axes(made, along, snapshot.coverage.ndim)
    losses = group(entry, "losses", "NXcollection")
    for name, count in snapshot.losses.as_dict().items():
        losses[name] = count


def _write_acquisition(entry: h5py.Group, snapshot: Snapshot, calibration: Calibration) -> None:
    acquisition = snapshot.acquisition
    made = group(entry, "acquisition", "NXcollection")
    made["identifier"] = text(acquisition.ident)
    made["source"] = text(acquisition.source)
    made["nav_shape"] = np.array(acquisition.nav_shape, dtype=np.int64)
    made["sig_shape"] = np.array(acquisition.sig_shape, dtype=np.int64)
    made["sync_offset"] = acquisition.scan.sync_offset
    made["scan"] = as_json(acquisition.scan.described())
    made["dtype"] = acquisition.dtype.str
    if acquisition.frames is not None:
        made["frames"] = acquisition.frames
    if acquisition.mask.excluded is not None:
        made["pixel_mask"] = acquisition.mask.excluded.astype(np.uint8)
    made["mask"] = as_json(acquisition.mask.described())
    made["metadata"] = as_json(acquisition.metadata)
    for name, step in (("scan", calibration.scan), ("detector", calibration.detector)):
        if step is not None:
            place = made.create_dataset(f"{name}_step", data=[step.slow, step.fast])
            place.attrs["units"] = text(step.unit)
            place.attrs["source"] = text(calibration.sources.get(name, ""))


def _write_process(entry: h5py.Group, snapshot: Snapshot, provenance: Mapping[str, object]) -> None:
    made = group(entry, "process", "NXprocess")
    made["program"] = "framefold"
    made["version"] = _versions().get("framefold", "unknown")
    made["date"] = datetime.now(UTC).isoformat()
    note(made, "provenance", {"packages": _versions(), **provenance})
    for i, failure in enumerate(snapshot.failures):
        failed = group(made, f"failure_{i}", "NXcollection")
        failed["udf"] = text(failure.udf)
        failed["error"] = text(failure.error)
        failed["traceback"] = text(failure.traceback)


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):  # run from a source tree, or not needed
            found[name] = version(name)
    return found
