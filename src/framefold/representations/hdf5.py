"""Results of a run as one HDF5 file in NeXus dress: arrays, where they mean something, and why."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.core.coverage import PositionState
from framefold.core.snapshot import Channel, Snapshot
from framefold.errors import DataError

_PACKAGES = ("framefold", "numpy", "numba", "h5py", "pyzmq")
"""Packages whose versions may matter for the numbers."""

_RESERVED = ("coverage", "acquisition", "process")
"""Groups of ours beside those of the UDFs."""


def write_results(
    path: str | os.PathLike[str],
    snapshot: Snapshot,
    provenance: Mapping[str, object],
    *,
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
    each UDF an NXcollection; each channel an NXdata with its array as ``@signal`` and the mask of
    its valid values beside it; ``/entry/coverage`` an NXdata with a state for every position.
    """
    target = Path(path).absolute()
    if target.is_dir():
        raise DataError(f"{target} is a directory; name a file in it")
    if target.exists() and not target.is_file():
        raise DataError(f"{target} is no regular file and is not replaced; choose another name")
    if target.exists() and not overwrite:
        raise DataError(f"{target} exists already; choose another name or allow overwriting")
    if not target.parent.is_dir():
        raise DataError(f"{target} cannot be written: the folder {target.parent} does not exist")
    with _replacing(target) as fresh, h5py.File(fresh, "w") as file:
        _write(file, snapshot, provenance)
    return target


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A new file beside the target, put in its place at the end if all went well."""
    try:
        # in the same folder, because only there it can be renamed in one step
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".part"
        )
        os.close(handle)
    except OSError as error:
        raise _refused(target, error) from error
    fresh = Path(name)
    try:
        yield fresh
        mask = os.umask(0)
        os.umask(mask)
        fresh.chmod(0o666 & ~mask)  # mkstemp makes it private
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.replace(target)
    except (OSError, RuntimeError) as error:  # the HDF5 library reports a full disk as either
        raise _refused(target, error) from error
    finally:
        fresh.unlink(missing_ok=True)


def _refused(target: Path, error: OSError | RuntimeError) -> DataError:
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC or "No space left" in str(error):
        # the library turns some failed writes into errors without a number
        return DataError(f"{target} cannot be written: the disk is full")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DataError(
            f"{target} cannot be written: the folder {target.parent} may not be written to by "
            "this user; choose another"
        )
    return DataError(f"{target} cannot be written: {error}")


def _write(file: h5py.File, snapshot: Snapshot, provenance: Mapping[str, object]) -> None:
    file.attrs["default"] = "entry"
    file.attrs["creator"] = "framefold"
    file.attrs["HDF5_Version"] = h5py.version.hdf5_version
    entry = _group(file, "entry", "NXentry")
    created = datetime.fromtimestamp(snapshot.created, tz=UTC).isoformat()
    entry["start_time"] = created
    entry["title"] = _text(snapshot.acquisition.source)
    entry.attrs["version"] = snapshot.version
    entry.attrs["state"] = snapshot.state.value
    entry.attrs["reason"] = _text(snapshot.reason)
    entry.attrs["merged"] = snapshot.merged
    entry.attrs["wanted"] = snapshot.wanted
    for udf, channels in snapshot.results.items():
        name = _name(udf, entry)
        group = _group(entry, name, "NXcollection")
        group.attrs["udf"] = _text(udf)
        for channel_name, channel in channels.items():
            _write_channel(group, channel_name, channel, snapshot)
        signal = next(iter(group), None)
        if signal is not None:
            group.attrs["default"] = signal
            if "default" not in entry.attrs:
                entry.attrs["default"] = name
    _write_coverage(entry, snapshot)
    _write_acquisition(entry, snapshot)
    _write_process(entry, snapshot, provenance)


def _write_channel(group: h5py.Group, name: str, channel: Channel, snapshot: Snapshot) -> None:
    data = _group(group, _name(name, group), "NXdata")
    data.attrs["signal"] = "data"
    data.attrs["auxiliary_signals"] = np.array(["valid"], dtype=h5py.string_dtype())
    data.attrs["axes"] = np.array(_axes(channel, snapshot), dtype=h5py.string_dtype())
    data.attrs["channel"] = _text(name)
    data.attrs["kind"] = channel.kind
    data.attrs["extra_shape"] = np.array(channel.extra_shape, dtype=np.int64)
    data.attrs["version"] = channel.version
    data.attrs["valid_fraction"] = channel.valid_fraction
    data.create_dataset("data", data=_storable(channel.data))
    valid = np.asarray(channel.valid)
    data.create_dataset("valid", data=valid)
    data["valid"].attrs["long_name"] = "where the values of data mean something"


def _axes(channel: Channel, snapshot: Snapshot) -> list[str]:
    """Names of the axes; a dot for those without one, as NeXus has it."""
    dims = channel.data.ndim
    if channel.kind == "nav":
        named = [f"scan_{i}" for i in range(len(snapshot.acquisition.nav_shape))]
    elif channel.kind == "sig":
        named = [f"detector_{i}" for i in range(len(snapshot.acquisition.sig_shape))]
    else:
        named = []
    return ["." if i >= len(named) else named[i] for i in range(dims)]


def _storable(data: NDArray[Any]) -> NDArray[Any]:
    """An array that HDF5 can hold; what is neither number nor bytes becomes the text of JSON."""
    if data.dtype.kind in "biufcS":
        return np.asarray(data)
    texts = [_json(value) for value in data.reshape(-1).tolist()]
    return np.array(texts, dtype=h5py.string_dtype()).reshape(data.shape)


def _text(value: str) -> str:
    """Text that HDF5 takes: UTF-8 without null bytes."""
    return (
        value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def _write_coverage(entry: h5py.Group, snapshot: Snapshot) -> None:
    group = _group(entry, "coverage", "NXdata")
    group.attrs["signal"] = "state"
    states = np.asarray(snapshot.coverage)
    group.create_dataset("state", data=states)
    names = [state.name.lower() for state in PositionState]
    group["state"].attrs["meanings"] = np.array(
        [f"{int(state)} {state.name.lower()}" for state in PositionState],
        dtype=h5py.string_dtype(),
    )
    group["state"].attrs["values"] = np.array([int(s) for s in PositionState], dtype=np.uint8)
    group["state"].attrs["names"] = np.array(names, dtype=h5py.string_dtype())
    losses = _group(entry, "losses", "NXcollection")
    for name, count in snapshot.losses.as_dict().items():
        losses[name] = count


def _write_acquisition(entry: h5py.Group, snapshot: Snapshot) -> None:
    acquisition = snapshot.acquisition
    group = _group(entry, "acquisition", "NXcollection")
    group["identifier"] = _text(acquisition.ident)
    group["source"] = _text(acquisition.source)
    group["nav_shape"] = np.array(acquisition.nav_shape, dtype=np.int64)
    group["sig_shape"] = np.array(acquisition.sig_shape, dtype=np.int64)
    group["sync_offset"] = acquisition.scan.sync_offset
    group["scan"] = _json(acquisition.scan.described())
    group["dtype"] = acquisition.dtype.str
    if acquisition.frames is not None:
        group["frames"] = acquisition.frames
    group["metadata"] = _json(acquisition.metadata)


def _write_process(entry: h5py.Group, snapshot: Snapshot, provenance: Mapping[str, object]) -> None:
    group = _group(entry, "process", "NXprocess")
    group["program"] = "framefold"
    group["version"] = _versions().get("framefold", "unknown")
    group["date"] = datetime.now(UTC).isoformat()
    note = _group(group, "provenance", "NXnote")
    note["type"] = "application/json"
    note["data"] = _json({"packages": _versions(), **provenance})
    for i, failure in enumerate(snapshot.failures):
        failed = _group(group, f"failure_{i}", "NXcollection")
        failed["udf"] = _text(failure.udf)
        failed["error"] = _text(failure.error)
        failed["traceback"] = _text(failure.traceback)


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):  # run from a source tree, or not needed
            found[name] = version(name)
    return found


def _group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    group = parent.create_group(name, track_order=True)
    group.attrs["NX_class"] = nexus_class
    return group


def _name(wanted: str, parent: h5py.Group) -> str:
    """A name that HDF5 takes and nothing beside it has."""
    plain = "".join(c if c.isalnum() or c in "_-." else "_" for c in wanted).strip(".") or "_"
    taken = {*parent, *_RESERVED, "losses"}
    found, i = plain, 1
    while found in taken:
        i += 1
        found = f"{plain}_{i}"
    return found


def _json(value: object) -> str:
    def plain(odd: object) -> object:
        if isinstance(odd, Mapping):
            return dict(odd)
        if isinstance(odd, np.generic):
            return odd.item()
        if isinstance(odd, np.ndarray):
            return odd.tolist() if odd.size <= 1024 else f"array {odd.shape} {odd.dtype}"
        if isinstance(odd, bytes):
            return odd.decode("utf-8", "replace")
        return str(odd)

    return _text(json.dumps(_keyed(value), default=plain))


def _keyed(value: object) -> object:
    """Mappings with text for keys, which is all that JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _keyed(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_keyed(entry) for entry in value]
    return value
