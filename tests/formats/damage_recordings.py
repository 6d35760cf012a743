"""A small recording of each format, in a folder of its own, for those who damage them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
import h5py
import hdf5plugin
import numpy as np
import zarr
from numpy.typing import NDArray

from e2e.wires import wire
from formats.test_empad import write_raw, write_xml
from formats.test_recordings_of_ours import log, record
from formats.test_tpx3 import chunk, hit, written
from formats.test_velox import written as write_velox
from formats.test_zmq_dump import dump
from framefold.conversion import convert
from framefold.formats import open_dataset
from made_files import WRITERS, write_tiff
from merlin_files import write_mib
from recordings_for_tests import counts, write_bslz4, write_series

NAV, SIG = (4, 5), (6, 8)


@dataclass(frozen=True)
class Made:
    """A recording to be damaged.

    Parameters
    ----------
    path : Path
        What is opened.
    options : dict
        How.
    within : tuple of (int, int)
        Bytes of it whose damage the format lets one know of: no wrong frame may come from them.
    """

    path: Path
    options: dict[str, Any]
    within: tuple[tuple[int, int], ...] = ()


def frames(dtype: str = "u2") -> NDArray[Any]:
    return counts(NAV, SIG, dtype)


def _hdf5(folder: Path, chunks: tuple[int, ...] | None, **how: Any) -> Made:
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=frames(), chunks=chunks, **how)
    return Made(path, {})


def _checked(folder: Path) -> Made:
    made = _hdf5(folder, (2, 3, 6, 4), fletcher32=True, compression="gzip", shuffle=True)
    found: list[tuple[int, int]] = []
    with h5py.File(made.path) as file:
        file["d"].id.chunk_iter(lambda c: found.append((c.byte_offset, c.byte_offset + c.size)))
    return Made(made.path, {}, tuple(found))


def _npy(folder: Path) -> Made:
    np.save(folder / "a.npy", frames())
    return Made(folder / "a.npy", {})


def _raw(folder: Path) -> Made:
    frames().tofile(folder / "a.bin")
    return Made(folder / "a.bin", {"dtype": "u2", "sig_shape": SIG, "frame_header_bytes": 0})


def _kept(language: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        with (folder / "a.cbors").open("wb") as file:
            for parts in wire(frames(), language):
                one = [bytes(part) for part in parts]
                file.write(one[0] if one[0][:3] == b"\xd9\xd9\xf7" else cbor2.dumps(one))
        return Made(folder / "a.cbors", {"nav_shape": NAV})

    return make


def _wire_log(level: int | None) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        path = log(folder / "a.fflog", wire(frames(), "simplon-v1"), level)
        return Made(path, {"nav_shape": NAV}, ((0, path.stat().st_size),))

    return make


def _mib(**form: Any) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        sig = {True: (2, 256), False: SIG}[bool(form.get("raw"))]
        sig = (4, 512) if "layout" in form else sig
        data = counts((20,), sig) % 4096
        return Made(write_mib(folder / "a.mib", data, hdr={"ScanX": 5, "ScanY": 4}, **form), {})

    return make


def _empad(folder: Path) -> Made:
    write_raw(folder / "a.raw", 4)
    inner = "<pix_x>2</pix_x><pix_y>2</pix_y>"
    return Made(write_xml(folder / "a.xml", "a.raw", inner), {})


def _tpx3(folder: Path) -> Made:
    hits = [[hit(1000 + 64 * i, i % 256, 3 * i % 256) for i in range(40)] for _ in range(4)]
    written(folder / "a.tpx3", *(chunk(chip, words) for chip, words in enumerate(hits)))
    return Made(folder / "a.tpx3", {"frame_time": 1e-6})


def _zarr(**how: Any) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        data = frames()
        array = zarr.create_array(folder / "a.zarr", shape=data.shape, dtype="u2", **how)
        array[...] = data
        return Made(folder / "a.zarr", {})

    return make


def _converted(folder: Path) -> Made:
    source = write_bslz4(folder / "source.h5", frames())
    convert(open_dataset(source), folder / "a.h5")
    source.unlink()
    return Made(folder / "a.h5", {})


def _other(name: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        data = counts((7,), (6, 6), "u1" if name == "blo" else "u2")
        return Made(WRITERS[name](folder, data), {})

    return make


MAKERS: dict[str, Callable[[Path], Made]] = {
    "npy": _npy,
    "raw": _raw,
    "hdf5 contiguous": lambda folder: _hdf5(folder, None),
    "hdf5 bslz4": lambda folder: Made(write_bslz4(folder / "a.h5", frames()), {}),
    "hdf5 chunks of many": lambda folder: _hdf5(folder, (2, 3, 6, 4), **hdf5plugin.Bitshuffle()),
    "hdf5 plain chunks": lambda folder: _hdf5(folder, (2, 2, 6, 8)),
    "hdf5 lz4": lambda folder: _hdf5(folder, (1, 5, 6, 8), **hdf5plugin.LZ4()),
    "hdf5 by library": lambda folder: _hdf5(folder, (2, 3, 6, 4), **hdf5plugin.Zstd()),
    "hdf5 checked": _checked,
    "simplon_h5": lambda folder: Made(write_series(folder, counts((20,), SIG), 7), {}),
    "recording": lambda folder: Made(record(folder, frames()), {}),
    "converted": _converted,
    "velox": lambda folder: Made(write_velox(folder / "a.emd", counts((7,), (8, 6))), {}),
    "simplon_stream v1": _kept("simplon-v1"),
    "simplon_stream v2": _kept("simplon-v2"),
    "zmq_dump": lambda folder: Made(
        dump(folder / "a.dat", wire(frames(), "simplon-v1")), {"nav_shape": NAV}
    ),
    "wire_log": _wire_log(None),
    "wire_log zstd": _wire_log(3),
    "mib": _mib(),
    "mib packed": _mib(raw=True),
    "mib quad": _mib(raw=True, layout="2x2"),
    "empad": _empad,
    "tpx3": _tpx3,
    "zarr": _zarr(chunks=(1, 5, 6, 8)),
    "zarr boxes": _zarr(chunks=(2, 3, 6, 4)),
    "zarr plain": _zarr(chunks=(1, 1, 6, 8), compressors=None),
    "tiff packed": lambda folder: Made(
        write_tiff(folder, counts((7,), (6, 6)), compression="zlib"), {}
    ),
    **{name: _other(name) for name in WRITERS},
}
