"""Array libraries a UDF may ask for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from framefold.udf import UDF, BufferWrapper, backends
from framefold.udf.backends import plan
from udf.driver import Driver, run_udf

CSR, CSC, COO = UDF.BACKEND_SCIPY_CSR, UDF.BACKEND_SCIPY_CSC, UDF.BACKEND_SPARSE_COO

DATA = np.ones((3, 4, 5))


def ask(answer: Any) -> dict[str, BufferWrapper]:
    class Asks(UDF):
        def get_backends(self) -> Any:
            return answer

        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"x": self.buffer("nav")}

        def process_frame(self, frame: np.ndarray) -> None:
            assert self.meta.array_backend == "numpy"
            assert isinstance(frame, np.ndarray)

    return run_udf(DATA, Asks())


@pytest.mark.parametrize(
    "answer", ["numpy", ("numpy",), UDF.BACKEND_ALL, {"cupy", "numpy"}, UDF.CPU_BACKENDS]
)
def test_numpy_is_chosen(answer: Any) -> None:
    assert "x" in ask(answer)


@pytest.mark.parametrize("answer", ["cupy", UDF.CUDA_BACKENDS, ()])
def test_without_numpy_there_is_none(answer: Any) -> None:
    with pytest.raises(RuntimeError, match="Could not find backends for remaining UDF Asks"):
        ask(answer)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"unknown array backends \['nunpy'\]"):
        ask(("numpy", "nunpy"))


@pytest.mark.parametrize("answer", [(UDF.BACKEND_SCIPY_CSR,), UDF.SPARSE_BACKENDS])
def test_sparse_ones_need_a_package(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="install the package sparseconverter"):
        ask(answer)


class TestPlan:
    """Who gets which format."""

    @pytest.mark.parametrize(
        ("lists", "delivered", "expected"),
        [
            # what the data come in, for as many as possible
            ([UDF.BACKEND_ALL, ("numpy",)], ("numpy",), ("numpy", "numpy")),
            ([UDF.BACKEND_ALL, ("numpy",)], (CSR,), (CSR, "numpy")),
            ([UDF.BACKEND_ALL, UDF.BACKEND_ALL], (CSC, CSR), (CSC, CSC)),
            # sparse data: another sparse format before dense
            ([("numpy", CSC)], (CSR,), (CSC,)),
            # dense data: what the UDF likes best of the rest
            ([(COO, CSR)], ("numpy",), (COO,)),
            # one format for two, though one of them likes another better
            ([(COO, CSR), (CSR,)], ("numpy",), (CSR, CSR)),
            (["numpy", [CSR]], ("numpy",), ("numpy", CSR)),
        ],
    )
    def test_rules(self, lists: Any, delivered: Any, expected: Any) -> None:
        pytest.importorskip("sparseconverter")
        wishes = [(f"U{i}", wanted) for i, wanted in enumerate(lists)]
        assert plan(wishes, delivered) == expected

    def test_restriction(self) -> None:
        pytest.importorskip("sparseconverter")
        wishes = [("U", UDF.BACKEND_ALL)]
        assert plan(wishes, ("numpy",), CSR) == (CSR,)
        assert plan(wishes, ("numpy",), {"numpy", CSR}) == ("numpy",)
        with pytest.raises(ValueError, match="backends= names unknown"):
            plan(wishes, ("numpy",), "csr")
        with pytest.raises(RuntimeError, match="remaining UDF U"):
            plan([("U", "numpy")], ("numpy",), CSR)


SPARSE = sorted(UDF.SPARSE_BACKENDS & UDF.CPU_BACKENDS)


class SparseSum(UDF):
    """Sums of sparse tiles, or of sparse frames."""

    def get_backends(self) -> Any:
        return self.params.formats

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {
            "sig": self.buffer("sig", dtype=np.float64),
            "nav": self.buffer("nav", dtype=np.float64),
        }

    def merge(self, dest: Any, src: Any) -> None:
        dest.sig += src.sig
        dest.nav[:] = src.nav


class SparseTiles(SparseSum):
    def process_tile(self, tile: Any) -> None:
        name = self.meta.array_backend
        assert type(tile).__name__ == name.rpartition(".")[2]
        count, sig = self.meta.slice.shape.nav[0], tuple(self.meta.slice.shape.sig)
        flat = name in self.D2_BACKENDS
        assert tile.shape == ((count, math.prod(sig)) if flat else (count, *sig))
        assert tile.dtype == self.meta.input_dtype
        rows = tile if flat else tile.reshape((count, -1))
        if name == self.BACKEND_SPARSE_DOK:
            rows = rows.to_coo()  # it has no sums
        self.results.sig[:] += self.forbuf(rows.sum(axis=0), self.results.sig)
        self.results.nav[:] += self.forbuf(rows.sum(axis=1), self.results.nav)


class SparseFrames(SparseSum):
    def process_frame(self, frame: Any) -> None:
        sig = tuple(self.meta.dataset_shape.sig)
        flat = self.meta.array_backend in self.D2_BACKENDS
        assert frame.shape == ((1, math.prod(sig)) if flat else sig)
        self.results.sig[:] += self.forbuf(frame, self.results.sig)
        self.results.nav[:] = self.results.nav + self.forbuf(frame, self.results.sig).sum()


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("kind", [SparseTiles, SparseFrames])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_sparse_formats_equal_numpy(name: str, kind: type[UDF], dtype: str) -> None:
    pytest.importorskip("sparseconverter")
    rng = np.random.default_rng(1)
    data = (rng.poisson(0.3, (4, 5, 6, 7))).astype(dtype)

    class Dense(SparseSum):
        def process_frame(self, frame: Any) -> None:
            assert isinstance(frame, np.ndarray)
            self.results.sig[:] += frame
            self.results.nav[:] = frame.sum()

    driver = Driver(data, [kind(formats=name), Dense(formats="numpy")])
    results = driver.run([3, 11])
    for result in results:
        assert np.allclose(result["sig"].data, data.sum(axis=(0, 1)))
        assert np.allclose(result["nav"].data, data.sum(axis=(2, 3)))


def test_sets_cover_everything_once() -> None:
    assert set(UDF.BACKEND_ALL) <= UDF.CPU_BACKENDS | UDF.CUDA_BACKENDS
    assert UDF.CUPY_BACKENDS < UDF.CUDA_BACKENDS
    assert not UDF.SPARSE_BACKENDS & UDF.DENSE_BACKENDS
    assert not UDF.ND_BACKENDS & UDF.D2_BACKENDS
    assert UDF.ND_BACKENDS | UDF.D2_BACKENDS == UDF.CPU_BACKENDS | UDF.CUDA_BACKENDS
