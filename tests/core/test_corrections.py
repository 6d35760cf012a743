"""CorrectionSet, and corrections as functions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse

from framefold.core.corrections import CorrectionSet, corrected_dtype
from framefold.core.detector import RepairDescriptor, correct, correct_dot_masks
from framefold.core.shape import Shape, Slice
from framefold.errors import CorrectError, RepairValueError, ShapeError

RNG = np.random.default_rng(3)
SIG = (7, 9)
DARK = RNG.random(SIG)
GAIN = RNG.random(SIG) + 0.5
BAD = np.zeros(SIG, bool)
BAD[0, 0] = BAD[3, 4] = BAD[3, 5] = BAD[6, 8] = True
WHOLE = Slice((0, 0, 0), Shape((5, *SIG), 2))


def frames(dtype: str = "uint16") -> np.ndarray:
    return RNG.integers(0, 1000, (5, *SIG)).astype(dtype)


class TestSet:
    """What is held, and when it is refused."""

    def test_empty(self) -> None:
        empty = CorrectionSet()
        assert not empty.have_corrections()
        assert empty.get_dark_frame() is empty.get_gain_map() is empty.get_excluded_pixels() is None
        assert empty.sig_shape is None
        empty.check_fits((3, 3))
        data = frames("float32")
        kept = data.copy()
        empty.apply(data, WHOLE)
        assert np.array_equal(data, kept)
        assert not CorrectionSet(excluded_pixels=np.zeros(SIG)).have_corrections()

    def test_holds_copies(self) -> None:
        dark = DARK.copy()
        made = CorrectionSet(dark, GAIN, BAD)
        dark[:] = 0
        assert np.array_equal(made.get_dark_frame(), DARK)
        assert np.array_equal(made.get_excluded_pixels(), BAD)
        assert made.have_corrections()

    def test_refusals(self) -> None:
        with pytest.raises(ShapeError):
            CorrectionSet(DARK, GAIN[1:])
        with pytest.raises(RepairValueError):
            CorrectionSet(excluded_pixels=np.ones(SIG))
        CorrectionSet(excluded_pixels=np.ones(SIG), allow_empty=True)
        with pytest.raises(ShapeError):
            CorrectionSet(DARK).check_fits((3, 3))
        with pytest.raises(TypeError):
            CorrectionSet(DARK).apply(frames(), WHOLE)

    def test_travels(self) -> None:
        made = pickle.loads(pickle.dumps(CorrectionSet(DARK, GAIN, BAD)))
        assert np.array_equal(made.get_gain_map(), GAIN)
        assert len(made.repairs) == 4
        assert "excluded_pixels=4" in repr(made)

    def test_apply_equals_correct(self) -> None:
        raw = frames("float32")
        expected = correct(raw, DARK, GAIN, BAD)
        CorrectionSet(DARK, GAIN, BAD).apply(raw, WHOLE)
        assert np.array_equal(raw, expected)

    def test_apply_to_a_part(self) -> None:
        raw = frames("float64")
        expected = correct(raw, DARK, GAIN)
        part = raw[:, 2:5, 1:4].copy()
        CorrectionSet(DARK, GAIN).apply(part, Slice((0, 2, 1), Shape((5, 3, 3), 2)))
        assert np.array_equal(part, expected[:, 2:5, 1:4])

    def test_tile_shape(self) -> None:
        bad = np.zeros((16, 16), bool)
        bad[4, 1] = True
        made = CorrectionSet(excluded_pixels=bad)
        height, width = made.adjust_tileshape((4, 4), (16, 16), (1, 1))
        assert (height, width) == (3, 4)  # a border at 4 would touch row 4
        # neither 4 nor 2 will do, and 6 is the next multiple
        assert made.adjust_tileshape((4, 4), (16, 16), (2, 1)) == (6, 4)
        assert CorrectionSet().adjust_tileshape((4, 4), (16, 16), (1, 1)) == (4, 4)
        everywhere = CorrectionSet(excluded_pixels=np.eye(16))
        assert everywhere.adjust_tileshape((4, 4), (16, 16), (2, 2)) == (16, 16)


class TestCorrect:
    """The function."""

    @pytest.mark.parametrize("dtype", ["uint16", "int64", "float32", "complex64"])
    def test_order(self, dtype: str) -> None:
        raw = frames(dtype)
        result = correct(raw, DARK, GAIN, BAD)
        assert result.dtype == corrected_dtype(dtype)
        expected = (raw.astype(result.dtype) - DARK.astype(result.dtype)) * GAIN.astype(
            result.dtype
        )
        assert np.array_equal(result[:, ~BAD], expected[:, ~BAD])
        around = [(2, 3), (2, 4), (2, 5), (3, 3), (4, 3), (4, 4), (4, 5)]
        mean = np.mean([expected[:, y, x] for y, x in around], axis=0)
        assert np.allclose(result[:, 3, 4], mean)

    def test_in_place(self) -> None:
        raw = frames("float32")
        expected = correct(raw, DARK)
        assert correct(raw, DARK, inplace=True) is raw
        assert np.array_equal(raw, expected)
        with pytest.raises(TypeError):
            correct(frames(), DARK, inplace=True)
        with pytest.raises(CorrectError):
            correct(frames("float32")[..., ::-1], DARK, inplace=True)

    def test_shapes(self) -> None:
        with pytest.raises(ValueError, match="nothing tells the shape"):
            correct(frames())
        assert correct(frames(), sig_shape=SIG).dtype == np.float32
        prepared = RepairDescriptor(SIG, BAD)
        assert np.array_equal(
            correct(frames_of(4), repair_descriptor=prepared),
            correct(frames_of(4), excluded_pixels=BAD),
        )
        with pytest.raises(ValueError, match="not both"):
            correct(frames(), excluded_pixels=BAD, repair_descriptor=prepared)
        with pytest.raises(ShapeError):
            correct(frames(), DARK, GAIN[1:])
        with pytest.raises(ShapeError):
            correct(frames()[:, 1:], DARK)


def frames_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1000, (5, *SIG))


class TestMasks:
    """Corrections folded into masks."""

    def test_same_products(self) -> None:
        masks = RNG.random((3, *SIG))
        raw = frames_of(1).astype(float)
        expected = np.tensordot(correct(raw, None, GAIN, BAD), masks, ((1, 2), (1, 2)))
        folded = correct_dot_masks(masks, GAIN, BAD)
        assert np.allclose(np.tensordot(raw, folded, ((1, 2), (1, 2))), expected)

    def test_no_good_neighbour(self) -> None:
        masks, everything = RNG.random((1, *SIG)), np.ones(SIG)
        with pytest.raises(RepairValueError):
            correct_dot_masks(masks, GAIN, everything)
        assert np.allclose(
            correct_dot_masks(masks, GAIN, everything, allow_empty=True), masks * GAIN
        )

    def test_kinds(self) -> None:
        sparse = pytest.importorskip("sparse")
        masks = RNG.random((3, *SIG))
        expected = correct_dot_masks(masks, GAIN, BAD)
        coo = correct_dot_masks(sparse.COO(masks), GAIN, BAD)
        assert isinstance(coo, sparse.COO)
        assert np.array_equal(coo.todense(), expected)
        csr = correct_dot_masks(scipy.sparse.csr_matrix(masks.reshape(3, -1)), GAIN, BAD)
        assert isinstance(csr, scipy.sparse.csr_matrix)
        assert np.array_equal(csr.toarray(), expected.reshape(3, -1))
        with pytest.raises(ShapeError):
            correct_dot_masks(masks[:, 1:], GAIN)
