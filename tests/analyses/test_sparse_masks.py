from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sparse
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.mask_container import MaskContainer
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.sparse_stack import SPARSE_MODES, SparseStack
from framefold.core.shape import Shape, Slice
from framefold.errors import ParameterError
from framefold.kernels.masks import PackedMasks
from framefold.kernels.sparse_masks import SparseMasks
from udf.driver import run_udf

RNG = np.random.default_rng(3)
# sparse enough not to be multiplied as dense masks
FEW = (RNG.random((4, 9, 11)) < 0.04) * RNG.integers(1, 9, (4, 9, 11))
WHOLE = Slice((0, 0, 0), Shape((4, 9, 11), 2))

SOURCES: dict[str, Callable[[], Any]] = {
    "csr": lambda: [lambda m=m: scipy.sparse.csr_matrix(m) for m in FEW],
    "csc_array": lambda: [lambda m=m: scipy.sparse.csc_array(m) for m in FEW],
    "coo": lambda: [lambda m=m: scipy.sparse.coo_matrix(m) for m in FEW],
    "pydata": lambda: [lambda m=m: sparse.COO.from_numpy(m) for m in FEW],
    "pydata stack": lambda: lambda: sparse.COO.from_numpy(FEW),
    "gcxs stack": lambda: lambda: sparse.GCXS.from_numpy(FEW),
    "dok stack": lambda: sparse.DOK.from_numpy(FEW),
    "flat matrix": lambda: scipy.sparse.csr_matrix(FEW.reshape(4, 99)),
    "list": lambda: [scipy.sparse.csr_matrix(m) for m in FEW],
    "factory of list": lambda: lambda: [scipy.sparse.csr_matrix(m) for m in FEW],
}


class TestSparseMaskContainer:
    """Masks handed out as sparse arrays of the kind asked for."""

    @pytest.mark.parametrize("source", SOURCES)
    def test_sparse_masks_stay_sparse(self, source: str) -> None:
        masks = MaskContainer(SOURCES[source]())
        masks.check_fits((9, 11))

        assert masks.use_sparse == "scipy.sparse"
        assert np.array_equal(masks.computed_masks.todense(), FEW)
        assert masks.dtype == FEW.dtype
        assert len(masks) == 4
        assert isinstance(masks.get(WHOLE), scipy.sparse.csr_matrix)

    @pytest.mark.parametrize("source", SOURCES)
    def test_sparse_masks_may_be_made_dense(self, source: str) -> None:
        masks = MaskContainer(SOURCES[source](), use_sparse=False)
        masks.check_fits((9, 11))

        assert masks.use_sparse is False
        assert np.array_equal(masks.computed_masks, FEW)
        assert np.array_equal(masks.get(WHOLE), FEW.reshape(4, 99).T)

    @pytest.mark.parametrize(
        ("mode", "kind"),
        [
            ("scipy.sparse", scipy.sparse.csr_matrix),
            ("scipy.sparse.csr", scipy.sparse.csr_matrix),
            ("scipy.sparse.csc", scipy.sparse.csc_matrix),
            ("sparse.pydata", sparse.COO),
            ("sparse.pydata.GCXS", sparse.GCXS),
            (True, scipy.sparse.csr_matrix),
        ],
    )
    @pytest.mark.parametrize("transpose", [True, False])
    def test_modes(self, mode: Any, kind: type, transpose: bool) -> None:
        dense, few = MaskContainer(FEW), MaskContainer(FEW, use_sparse=mode)
        box = Slice((7, 2, 3), Shape((1, 5, 6), 2))

        found = few.get(box, np.float32, transpose=transpose)

        expected = dense.get(box, np.float32, transpose=transpose)
        assert isinstance(found, kind)
        assert found.dtype == np.float32
        assert np.array_equal(found.todense(), expected)
        assert few.get(box, np.float32, transpose=transpose) is found
        assert np.array_equal(few.get(box, sparse_backend=False), dense.get(box))
        if mode is not True:
            again = dense.get(box, np.float32, sparse_backend=mode, transpose=transpose)
            assert isinstance(again, kind)

    def test_only_what_is_worth_it_is_multiplied_sparse(self) -> None:
        few, many = SparseStack.of(FEW), SparseStack.of(np.ones((4, 9, 11)))

        assert not few.is_crowded
        assert many.is_crowded
        kinds = [
            type(MaskContainer(stack, use_sparse=True).packed(WHOLE.sig, np.dtype("u2")))
            for stack in (FEW, np.ones((4, 9, 11)))
        ]
        assert kinds == [SparseMasks, PackedMasks]

    def test_true_means_the_default(self) -> None:
        masks = MaskContainer(FEW, use_sparse=True, default_sparse="sparse.pydata")

        assert masks.use_sparse == "sparse.pydata"

    def test_one_dense_mask_makes_all_dense(self) -> None:
        masks = MaskContainer([lambda: FEW[0], lambda: scipy.sparse.csr_matrix(FEW[1])])

        assert masks.use_sparse is False
        assert isinstance(masks.computed_masks, np.ndarray)

    def test_entries_given_twice_add_up(self) -> None:
        twice = scipy.sparse.coo_matrix(([1, 2, 5], ([0, 0, 1], [1, 1, 2])), shape=(3, 3))

        found = SparseStack.of_masks([twice]).dense()

        assert found[0].tolist() == [[0, 3, 0], [0, 0, 5], [0, 0, 0]]

    def test_refuses(self) -> None:
        with pytest.raises(ParameterError, match="sparse_backend"):
            MaskContainer(FEW).get(WHOLE, sparse_backend="spares.pydata")
        with pytest.raises(ParameterError, match="default_sparse"):
            MaskContainer(FEW, default_sparse="dense")
        with pytest.raises(ParameterError, match="zero where nothing is stored"):
            _ = MaskContainer(lambda: sparse.COO.from_numpy(FEW) + 1).dtype
        with pytest.raises(ParameterError, match="same shape"):
            _ = MaskContainer([lambda: scipy.sparse.eye(3), lambda: scipy.sparse.eye(4)]).dtype

    def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def absent(name: str, *args: Any, **kwargs: Any) -> Any:
            if name in ("sparse", "scipy.sparse"):
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", absent)

        masks = MaskContainer(FEW, use_sparse=True)
        found = run_udf(scan("uint8"), ApplyMasksUDF(masks))["intensity"].data

        assert np.array_equal(found, np.einsum("abyx,myx->abm", scan("uint8").astype(float), FEW))
        with pytest.raises(ImportError):
            masks.get(WHOLE)


class TestSparseApplyMasksUDF:
    """Sparse masks give the numbers of dense ones."""

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float32", "complex64", "bool"])
    @pytest.mark.parametrize("masks", [FEW, FEW > 0, FEW * 0.5, FEW * (1 + 2j)])
    def test_equals_dense(self, dtype: str, masks: np.ndarray) -> None:
        data = scan(dtype)

        few = run_udf(data, ApplyMasksUDF(masks, use_sparse=True), cuts=[4])["intensity"]

        dense = run_udf(data, ApplyMasksUDF(masks, use_sparse=False), cuts=[4])["intensity"]
        assert few.dtype == dense.dtype
        np.testing.assert_allclose(few.data, dense.data, rtol=1e-5, atol=1e-3)
        if np.dtype(dtype).kind in "bui" and masks.dtype.kind in "bui":
            assert np.array_equal(few.data, dense.data)

    @pytest.mark.parametrize("mode", SPARSE_MODES)
    def test_every_mode(self, mode: str) -> None:
        data = scan("uint16")
        udf = ApplyMasksUDF([lambda m=m: m for m in FEW], use_sparse=mode)

        found = run_udf(data, udf, travel=True)["intensity"].data

        assert np.array_equal(found, np.einsum("abyx,myx->abm", data.astype(float), FEW))

    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, way: tuple[list[int], int, list[int]]) -> None:
        data = scan("float32")

        def make() -> ApplyMasksUDF:
            return ApplyMasksUDF(FEW * 0.3, use_sparse=True)

        assert bits(data, make, way) == bits(data, make)
