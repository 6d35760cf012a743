"""HDF5 filters: which of them are codecs of ours, and what to say when one is missing."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from framefold.errors import DataError
from framefold.formats.filter_chain import SHUFFLE, UNDONE_HERE, FilterChain
from framefold.formats.library import offer_filters
from framefold.formats.opened import FileIdentity

LZ4_FILTER = 32004
BITSHUFFLE_FILTER = 32008
_BITSHUFFLE_LZ4 = 2
"""Fifth parameter of the bitshuffle filter; 3 is Zstandard, 0 no compression."""

_FILTERS = {
    1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset",
    307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle",
    32013: "zfp", 32015: "zstd", 32026: "blosc2",
}  # fmt: skip
"""Numbers registered with the HDF Group: https://github.com/HDFGroup/hdf5_plugins"""


def codec_of(dataset: h5py.Dataset) -> str | None:
    """The codec of ours that decodes the chunks, or None."""
    plist = dataset.id.get_create_plist()
    itemsize = dataset.dtype.itemsize
    if plist.get_nfilters() == 0:
        return "raw"
    if plist.get_nfilters() > 1:
        return None
    number, _, values, _ = plist.get_filter(0)
    if number == LZ4_FILTER:
        return "lz4-framed"
    return "bslz4" if number == BITSHUFFLE_FILTER and _is_bslz4(values, itemsize) else None


def _is_bslz4(values: tuple[int, ...], itemsize: int) -> bool:
    # [library major, minor, element size, block size, compression]
    return len(values) > 4 and values[2] == itemsize and values[4] == _BITSHUFFLE_LZ4


def chain_of(dataset: h5py.Dataset, dtype: np.dtype[Any]) -> FilterChain | None:
    """What was done to the chunks; None if there is a filter that only the library undoes.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset.
    dtype : numpy.dtype
        Pixel type as stored, byte order included.
    """
    plist = dataset.id.get_create_plist()
    found: list[str] = []
    for i in range(plist.get_nfilters()):
        number, _, values, _ = plist.get_filter(i)
        name = _FILTERS.get(number, "")
        if number == LZ4_FILTER:
            name = "lz4-framed"
        elif number == BITSHUFFLE_FILTER:
            name = "bslz4" if _is_bslz4(values, dtype.itemsize) else ""
        elif name == SHUFFLE and values and values[0] != dtype.itemsize:
            name = ""
        if name not in UNDONE_HERE:
            return None
        found.append(name)
    return FilterChain(tuple(found), dtype)


def filter_names(dataset: h5py.Dataset) -> tuple[str, ...]:
    """The filters of a dataset by name, in the order of writing."""
    plist = dataset.id.get_create_plist()
    numbers = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    return tuple(_FILTERS.get(number, f"filter {number}") for number in numbers)


def require_filters(dataset: h5py.Dataset, identity: FileIdentity) -> None:
    """Make sure that the library can decode a dataset.

    Raises
    ------
    DataError
        If a filter is missing; it names it and says where to get it.
    """
    plist = dataset.id.get_create_plist()
    for i in range(plist.get_nfilters()):
        number = plist.get_filter(i)[0]
        if h5py.h5z.filter_avail(number):
            continue
        installed = offer_filters()
        if h5py.h5z.filter_avail(number):
            continue
        advice = (
            "no installed package provides it"
            if installed
            else "install hdf5plugin (pip install 'framefold[formats]')"
        )
        raise DataError(
            f"{identity.path}:{dataset.name} is compressed with HDF5 filter {number} "
            f"({_FILTERS.get(number, 'unknown')}), which is not there; {advice}"
        )
