from __future__ import annotations

import numpy as np
import pytest

from analyses.test_classic import DATA, DS, Scan, answer
from framefold.analyses.fourier_analyses import (
    ApplyFFTMask,
    PickFFTFrameAnalysis,
    SumfftAnalysis,
)
from framefold.errors import ParameterError, ShapeError

DISK = {"real_centery": 4, "real_centerx": 5, "real_rad": 2}


def magnitudes(frame: np.ndarray) -> np.ndarray:
    return np.fft.fftshift(np.abs(np.fft.fft2(frame.astype(np.float64))))


def outside_disk() -> np.ndarray:
    y, x = np.ogrid[:9, :11]
    return (y - 4) ** 2 + (x - 5) ** 2 > 4


def test_one_frame() -> None:
    results = answer(PickFFTFrameAnalysis(DS, {"x": 1, "y": 2}))

    assert np.allclose(results.intensity.raw_data, magnitudes(DATA[2, 1]))
    assert np.array_equal(results.intensity.raw_data, results.intensity_lin.raw_data)


def test_one_frame_without_a_disk() -> None:
    results = answer(PickFFTFrameAnalysis(DS, {"x": 1, "y": 2, **DISK}))

    assert np.allclose(results.intensity.raw_data, magnitudes(DATA[2, 1] * outside_disk()))


def test_the_sum() -> None:
    total = DATA.sum(axis=(0, 1))

    assert np.allclose(answer(SumfftAnalysis(DS, {})).intensity.raw_data, magnitudes(total))
    masked = answer(SumfftAnalysis(DS, DISK)).intensity.raw_data
    assert np.allclose(masked, magnitudes(total * outside_disk()))


@pytest.mark.parametrize("disk", [{}, DISK])
def test_ring_of_frequencies(disk: dict[str, float]) -> None:
    results = answer(ApplyFFTMask(DS, {"rad_in": 0, "rad_out": 3, **disk}))

    seen = DATA * outside_disk() if disk else DATA
    fy, fx = np.fft.fftfreq(9) * 9, np.arange(11 // 2 + 1)
    squared = fy[:, np.newaxis] ** 2 + fx**2
    inside = (squared > 0) & (squared <= 9)
    expected = np.abs(np.fft.rfft2(seen.astype(np.float64)))[..., inside].sum(axis=-1)
    assert np.allclose(results.intensity.raw_data, expected)


def test_half_a_disk_is_refused() -> None:
    with pytest.raises(ParameterError, match="real_centery is missing"):
        SumfftAnalysis(DS, {"real_rad": 2})


def test_frames_of_one_axis_are_refused() -> None:
    with pytest.raises(ShapeError):
        SumfftAnalysis(Scan(DATA, sig_dims=1), {})
