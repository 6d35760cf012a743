from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import numpy as np
import pytest

from analyses.cuts import scan
from framefold.analyses import classic
from framefold.analyses.analysis import Analysis, AnalysisResultSet
from framefold.analyses.com import CoMUDF
from framefold.core.shape import Shape
from framefold.errors import MissingNameError, ParameterError, ShapeError
from udf.driver import Driver

DATA = scan("uint16")


class Scan:
    """As much of a data set as an analysis looks at."""

    def __init__(self, data: np.ndarray, sig_dims: int = 2) -> None:
        self.data = data
        self.shape = Shape(data.shape, sig_dims)


DS = Scan(DATA)


def answer(analysis: Analysis, roi: np.ndarray | None = None) -> AnalysisResultSet:
    roi = analysis.get_roi() if roi is None else roi
    udf = cloudpickle.loads(cloudpickle.dumps(analysis.get_udf()))
    driver = Driver(analysis.dataset.data, udf, selection=roi)
    return analysis.get_udf_results(driver.run([3])[0], roi, driver.reduction.damage)


def disk(cy: float, cx: float, r: float) -> np.ndarray:
    y, x = np.ogrid[:9, :11]
    return (y - cy) ** 2 + (x - cx) ** 2 <= r**2


class TestAnalysisResultSet:
    """Results by attribute, key, number, and one after another."""

    def test_access(self) -> None:
        results = answer(classic.create_sum_analysis(DS))

        assert results.keys() == ["intensity", "intensity_lin"]
        assert results.intensity is results["intensity"] is results[0]
        assert [r.key for r in results] == results.keys()
        assert len(results) == 2
        assert np.array_equal(np.asarray(results[0]), results[0].raw_data)
        assert results.raw_results is None
        assert repr(results) == "<AnalysisResultSet: intensity, intensity_lin>"

    def test_unknown_names(self) -> None:
        results = answer(classic.create_sum_analysis(DS))

        with pytest.raises(MissingNameError, match="did you mean 'intensity_lin'"):
            _ = results.intensity_log
        assert not hasattr(results, "_private")
        assert len(pickle.loads(pickle.dumps(results))) == 2


class TestSumAndPick:
    """All frames, or one."""

    def test_sum(self) -> None:
        assert np.array_equal(
            answer(classic.create_sum_analysis(DS)).intensity.raw_data,
            DATA.sum(axis=(0, 1), dtype=np.float32),
        )

    def test_pick(self) -> None:
        results = answer(classic.create_pick_analysis(DS, x=1, y=2))

        assert np.array_equal(results.intensity.raw_data, DATA[2, 1])
        assert results.intensity.desc == "the frame at x=1 y=2 log-scaled"

    @pytest.mark.parametrize(
        ("nav", "place", "index"),
        [((20,), {"x": 7}, (7,)), ((2, 2, 5), {"x": 3, "y": 1, "z": 0}, (0, 1, 3))],
    )
    def test_pick_from_other_scans(self, nav: Any, place: Any, index: Any) -> None:
        data = DATA.reshape(*nav, 9, 11)

        results = answer(classic.create_pick_analysis(Scan(data), **place))

        assert np.array_equal(results.intensity_lin.raw_data, data[index])

    def test_pick_refuses(self) -> None:
        with pytest.raises(ParameterError, match=r"needs x, y, not x"):
            classic.create_pick_analysis(DS, x=1)
        with pytest.raises(ParameterError, match=r"\(9, 1\) is not in the scan"):
            classic.create_pick_analysis(DS, x=1, y=9)


class TestVirtualDetectors:
    """Sums within a region."""

    @pytest.mark.parametrize(
        ("analysis", "region"),
        [
            (classic.create_disk_analysis(DS), disk(4.5, 5.5, 1.35)),
            (classic.create_disk_analysis(DS, cx=3, cy=2, r=2), disk(2, 3, 2)),
            (classic.create_ring_analysis(DS), disk(4.5, 5.5, 4.5) & ~disk(4.5, 5.5, 3.6)),
            (classic.create_ring_analysis(DS, 5, 4, 1, 3), disk(4, 5, 3) & ~disk(4, 5, 1)),
            (classic.create_point_analysis(DS), disk(4, 5, 0)),
            (classic.create_point_analysis(DS, x=3.4, y=2.6), disk(2, 3, 0)),
        ],
    )
    def test_equals_numpy(self, analysis: Analysis, region: np.ndarray) -> None:
        results = answer(analysis)

        expected = DATA[..., region].sum(axis=-1).astype(np.float32)
        assert np.array_equal(results.intensity.raw_data, expected)
        assert np.array_equal(results.intensity_log.raw_data, expected)
        assert results.intensity.raw_data.dtype == np.float32

    def test_selected_positions(self) -> None:
        roi = np.zeros((4, 5), bool)
        roi[1, 2] = True

        found = answer(classic.create_disk_analysis(DS), roi).intensity.raw_data

        assert np.isnan(found[~roi]).all()
        assert found[1, 2] == DATA[1, 2][disk(4.5, 5.5, 1.35)].sum()

    def test_refuses(self) -> None:
        with pytest.raises(ParameterError, match="r=-1"):
            classic.create_disk_analysis(DS, r=-1)
        with pytest.raises(ParameterError, match="ri=3 must be smaller than ro=2"):
            classic.create_ring_analysis(DS, ri=3, ro=2)
        with pytest.raises(ParameterError, match="cx='left'"):
            classic.create_point_analysis(DS, x="left")
        with pytest.raises(ShapeError, match="rows and columns"):
            classic.create_disk_analysis(Scan(np.zeros((3, 4)), 1))


class TestMasksAnalysis:
    """Products with masks, complex ones in all forms."""

    def test_real(self) -> None:
        results = answer(classic.create_mask_analysis([lambda: disk(4, 4, 2)], DS))

        assert results.keys() == ["mask_0"]
        assert np.array_equal(
            results.mask_0.raw_data, DATA[..., disk(4, 4, 2)].sum(axis=-1, dtype=np.float32)
        )

    def test_complex(self) -> None:
        factories = [lambda: np.ones((9, 11)) * 1j]

        results = answer(classic.create_mask_analysis(factories, DS, mask_dtype=np.complex64))

        total = DATA.sum(axis=(2, 3))
        forms = ["", "_log", "_real", "_imag", "_angle", "_complex"]
        assert results.keys() == [f"mask_0{form}" for form in forms]
        np.testing.assert_allclose(results.mask_0.raw_data, total, rtol=1e-6)
        np.testing.assert_allclose(results.mask_0_imag.raw_data, total, rtol=1e-6)
        np.testing.assert_allclose(results.mask_0_angle.raw_data, np.pi / 2, rtol=1e-6)
        assert results.mask_0_complex.raw_data.dtype == np.complex64
        assert results.mask_0.title == "mask 0 [magn]"
        assert results.mask_0_log.title == "mask 0 [log(magn)]"

    def test_masks_of_a_subclass(self) -> None:
        class Own(classic.MasksAnalysis):
            def get_mask_factories(self) -> Any:
                return [lambda: disk(self.parameters["cy"], 4, 2)]

        results = answer(Own(DS, {"cy": 3}))

        expected = DATA[..., disk(3, 4, 2)].sum(axis=-1, dtype=np.float32)
        assert np.array_equal(results.mask_0.raw_data, expected)


class TestCOMAnalysis:
    """Centres of mass; x before y in the field."""

    def test_equals_the_udf(self) -> None:
        analysis = classic.create_com_analysis(
            DS, cx=6, cy=4, mask_radius=3, mask_radius_inner=1, flip_y=True, scan_rotation=30
        )

        results = answer(analysis)

        udf = CoMUDF.with_params(cy=4, cx=6, r=3, ri=1, flip_y=True, scan_rotation=30)
        expected = Driver(DATA, udf).run()[0]
        assert results.keys() == ["field", "magnitude", "divergence", "curl", "x", "y"]
        assert np.array_equal(results.field.raw_data[0], expected["field_x"].data)
        assert np.array_equal(results.field.raw_data[1], expected["field_y"].data)
        assert np.array_equal(results.x.raw_data, expected["field_x"].data)
        assert np.array_equal(results.curl.raw_data, expected["curl"].data)

    def test_defaults_to_the_middle(self) -> None:
        assert classic.create_com_analysis(DS).parameters["cy"] == 4.5

    def test_a_ring_has_two_radii(self) -> None:
        with pytest.raises(ParameterError, match="mask_radius_inner=2 without mask_radius"):
            classic.create_com_analysis(DS, mask_radius_inner=2)

    def test_needs_a_scan_of_rows(self) -> None:
        with pytest.raises(ShapeError, match="nav_shape"):
            classic.create_com_analysis(Scan(DATA.reshape(20, 9, 11)))


class TestRadialFourierAnalysis:
    """Fourier components by the angle."""

    def test_finds_the_symmetry(self) -> None:
        y, x = np.indices((41, 41)) - 20
        phi = np.arctan2(y, x)
        frames = [2 + np.cos(4 * phi), 2 + np.cos(3 * phi + 0.7)]
        data = np.stack(frames).reshape(1, 2, 41, 41).astype(np.float32)

        results = answer(
            classic.create_radial_fourier_analysis(
                Scan(data), cx=20, cy=20, ri=5, ro=18, n_bins=2, max_order=6
            )
        )

        assert results.dominant_0.raw_data.tolist() == [[4, 3]]
        assert results.dominant_1.raw_data.tolist() == [[4, 3]]
        assert results.raw_results.shape == (2, 7, 1, 2)
        assert results.phase_1_3.raw_data[0, 1] == pytest.approx(-0.7, abs=0.02)
        np.testing.assert_allclose(
            results.absolute_1_4.raw_data, np.abs(results.raw_results[1, 4]), rtol=1e-6
        )
        assert np.array_equal(results.complex_0_2.raw_data, results.raw_results[0, 2])
        # order 0 is the plain sum, of which a pure cosine is a quarter
        ratio = results.absolute_1_4.raw_data / results.absolute_1_0.raw_data
        assert ratio[0, 0] == pytest.approx(0.25, abs=0.01)

    def test_defaults(self) -> None:
        analysis = classic.create_radial_fourier_analysis(DS)

        assert analysis.parameters["max_order"] == 24
        assert analysis.parameters["ro"] == 9
        assert len(answer(analysis)) == 1 + 3 * 25

    def test_order_zero_alone(self) -> None:
        results = answer(classic.create_radial_fourier_analysis(DS, max_order=0, use_sparse=True))

        assert not results.dominant_0.raw_data.any()

    @pytest.mark.parametrize(
        "parameters", [{"n_bins": 0}, {"max_order": -1}, {"ri": 5, "ro": 2}, {"cx": "x"}]
    )
    def test_refuses(self, parameters: dict[str, Any]) -> None:
        with pytest.raises(ParameterError, match=next(iter(parameters))):
            classic.create_radial_fourier_analysis(DS, **parameters)


class TestComplexFrames:
    """Magnitudes for people, and the numbers beside them."""

    DATA = scan("complex64")
    DS = Scan(DATA)

    def test_sum(self) -> None:
        results = answer(classic.create_sum_analysis(self.DS))

        expected = self.DATA.sum(axis=(0, 1))
        assert np.allclose(results.intensity_complex.raw_data, expected)
        for key in ("intensity", "intensity_lin"):
            assert np.allclose(results[key].raw_data, np.abs(expected))

    def test_region(self) -> None:
        analysis = classic.create_disk_analysis(self.DS, cx=5, cy=4, r=3)
        results = answer(analysis)

        (mask,) = (make() for make in analysis.get_mask_factories())
        assert np.array_equal(mask, disk(4, 5, 3))
        expected = self.DATA[..., mask].sum(axis=-1)
        assert np.allclose(results.intensity_complex.raw_data, expected)
        for key in ("intensity", "intensity_log"):
            assert np.allclose(results[key].raw_data, np.abs(expected))
        assert len(set(results.keys())) == len(results)

    def test_centers(self) -> None:
        results = answer(classic.create_com_analysis(self.DS, cx=0, cy=0))

        total = self.DATA.sum(axis=(2, 3))
        x = (self.DATA * np.arange(11)).sum(axis=(2, 3)) / total
        y = (self.DATA * np.arange(9)[:, np.newaxis]).sum(axis=(2, 3)) / total
        assert np.allclose(results.x_real.raw_data + 1j * results.x_imag.raw_data, x, rtol=1e-4)
        assert np.allclose(results.y_real.raw_data + 1j * results.y_imag.raw_data, y, rtol=1e-4)


def test_sum_of_a_part_of_the_scan() -> None:
    part = {"shape": "disk", "cx": 1, "cy": 1, "r": 1}
    results = answer(classic.SumAnalysis(DS, {"roi": part}))

    rows, columns = np.ogrid[: DATA.shape[0], : DATA.shape[1]]
    inside = (rows - 1) ** 2 + (columns - 1) ** 2 <= 1
    assert np.array_equal(results.intensity.raw_data, DATA[inside].sum(axis=0))


def test_center_within_one_pixel() -> None:
    results = answer(classic.create_com_analysis(DS, cx=5, cy=4, mask_radius=0))

    assert not results.magnitude.raw_data.any()
