"""A result file as the snapshot that it was written from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.losses import Losses
from framefold.core.pixel_mask import PixelMask
from framefold.core.scan import Scan
from framefold.core.snapshot import Channel, RunState, Snapshot, UDFFailure
from framefold.representations.result_file import channels, failures, opened, provenance


def read_snapshot(
    path: str | os.PathLike[str], *, arrays: bool = True
) -> tuple[Snapshot, Mapping[str, object]]:
    """Read a result file.

    Parameters
    ----------
    path : path-like
        A file of `write_results`.
    arrays : bool
        Whether results and coverage are read, too; else they are empty.

    Returns
    -------
    snapshot : Snapshot
        As it was, but for the rule of the scan, of which only shape and offset are known.
    provenance : mapping of str to object
        What its maker wrote down.

    Raises
    ------
    DataError
        If it is no such file, or damaged.
    """
    with opened(path) as file:
        entry = file["entry"]
        room = Path(path).stat().st_size
        snapshot = Snapshot(
            version=int(entry.attrs["version"]),
            acquisition=_acquisition(entry["acquisition"], room),
            state=RunState(str(entry.attrs["state"])),
            reason=str(entry.attrs["reason"]),
            results=_results(file, room) if arrays else {},
            coverage=_array(entry["coverage/state"], room) if arrays else np.zeros(0, np.uint8),
            merged=int(entry.attrs["merged"]),
            wanted=int(entry.attrs["wanted"]),
            losses=_losses(entry["losses"]),
            failures=_failures(file),
            created=datetime.fromisoformat(entry["start_time"].asstr()[()]).timestamp(),
        )
        return snapshot, provenance(file)


def _acquisition(group: h5py.Group, room: int) -> Acquisition:
    mask = json.loads(group["mask"].asstr()[()])
    excluded = _array(group["pixel_mask"], room).astype(bool) if "pixel_mask" in group else None
    nav_shape = tuple(int(n) for n in group["nav_shape"][()])
    return Acquisition(
        ident=str(group["identifier"].asstr()[()]),
        source=str(group["source"].asstr()[()]),
        scan=Scan(nav_shape, int(group["sync_offset"][()])),
        sig_shape=tuple(int(n) for n in group["sig_shape"][()]),
        dtype=np.dtype(str(group["dtype"].asstr()[()])),
        frames=int(group["frames"][()]) if "frames" in group else None,
        metadata=json.loads(group["metadata"].asstr()[()]),
        mask=PixelMask(excluded, mask["sentinel"], mask["masked"]),
    )


def _results(file: h5py.File, room: int) -> dict[str, dict[str, Channel]]:
    found: dict[str, dict[str, Channel]] = {}
    for (udf, name), group in channels(file).items():
        found.setdefault(udf, {})[name] = Channel(
            str(group.attrs["kind"]),
            _array(group["data"], room),
            _array(group["valid"], room),
            tuple(int(n) for n in group.attrs["extra_shape"]),
            int(group.attrs["version"]),
        )
    return found


def _array(dataset: h5py.Dataset, room: int) -> NDArray[Any]:
    """What is in a dataset; no more than the file can hold, whatever its shape promises."""
    if dataset.nbytes > room:
        raise ValueError(f"{dataset.name} promises {dataset.nbytes} bytes in a file of {room}")
    found: NDArray[Any] = np.asarray(dataset[()])
    found.flags.writeable = False
    return found


def _losses(group: h5py.Group) -> Losses:
    return Losses(**{f.name: int(group[f.name][()]) for f in fields(Losses) if f.name in group})


def _failures(file: h5py.File) -> tuple[UDFFailure, ...]:
    return tuple(
        UDFFailure(*(str(one[key].asstr()[()]) for key in ("udf", "error", "traceback")))
        for one in failures(file)
    )
