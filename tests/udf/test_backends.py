"""Array libraries a UDF may ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.udf import UDF, BufferWrapper
from udf.driver import run_udf

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


@pytest.mark.parametrize("answer", ["cupy", (UDF.BACKEND_SCIPY_CSR,), UDF.CUDA_BACKENDS, ()])
def test_without_numpy_there_is_none(answer: Any) -> None:
    with pytest.raises(RuntimeError, match="Could not find backends for remaining UDF Asks"):
        ask(answer)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"unknown array backends \['nunpy'\]"):
        ask(("numpy", "nunpy"))


def test_sets_cover_everything_once() -> None:
    assert set(UDF.BACKEND_ALL) <= UDF.CPU_BACKENDS | UDF.CUDA_BACKENDS
    assert UDF.CUPY_BACKENDS < UDF.CUDA_BACKENDS
    assert not UDF.SPARSE_BACKENDS & UDF.DENSE_BACKENDS
    assert not UDF.ND_BACKENDS & UDF.D2_BACKENDS
    assert UDF.ND_BACKENDS | UDF.D2_BACKENDS == UDF.CPU_BACKENDS | UDF.CUDA_BACKENDS
