from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels import dots
from framefold.kernels.dots import pad_masks
from framefold.kernels.masks import PackedMasks, apply_plainly
from framefold.kernels.rows import as_rows

FRAMES = ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8", "?", "i8", "c8"]
MASKS = ["?", "u1", "i8", "f4", "f8", "c8", "c16"]


def values(dtype: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < 0.4
    if kind.kind in "ui":
        return rng.integers(max(np.iinfo(kind).min, -90), 90, shape).astype(kind)
    if kind.kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(kind)
    return rng.normal(size=shape).astype(kind)


@pytest.mark.parametrize("frame_dtype", FRAMES)
@pytest.mark.parametrize("mask_dtype", MASKS)
class TestEveryPair:
    """Frames and masks of any dtype: numpy's answer, the same bits for any number of frames."""

    @settings(max_examples=8, deadline=None)
    @given(
        n=st.integers(0, 18),
        m=st.integers(1, 8),
        pixels=st.sampled_from([0, 1, 15, 16, 17, 100, 2048, 2063, 4097]),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_equals_numpy(
        self, frame_dtype: str, mask_dtype: str, n: int, m: int, pixels: int, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        frames = values(frame_dtype, (n, pixels), rng)
        masks = values(mask_dtype, (m, pixels), rng)
        packed = PackedMasks(masks, frames.dtype)

        found = packed.apply(frames)

        wide = np.complex128 if "c" in frame_dtype + mask_dtype else np.float64
        expected = frames.astype(wide) @ masks.T.astype(wide)
        if frame_dtype[0] in "ui?" and mask_dtype[0] in "ui?":
            assert np.array_equal(found, expected)
        else:
            scale = np.abs(frames).astype(float) @ np.abs(masks).T.astype(float) + 1e-30
            single = (
                np.result_type(frame_dtype, mask_dtype, "f4").itemsize < 8 or "c8" in mask_dtype
            )
            assert (np.abs(found - expected) <= scale * (1e-5 if single else 1e-13)).all()
        alone = [packed.apply(frames[f : f + 1]).tobytes() for f in range(n)]
        assert found.tobytes() == b"".join(alone)


class TestRegisters:
    """The register blocks of machines with few and with many registers give the same bits."""

    def test_blocks_do_not_show(self) -> None:
        rng = np.random.default_rng(1)
        rows = as_rows(rng.integers(0, 900, (11, 128)).astype(np.uint16))
        for count in (1, 2, 3, 4, 5, 7, 16):
            masks = pad_masks(rng.random((count, 128)), np.dtype(np.float32))
            few, many = np.zeros((2, len(rows), count))
            dots._dot_block_of_16(rows, 0, masks, 0, 128, few)
            dots._dot_block_of_32(rows, 0, masks, 0, 128, many)

            assert few.tobytes() == many.tobytes(), count
            assert np.allclose(few, rows @ masks.T.astype(np.float64), rtol=1e-5), count


class TestWays:
    """The way follows from the dtypes and from the shape of the masks."""

    def test_disk_on_integers_is_runs(self) -> None:
        y, x = np.ogrid[:64, :64]
        disk = (y - 30) ** 2 + (x - 33) ** 2 <= 20**2

        assert PackedMasks(disk[None], "u2").way == "runs"

    def test_checkerboard_on_integers_is_dense_and_exact(self) -> None:
        board = np.indices((64, 64)).sum(axis=0) % 2 == 0
        frames = np.full((3, 64, 64), 65535, "u2")
        packed = PackedMasks(board[None], "u2")

        assert packed.way == "dense"
        assert packed.apply(frames).tolist() == [[32 * 64 * 65535]] * 3

    def test_heavy_weights_stay_exact_beyond_doubles(self) -> None:
        weights = np.full((1, 8), 2**25 + 1)
        weights[0, 1::2] = -1
        frames = np.full((1, 8), 2**32 - 1, "u4")
        packed = PackedMasks(weights, "u4")

        assert packed.way == "runs"
        assert packed.apply(frames).tolist() == [[int(weights.sum()) * (2**32 - 1)]]

    @pytest.mark.parametrize(
        ("frame", "mask", "way"),
        [
            ("u2", "f4", "dense"),
            ("u2", "c8", "complex"),
            ("c8", "f4", "plain"),
            ("i8", "?", "plain"),
        ],
    )
    def test_by_dtype(self, frame: str, mask: str, way: str) -> None:
        assert PackedMasks(np.ones((1, 8), mask), frame).way == way

    def test_refuses_frames_of_another_dtype(self) -> None:
        with pytest.raises(ValueError, match="packed for 4 pixels of uint16"):
            PackedMasks(np.ones((1, 4)), "u2").apply(np.zeros((1, 4), "u1"))


class TestApplyPlainly:
    """The plain numpy version keeps integers exact."""

    def test_integers(self) -> None:
        big = np.array([[2**60, 1]])

        assert apply_plainly(big, np.array([[True, True]])).tolist() == [[2**60 + 1]]
