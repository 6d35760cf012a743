"""Groups, names and values in HDF5 files that follow NeXus: what every file of ours is made of."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray


def group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    """A group that keeps the order of what is put into it."""
    made = parent.create_group(name, track_order=True)
    made.attrs["NX_class"] = nexus_class
    return made


def texts(values: Collection[str]) -> NDArray[Any]:
    """Texts as an array that HDF5 takes."""
    return np.array([text(value) for value in values], dtype=h5py.string_dtype())


def text(value: str) -> str:
    """Text that HDF5 takes: UTF-8 without null bytes."""
    return (
        value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name that HDF5 takes and nothing beside it has."""
    plain = "".join(c if c.isalnum() or c in "_-." else "_" for c in wanted).strip(".") or "_"
    found, i = plain, 1
    while found in taken:
        i += 1
        found = f"{plain}_{i}"
    return found


def note(parent: h5py.Group, name: str, facts: object) -> None:
    """Facts as an NXnote that holds JSON."""
    made = group(parent, name, "NXnote")
    made["type"] = "application/json"
    made["data"] = as_json(facts)


def storable(data: NDArray[Any]) -> NDArray[Any]:
    """An array that HDF5 can hold; what is neither number nor bytes becomes the text of JSON."""
    if data.dtype.kind in "biufcS":
        return np.asarray(data)
    found = [as_json(value) for value in data.reshape(-1).tolist()]
    return np.array(found, dtype=h5py.string_dtype()).reshape(data.shape)


def as_json(value: object) -> str:
    """Anything as the text of JSON; what JSON does not know as its text."""

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

    return text(json.dumps(_keyed(value), default=plain))


def _keyed(value: object) -> object:
    """Mappings with text for keys, which is all that JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _keyed(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_keyed(entry) for entry in value]
    return value
