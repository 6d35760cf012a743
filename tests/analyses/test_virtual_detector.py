from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.virtual_detector import VirtualDetectorUDF
from framefold.errors import ParameterError, ShapeError
from udf.driver import run_udf

Y, X = np.indices((9, 11))


def distance(cy: float, cx: float) -> np.ndarray:
    return np.hypot(Y - cy, X - cx)


REGIONS: list[tuple[dict[str, Any], np.ndarray]] = [
    ({}, distance(4, 5) <= 4.5),
    ({"r": 3}, distance(4, 5) <= 3),
    ({"cy": 2.5, "cx": 20, "r": 12}, distance(2.5, 20) <= 12),
    ({"shape": "ring", "ri": 2, "ro": 3}, (distance(4, 5) >= 2) & (distance(4, 5) <= 3)),
    ({"shape": "ring", "ri": 8}, (distance(4, 5) >= 8) & (distance(4, 5) <= 16)),
    ({"shape": "ring", "ro": 1}, (distance(4, 5) >= 0.5) & (distance(4, 5) <= 1)),
    ({"shape": "rectangle", "height": 3, "width": 2},
     (abs(Y - 4) <= 1) & ((X == 4) | (X == 5))),
    ({"shape": "point"}, (Y == 4) & (X == 5)),
    ({"shape": "point", "cy": 8.4, "cx": 0}, (Y == 8) & (X == 0)),
    ({"r": 0, "cx": -1}, np.zeros((9, 11), bool)),
]  # fmt: skip


class TestVirtualDetectorUDF:
    """The sum of each frame in a region."""

    @pytest.mark.parametrize(("parameters", "inside"), REGIONS)
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "float32", "bool"])
    def test_equals_numpy(self, parameters: dict[str, Any], inside: np.ndarray, dtype: str) -> None:
        data = scan(dtype)

        result = run_udf(data, VirtualDetectorUDF(**parameters), cuts=[3])["intensity"]

        expected = np.where(inside, data, 0).sum(axis=(2, 3), dtype="f8")
        assert result.data.dtype == np.result_type(dtype, np.float32)
        np.testing.assert_allclose(result.data, expected, rtol=1e-6)
        if data.dtype.kind in "uib":
            assert np.array_equal(result.data, expected.astype(result.dtype))

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "complex64"])
    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, dtype: str, way: tuple[list[int], int, list[int]]) -> None:
        data = scan(dtype)

        def ring() -> VirtualDetectorUDF:
            return VirtualDetectorUDF("ring", ri=1, ro=4)

        assert bits(data, ring, way) == bits(data, ring)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"shape": "disc"}, "did you mean 'disk'"),
            ({"shape": "disk", "ri": 2}, "ri belongs to shape='ring'; a disk has cy, cx, r"),
            ({"shape": "ring", "ri": 3, "ro": 3}, "smaller than ro"),
            ({"r": -1}, "must not be negative"),
            ({"cy": "centre"}, "cy='centre' must be a number"),
            ({"cx": float("nan")}, "cx=nan must be a number"),
        ],
    )
    def test_refuses(self, parameters: dict[str, Any], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            VirtualDetectorUDF(**parameters)

    def test_refuses_spectra(self) -> None:
        with pytest.raises(ShapeError, match="rows and columns"):
            run_udf(np.zeros((2, 3, 4), "u2"), VirtualDetectorUDF(), sig_dims=1)
