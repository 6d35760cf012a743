"""The kernel gives, bit by bit, what plain numpy gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.core.repair import RepairDescriptor
from framefold.kernels.corrections import correct_tile, warm

DTYPES = ("uint8", "uint16", "int32", "float32", "float64", "complex64", "bool", "float16")


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_equals_numpy(data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(DTYPES)))
    sig = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=6))
    frames = data.draw(st.integers(0, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    raw = (rng.random((frames, *sig)) * 100).astype(dtype)
    kind = np.result_type(dtype, np.float32)
    dark = (rng.random(sig) * 9).astype(kind) if data.draw(st.booleans()) else None
    gain = (rng.random(sig) + 0.5).astype(kind) if data.draw(st.booleans()) else None
    repairs = RepairDescriptor(sig, rng.random(sig) < 0.2, allow_empty=True)

    expected = raw.astype(kind)
    if dark is not None:
        expected -= dark
    if gain is not None:
        expected *= gain
    repairs.repair(expected.reshape(frames, int(np.prod(sig))))

    out = np.empty(raw.shape, kind)
    none = np.empty(0, kind)
    correct_tile(
        raw,
        none if dark is None else dark.reshape(-1),
        none if gain is None else gain.reshape(-1),
        (repairs.excluded, repairs.neighbours, repairs.counts),
        out,
    )
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_warm(dtype: str) -> None:
    warm(np.dtype(dtype))
