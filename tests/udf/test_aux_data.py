"""Values that go along with the frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.udf import UDF, AuxData, BufferWrapper
from udf.driver import run_udf

SIG = (4, 5)


class TestAuxData:
    """Values that go along with the frames."""

    def test_is_a_buffer(self) -> None:
        aux = UDF.aux_data(np.zeros(6, np.float32), "nav")

        assert isinstance(aux, BufferWrapper)
        assert isinstance(aux, AuxData)
        assert aux.has_data()
        assert aux.data.shape == aux.raw_data.shape == (6,)
        assert aux.valid_mask.all()

    def test_shape(self) -> None:
        aux = UDF.aux_data(np.zeros((2, 3, 2), np.float32), "nav", extra_shape=(2,))

        assert UDF(a=aux).params.a.shape == (6, 2)
        with pytest.raises(ValueError, match=r"\(5,\) cannot be cut into entries of shape \(2,\)"):
            UDF.aux_data(np.zeros(5, np.float32), "nav", extra_shape=(2,))

    def test_conversion(self) -> None:
        assert UDF.aux_data([1.5, 2.5], "nav", dtype="float32").dtype == np.float32
        assert UDF.aux_data([1, 2], "nav", dtype="float64").data.tolist() == [1, 2]
        with pytest.raises(TypeError, match="float64 for dtype=int64"):
            UDF.aux_data([1.5], "nav", dtype=np.int64)

    def test_other_kinds_are_not_cut(self) -> None:
        class Other(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {}

            def process_frame(self, frame: np.ndarray) -> None:
                assert self.params.pixels.shape == (20,)
                assert self.params.one.shape == (2,)
                assert self.params.text == "here"

        run_udf(
            np.zeros((2, 3, 4, 5)),
            Other(
                pixels=UDF.aux_data(np.zeros(SIG), "sig"),
                one=UDF.aux_data(np.zeros(2), "single", extra_shape=(2,)),
                text="here",
            ),
            [2],
        )

    def test_constructors_run_again_with_it(self) -> None:
        class Wraps(UDF):
            def __init__(self, shift: Any) -> None:
                if not isinstance(shift, BufferWrapper):
                    shift = self.aux_data(shift, "nav")
                super().__init__(shift=shift)

            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav")}

            def process_tile(self, tile: np.ndarray) -> None:
                self.results.x[:] = self.params.shift

        result = run_udf(np.zeros((2, 3, 4, 5)), Wraps(np.arange(6.0)), [1], travel=True)
        assert result["x"].raw_data.tolist() == list(range(6))

    def test_rows_that_are_not_neighbours(self) -> None:
        aux = UDF.aux_data(np.arange(6.0), "nav")

        assert aux.rows(np.array([1, 3])).tolist() == [1, 3]
        assert aux.rows(np.array([], dtype=int)).tolist() == []
        assert np.shares_memory(aux.rows(np.array([1, 2])), aux.data)
