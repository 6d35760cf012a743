from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.com import CoMParams, CoMUDF
from framefold.errors import ParameterError, ShapeError
from udf.driver import Driver, run_udf

Y, X = np.indices((9, 11))


def centre(data: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    weights = data.astype(np.float64) * (1 if inside is None else inside)
    total = weights.sum(axis=(2, 3))
    return np.stack(
        [(weights * Y).sum(axis=(2, 3)) / total, (weights * X).sum(axis=(2, 3)) / total], axis=-1
    )


class TestRawChannels:
    """Centres of mass over the frame or part of it."""

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float32", "float64", "bool"])
    def test_whole_frame(self, dtype: str) -> None:
        data = scan(dtype)

        results = run_udf(data, CoMUDF(), cuts=[4, 9])

        expected = centre(data)
        assert results["raw_com"].data.dtype == np.result_type(dtype, np.float32)
        np.testing.assert_allclose(results["raw_com"].data, expected, rtol=1e-6)
        np.testing.assert_allclose(results["raw_shifts"].data, expected - (4, 5), atol=1e-5)
        np.testing.assert_allclose(results["field"].data, expected - (4, 5), atol=1e-5)
        assert np.array_equal(results["field_y"].data, results["field"].data[..., 0])
        assert np.array_equal(results["field_x"].data, results["field"].data[..., 1])
        assert "raw_mask_result" not in results

    def test_disk(self) -> None:
        data = scan("uint16")

        results = run_udf(data, CoMUDF.with_params(cy=3, cx=4.5, r=3))

        inside = np.hypot(Y - 3, X - 4.5) <= 3
        np.testing.assert_allclose(results["raw_com"].data, centre(data, inside), rtol=1e-6)

    def test_ring_leaves_the_inner_circle_out(self) -> None:
        data = scan("uint16")

        results = run_udf(data, CoMUDF.with_params(r=4, ri=2))

        distance = np.hypot(Y - 4, X - 5)
        inside = (distance <= 4) & (distance > 2)
        np.testing.assert_allclose(results["raw_com"].data, centre(data, inside), rtol=1e-6)

    def test_frames_without_counts_lie_at_the_reference(self) -> None:
        results = run_udf(np.zeros((2, 2, 9, 11), "u2"), CoMUDF.with_params(cy=1, cx=7))

        assert (results["raw_com"].data == (1, 7)).all()
        assert not results["field"].data.any()

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "complex64"])
    @settings(max_examples=8, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, dtype: str, way: tuple[list[int], int, list[int]]) -> None:
        data = scan(dtype)

        def make() -> CoMUDF:
            return CoMUDF.with_params(r=4, ri=1, scan_rotation=33, flip_y=True, regression=1)

        assert bits(data, make, way) == bits(data, make)


class TestField:
    """Flip, rotation, gradients."""

    @pytest.mark.parametrize(
        ("angle", "flip", "expected"),
        [
            (0, False, (1, 2)),
            (90, False, (2, -1)),
            (180, False, (-1, -2)),
            (0, True, (-1, 2)),
            (90, True, (2, 1)),
        ],
    )
    def test_rotation_after_flip(
        self, angle: float, flip: bool, expected: tuple[float, float]
    ) -> None:
        data = np.zeros((2, 2, 9, 11), "u2")
        data[..., 5, 7] = 10  # one row below, two columns right of the centre

        results = run_udf(data, CoMUDF.with_params(scan_rotation=angle, flip_y=flip))

        np.testing.assert_allclose(results["field"].data[0, 0], expected, atol=1e-6)
        np.testing.assert_allclose(results["magnitude"].data, np.sqrt(5), rtol=1e-6)

    def test_divergence_and_curl(self) -> None:
        data = scan("uint16")

        results = run_udf(data, CoMUDF())

        y, x = results["field_y"].data, results["field_x"].data
        np.testing.assert_allclose(
            results["divergence"].data, np.gradient(y, axis=0) + np.gradient(x, axis=1), atol=1e-5
        )
        np.testing.assert_allclose(
            results["curl"].data, np.gradient(y, axis=1) - np.gradient(x, axis=0), atol=1e-5
        )
        assert results["curl"].valid_mask.all()

    def test_one_row_has_no_gradient(self) -> None:
        results = run_udf(scan("uint8", nav=(1, 5)), CoMUDF())

        assert not results["curl"].valid_mask.any()
        assert results["field"].valid_mask.all()


class TestPartialScans:
    """What has not come is not valid, nor are gradients beside it."""

    def test_half_a_scan(self) -> None:
        data = scan("uint16")
        driver = Driver(data, CoMUDF.with_params(regression=0))
        driver.reduction.merge(driver.part(0, 12))

        results = driver.reduction.results(0)

        come = np.arange(20).reshape(4, 5) < 12
        assert np.array_equal(results["field_y"].valid_mask, come)
        expected_inner = np.zeros((4, 5), bool)
        expected_inner[0], expected_inner[1, :2] = True, True
        expected_inner[1, 2:] = False
        assert np.array_equal(results["divergence"].valid_mask, expected_inner)
        np.testing.assert_allclose(results["field"].data[come].mean(axis=0), 0, atol=1e-6)

    def test_before_the_first_frame(self) -> None:
        driver = Driver(scan("uint16"), CoMUDF.with_params(regression=1))

        results = driver.reduction.results(0)

        assert not results["field"].valid_mask.any()
        assert not results["regression"].data.any()

    def test_roi(self) -> None:
        data = scan("uint16")
        selected = np.ones((4, 5), bool)
        selected[2, 3] = False

        results = run_udf(data, CoMUDF.with_params(regression=1), selection=selected)

        assert np.isnan(results["field"].data[2, 3]).all()
        assert not np.isnan(results["field"].data[selected]).any()
        assert results["divergence"].raw_data.shape == (19,)
        assert np.isnan(results["divergence"].data[2, 2])
        assert not results["divergence"].valid_mask[2, 2]
        assert not results["divergence"].valid_mask[1, 3]
        assert results["divergence"].valid_mask[0, 3]


class TestRegression:
    """What is subtracted from the field, and told."""

    @staticmethod
    def tilted() -> np.ndarray:
        data = np.zeros((3, 4, 9, 11), "u2")
        for row, column in np.ndindex(3, 4):
            data[row, column, 2 + row, 3 + column] = 5
        return data

    def test_none(self) -> None:
        results = run_udf(self.tilted(), CoMUDF())

        assert not results["regression"].data.any()

    def test_mean(self) -> None:
        results = run_udf(self.tilted(), CoMUDF.with_params(regression=0))

        np.testing.assert_allclose(results["regression"].data, [[-1, -0.5], [0, 0], [0, 0]])
        np.testing.assert_allclose(results["field"].data.mean(axis=(0, 1)), 0, atol=1e-7)

    def test_plane(self) -> None:
        results = run_udf(self.tilted(), CoMUDF.with_params(regression=np.int64(1)))

        np.testing.assert_allclose(
            results["regression"].data, [[-2, -2], [1, 0], [0, 1]], atol=1e-12
        )
        np.testing.assert_allclose(results["field"].data, 0, atol=1e-7)

    def test_given(self) -> None:
        plane = [[-2, -2], [1, 0], [0, 1]]

        results = run_udf(self.tilted(), CoMUDF.with_params(regression=plane))

        assert results["regression"].data.tolist() == plane
        np.testing.assert_allclose(results["field"].data, 0, atol=1e-7)


class TestUse:
    """How users and subclasses meet it."""

    def test_params_as_a_tuple(self) -> None:
        results = run_udf(scan("uint8"), CoMUDF(com_params=CoMParams(cy=1, cx=2)), travel=True)

        np.testing.assert_allclose(
            results["raw_com"].data - results["raw_shifts"].data,
            np.broadcast_to((1, 2), (4, 5, 2)),
            atol=1e-5,
        )

    def test_a_subclass_adds_channels(self) -> None:
        class More(CoMUDF):
            def get_result_buffers(self) -> dict[str, Any]:
                extra = self.buffer("nav", dtype="float32", use="result_only")
                return {**super().get_result_buffers(), "total": extra}

            def get_field_results(self, field_y: np.ndarray, field_x: np.ndarray) -> dict[str, Any]:
                return {
                    **super().get_field_results(field_y, field_x),
                    "total": field_y + field_x,
                }

        selected = np.ones((4, 5), bool)
        selected[0, 0] = False

        results = run_udf(scan("uint8"), More(), selection=selected)

        np.testing.assert_allclose(
            results["total"].raw_data,
            results["field_y"].raw_data + results["field_x"].raw_data,
            atol=1e-6,
        )

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"r": 2, "ri": 2}, "ri=2"),
            ({"ri": -1}, "ri=-1"),
            ({"cy": "middle"}, "cy='middle'"),
            ({"scan_rotation": None}, "scan_rotation=None"),
            ({"regression": 2}, "regression=2"),
            ({"regression": [1, 2]}, r"shape \(2,\)"),
            ({"regression": "plane"}, "regression='plane'"),
        ],
    )
    def test_refuses(self, parameters: dict[str, Any], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            CoMUDF.with_params(**parameters)

    @pytest.mark.parametrize("shape", [(6, 9, 11), (2, 3, 4, 9, 11)])
    def test_refuses_other_scans(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match="scan of rows and columns"):
            run_udf(np.zeros(shape, "u1"), CoMUDF())
