"""Rows 99 and 101 to 104 of the feature table: recorded files as data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from framefold.analyses.pick import PickUDF
from framefold.analyses.sumsig import SumSigUDF
from framefold.api import Context
from framefold.errors import DataError, ParameterError
from recordings_for_tests import write_series

RNG = np.random.default_rng(16)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
RAW = {"dtype": "<u2", "nav_shape": (4, 5), "sig_shape": (6, 7)}


def write_raw(path: Path) -> dict[str, Any]:
    DATA.astype("<u2").tofile(path)
    return {"type": "raw", **RAW}


def write_big_endian(path: Path) -> dict[str, Any]:
    DATA.astype(">u2").tofile(path)
    return {"type": "raw", **RAW, "dtype": ">u2"}


def write_npy(path: Path) -> dict[str, Any]:
    with path.open("wb") as file:
        np.save(file, DATA)
    return {"type": "npy"}


def write_hdf5(path: Path) -> dict[str, Any]:
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/frames", data=DATA, chunks=(1, 2, 6, 7), compression="gzip")
    return {"type": "hdf5", "ds_path": "entry/frames"}


WRITERS = [write_raw, write_big_endian, write_npy, write_hdf5]


def load(ctx: Context, path: Path, facts: dict[str, Any], **more: Any) -> Any:
    options = {**facts, **more}
    return ctx.load(options.pop("type"), path=path, **options)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("where", ["ctx", "two_workers"])
def test_row_101_readers(
    write: Callable[[Path], dict[str, Any]],
    where: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    context: Context = request.getfixturevalue(where)
    path = tmp_path / "scan"
    facts = write(path)
    roi = RNG.random((4, 5)) < 0.6

    dataset = load(context, path, facts, num_partitions=3)
    picked: Any = context.run_udf(dataset=dataset, udf=PickUDF(), roi=roi)

    assert dataset.shape.to_tuple() == DATA.shape
    assert dataset.dtype == np.uint16
    assert dataset.get_num_partitions() == 3
    assert np.array_equal(picked["intensity"].data, DATA[roi])


@pytest.mark.parametrize("offset", [-3, 4])
@pytest.mark.parametrize("write", WRITERS)
def test_row_101_common_parameters(
    ctx: Context, write: Callable[[Path], dict[str, Any]], offset: int, tmp_path: Path
) -> None:
    path = tmp_path / "scan"
    facts = write(path)

    dataset = load(ctx, path, facts, nav_shape=(3, 6), sig_shape=(7, 6), sync_offset=offset)
    found: Any = ctx.run_udf(dataset, SumSigUDF())

    frames = DATA.reshape(20, -1).sum(axis=1)
    expected, valid = np.zeros(18), np.zeros(18, bool)
    for position in range(18):
        if 0 <= position + offset < 20:
            expected[position], valid[position] = frames[position + offset], True
    assert dataset.shape.to_tuple() == (3, 6, 7, 6)
    assert np.array_equal(found["intensity"].raw_data, expected)
    assert np.array_equal(found["intensity"].valid_mask, valid.reshape(3, 6))
    info = dataset.get_sync_offset_info()
    assert info["frames_skipped_start"] == max(0, offset)
    assert info["frames_inserted_start"] == max(0, -offset)


@pytest.mark.parametrize("write", [write_npy, write_hdf5])
def test_row_101_signal_axes(
    ctx: Context, write: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "scan"
    facts = write(path)
    dataset = load(ctx, path, facts, sig_dims=1)
    assert dataset.shape.sig.dims == 1
    found: Any = ctx.run_udf(dataset, SumSigUDF())
    assert np.array_equal(found["intensity"].data, DATA.sum(axis=3))


def test_row_102_vendors(ctx: Context, tmp_path: Path) -> None:
    """A series of a DECTRIS detector, by its master file; one of its files is lost."""
    master = write_series(tmp_path, DATA.reshape(20, 6, 7), per_file=8)
    dataset = ctx.load("auto", path=master, nav_shape=(4, 5))
    assert dataset.facts.format == "simplon_h5"
    found: Any = ctx.run_udf(dataset, SumSigUDF())
    assert np.array_equal(found["intensity"].data, DATA.sum(axis=(2, 3)))

    (tmp_path / "scan_data_000002.h5").unlink()
    dataset = ctx.load("auto", path=master, nav_shape=(4, 5))
    found = ctx.run_udf(dataset, SumSigUDF())
    there = np.ones(20, bool)
    there[8:16] = False
    assert np.array_equal(found["intensity"].valid_mask.reshape(-1), there)
    assert np.array_equal(
        found["intensity"].raw_data[there], DATA.reshape(20, -1).sum(axis=1)[there]
    )


@pytest.mark.parametrize(
    ("write", "name"), [(write_npy, "npy"), (write_hdf5, "hdf5")], ids=["npy", "hdf5"]
)
def test_row_103_found_by_content(
    ctx: Context, write: Callable[[Path], dict[str, Any]], name: str, tmp_path: Path
) -> None:
    path = tmp_path / "scan.of_any_name"
    write(path)
    for dataset in (ctx.load("auto", path=path), ctx.load("auto", path), ctx.load(path)):
        assert dataset.facts.format == name
        found: Any = ctx.run_udf(dataset, SumSigUDF())
        assert np.array_equal(found["intensity"].data, DATA.sum(axis=(2, 3)))


def test_row_103_what_nobody_knows(ctx: Context, tmp_path: Path) -> None:
    path = tmp_path / "scan.bin"
    DATA.tofile(path)
    with pytest.raises(DataError, match="in no known format") as caught:
        ctx.load("auto", path=path)
    assert "format='raw' with dtype, sig_shape and nav_shape" in str(caught.value)
    with pytest.raises(ParameterError, match="give sig_shape"):
        ctx.load("raw", path=path, dtype="u2")
    with pytest.raises(DataError):
        ctx.load("auto", path=tmp_path / "missing")


@pytest.mark.parametrize("write", WRITERS)
def test_row_104_diagnostics(
    ctx: Context, write: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "scan"
    facts = write(path)
    told = load(ctx, path, facts).diagnostics
    assert all(set(entry) == {"name", "value"} for entry in told)
    by_name = {entry["name"]: entry["value"] for entry in told}
    assert str(path) in by_name["Source"]
    assert facts["type"] in by_name["Format"]
    assert "(4, 5)" in by_name["Scan"]
    assert by_name["Detector"] == "(6, 7)"
    assert by_name["Frames"] == "20 of 20"
    assert by_name["Problems"] == "none"


@pytest.mark.parametrize("write", WRITERS)
def test_row_099_ways_to_read(
    ctx: Context, write: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    """One way to read is enough: ``io_backend`` is taken, and changes nothing."""
    path = tmp_path / "scan"
    facts = write(path)
    found = [
        ctx.run_udf(load(ctx, path, facts, io_backend=backend), SumSigUDF())
        for backend in (None, object())
    ]
    for one in found:
        assert np.array_equal(one["intensity"].data, DATA.sum(axis=(2, 3)))
    in_memory = ctx.load("memory", data=DATA, io_backend=object())
    assert np.array_equal(in_memory.data, DATA)
