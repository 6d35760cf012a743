from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels.moments import RegionMoments


def expected(frames: np.ndarray, region: np.ndarray) -> np.ndarray:
    wide = {"f": np.float64, "c": np.complex128}.get(frames.dtype.kind, object)
    inside = np.where(region, frames, 0).astype(wide)
    y, x = np.indices(region.shape).astype(object if wide is object else np.float64)
    weights = np.stack([np.ones_like(y), y, x]).reshape(3, -1)
    return inside.reshape(len(frames), region.size) @ weights.T


class TestRegionMoments:
    """Sum and first moments of each frame: exact for integers, from that frame alone."""

    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8", "?", "c8"])
    @settings(max_examples=15, deadline=None)
    @given(
        n=st.integers(0, 6),
        shape=st.tuples(st.integers(1, 40), st.integers(1, 70)),
        fill=st.sampled_from([0.0, 0.5, 1.0]),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_equals_numpy(
        self, dtype: str, n: int, shape: tuple[int, int], fill: float, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        region = rng.random(shape) < fill
        kind = np.dtype(dtype)
        if kind.kind in "ui":
            info = np.iinfo(kind)
            frames = rng.integers(info.min, info.max, (n, *shape), kind, endpoint=True)
        else:
            frames = (rng.random((n, *shape)) * 2).astype(kind)
        moments = RegionMoments(region, kind)

        sums = moments.apply(frames)

        truth = expected(frames, region)
        if kind.kind in "uib":
            assert sums.tolist() == truth.astype(int).tolist()
        else:
            np.testing.assert_allclose(sums, truth, rtol=1e-12)
        alone = [moments.apply(frames[f : f + 1]).tobytes() for f in range(n)]
        assert sums.tobytes() == b"".join(alone)

    def test_tall_full_scale_frames_do_not_overflow(self) -> None:
        frames = np.full((1, 70_000, 2), 65535, "u2")
        moments = RegionMoments(np.ones((70_000, 2), bool), np.dtype("u2"))

        total, along_y, along_x = moments.apply(frames)[0]

        assert not moments.exact  # column sums could overflow 32 bit: float64 then
        assert total == 140_000 * 65535
        assert along_y == 2 * 65535 * (70_000 * 69_999 // 2)
        assert along_x == 70_000 * 65535

    def test_refuses_frames_of_another_shape(self) -> None:
        with pytest.raises(ValueError, match="prepared for frames of"):
            RegionMoments(np.ones((2, 2), bool), np.dtype("u2")).apply(np.zeros((1, 2, 3), "u2"))
