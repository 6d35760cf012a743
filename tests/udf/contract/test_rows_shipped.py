"""Rows 107 to 125 of the feature table: shipped UDFs against numpy, also on corrected frames.

What each of them does in every corner is held in ``tests/analyses``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from framefold.analyses import make_udf
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.record import RecordUDF
from framefold.core.corrections import CorrectionSet
from framefold.core.detector import correct
from framefold.udf import UDF
from udf.driver import Driver, run_udf

RNG = np.random.default_rng(14)
DATA = RNG.integers(0, 1000, (4, 5, 8, 9)).astype(np.uint16)
FRAMES = DATA.reshape(20, 8, 9).astype(np.float64)
Y, X = np.mgrid[:8, :9]
MASKS = RNG.random((3, 8, 9))


def results(name: str, **parameters: Any) -> dict[str, np.ndarray]:
    return {k: b.data for k, b in run_udf(DATA, make_udf(name, parameters), [7, 12]).items()}


def test_row_107_sum() -> None:
    assert np.array_equal(results("sum")["intensity"], FRAMES.sum(axis=0))


def test_row_108_sumsig() -> None:
    assert np.array_equal(results("sumsig")["intensity"].reshape(-1), FRAMES.sum(axis=(1, 2)))


def test_row_109_logsum() -> None:
    low = FRAMES.min(axis=(1, 2), keepdims=True)
    expected = np.log(FRAMES - low + 1).sum(axis=0)
    assert np.allclose(results("logsum")["logsum"], expected)


def test_row_110_stddev() -> None:
    found = results("stddev")
    assert np.allclose(found["std"], FRAMES.std(axis=0))
    assert np.allclose(found["var"], FRAMES.var(axis=0))
    assert np.allclose(found["mean"], FRAMES.mean(axis=0))
    assert np.array_equal(found["sum"], FRAMES.sum(axis=0))
    assert found["num_frames"].tolist() == [20]


@pytest.mark.parametrize("use_sparse", [None, False, "scipy.sparse", "scipy.sparse.csc"])
def test_row_111_and_112_masks(use_sparse: Any) -> None:
    udf = ApplyMasksUDF(mask_factories=lambda: MASKS, use_sparse=use_sparse)
    expected = np.tensordot(FRAMES, MASKS, ((1, 2), (1, 2)))
    found = run_udf(DATA, udf, [3])["intensity"]
    assert np.allclose(found.data.reshape(20, 3), expected)


def test_row_113_shifted_masks() -> None:
    shifts = RNG.integers(-2, 3, (4, 5, 2)).astype(np.float32)
    udf = ApplyMasksUDF(
        mask_factories=[lambda: MASKS[0]],
        shifts=UDF.aux_data(shifts, kind="nav", extra_shape=(2,), dtype="float32"),
    )
    found = run_udf(DATA, udf, [3])["intensity"].data.reshape(20)
    for i, (dy, dx) in enumerate(shifts.reshape(20, 2).astype(int)):
        moved = np.zeros((8, 9))
        moved[max(0, dy) : 8 + min(0, dy), max(0, dx) : 9 + min(0, dx)] = MASKS[0][
            max(0, -dy) : 8 + min(0, -dy), max(0, -dx) : 9 + min(0, -dx)
        ]
        assert np.isclose(found[i], (FRAMES[i] * moved).sum())


def test_row_116_pick() -> None:
    selection = RNG.random(20) < 0.4
    found = run_udf(DATA, make_udf("pick"), [2], selection=selection)["intensity"].data
    assert np.array_equal(found, FRAMES[selection])
    assert found.dtype == DATA.dtype


def test_row_117_noop() -> None:
    assert results("noop") == {}


def test_row_118_and_119_com() -> None:
    total = FRAMES.sum(axis=(1, 2))
    com = np.stack([(FRAMES * Y).sum(axis=(1, 2)), (FRAMES * X).sum(axis=(1, 2))], axis=-1)
    com = (com / total[:, np.newaxis]).reshape(4, 5, 2)
    found = results("com")
    shifts = com - (4, 4)
    assert np.allclose(found["raw_com"], com)
    assert np.allclose(found["field_y"], shifts[..., 0], atol=1e-5)
    assert np.allclose(found["magnitude"], np.hypot(*np.moveaxis(shifts, -1, 0)), atol=1e-5)
    gy = [np.gradient(shifts[..., i], axis=0) for i in (0, 1)]
    gx = [np.gradient(shifts[..., i], axis=1) for i in (0, 1)]
    assert np.allclose(found["divergence"], gy[0] + gx[1], atol=1e-5)
    assert np.allclose(found["curl"], gx[0] - gy[1], atol=1e-5)
    ring = (np.hypot(Y - 4, X - 4) <= 3) & (np.hypot(Y - 4, X - 4) > 1)
    inner = FRAMES * ring
    expected = (inner * Y).sum(axis=(1, 2)) / inner.sum(axis=(1, 2))
    turned = results("com", r=3, ri=1, flip_y=True, scan_rotation=180.0)
    assert np.allclose(turned["raw_com"][..., 0].reshape(-1), expected, atol=0.5)
    assert np.allclose(turned["field_y"], turned["raw_shifts"][..., 0], atol=1e-5)


def test_row_120_com_regression() -> None:
    found = results("com", regression=0)
    assert np.allclose(found["field"].mean(axis=(0, 1)), 0, atol=1e-5)
    assert np.allclose(results("com", regression=1)["field"].mean(axis=(0, 1)), 0, atol=1e-5)


def test_row_122_fem_and_crystallinity() -> None:
    found = results("fem", center=[4, 4], rad_in=1, rad_out=3)["intensity"]
    assert found.shape == (4, 5)
    assert (found > 0).all()
    found = results("crystallinity", rad_in=1, rad_out=3)["intensity"]
    assert found.shape == (4, 5)
    assert (found > 0).all()


def test_row_123_record(tmp_path: Path) -> None:
    path = tmp_path / "scan.npy"
    driver = Driver(DATA, RecordUDF(str(path)))
    driver.run([7])
    assert np.array_equal(np.load(path), DATA)
    path.unlink()
    Driver(DATA, RecordUDF(str(path))).reduction.mistakes()
    assert not np.load(path).any()  # a dry run writes nothing


def test_row_124_monitors() -> None:
    found = results("signal_monitor")
    assert any(np.array_equal(array, FRAMES[-1]) for array in found.values())
    found = results("partition_monitor")
    assert any(np.array_equal(array, FRAMES[12:].sum(axis=0)) for array in found.values())


BAD = np.zeros((8, 9), bool)
BAD[2, 2] = BAD[7, 8] = True
SHIPPED: dict[str, dict[str, Any]] = {
    "com": {},
    "crystallinity": {"rad_in": 1, "rad_out": 3},
    "fem": {"center": [4, 4], "rad_in": 1, "rad_out": 3},
    "logsum": {},
    "masks": {"mask_factories": MASKS.tolist()},
    "max": {},
    "partition_monitor": {},
    "pick": {},
    "radial_profile": {},
    "signal_monitor": {},
    "stddev": {},
    "sum": {},
    "sumsig": {},
    "virtual_detector": {"shape": "ring", "ri": 1, "ro": 3},
}


@pytest.mark.parametrize("name", SHIPPED)
def test_row_094_shipped_ones_see_corrected_frames(name: str) -> None:
    dark, gain = RNG.random((8, 9)) * 9, RNG.random((8, 9)) + 0.5
    made = CorrectionSet(dark, gain, BAD)
    corrected = correct(DATA, dark, gain, BAD)

    found = run_udf(DATA, make_udf(name, SHIPPED[name]), [7, 12], corrections=made)

    expected = run_udf(corrected, make_udf(name, SHIPPED[name]), [7, 12])
    assert found.keys() == expected.keys()
    for channel, buffer in expected.items():
        assert found[channel].dtype == buffer.dtype
        assert np.array_equal(found[channel].data, buffer.data, equal_nan=True), channel


def test_row_112_sparse_stacks() -> None:
    stack = scipy.sparse.csr_matrix((MASKS * (MASKS > 0.7)).reshape(3, -1))
    udf = ApplyMasksUDF(mask_factories=lambda: stack, mask_count=3, mask_dtype="float64")
    expected = FRAMES.reshape(20, -1) @ stack.toarray().T
    assert np.allclose(run_udf(DATA, udf)["intensity"].data.reshape(20, 3), expected)
