"""The published package libertem-holo runs on framefold, with known answers.

It and what it needs must be installed beside framefold, without ``libertem`` itself.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from framefold import Context

NEEDED = ("libertem_holo", "skimage", "sparse", "sparseconverter", "natsort", "ncempy")

pytestmark = [
    pytest.mark.skipif(
        any(find_spec(name) is None for name in NEEDED),
        reason="libertem-holo is not installed beside framefold",
    ),
    pytest.mark.skipif(find_spec("libertem") is not None, reason="the real libertem is installed"),
    pytest.mark.filterwarnings("ignore"),  # what other packages warn of is theirs
    pytest.mark.usefixtures("names"),
]

OUT = (16, 16)
FRINGES = (6, 8)  # periods along y and x
PHASES = np.linspace(-1.2, 1.2, 6).reshape(2, 3)


def holograms() -> np.ndarray:
    """Straight fringes of one phase a hologram."""
    y, x = np.mgrid[:64, :64]
    carrier = 2 * np.pi * (FRINGES[0] * y + FRINGES[1] * x) / 64
    return (1000 * (1 + 0.5 * np.cos(carrier + PHASES[:, :, None, None]))).astype(np.float32)


@pytest.mark.parametrize("precision", [True, False])
@pytest.mark.parametrize("workers", [0, 2])
def test_phases(workers: int, precision: bool) -> None:
    """The wave has the phase that the fringes were made with."""
    from libertem_holo.base.filters import butterworth_disk
    from libertem_holo.udf import HoloReconstructUDF

    udf = HoloReconstructUDF(
        out_shape=OUT,
        sb_position=tuple(
            -n for n in FRINGES
        ),  # of the two side bands the one that is not conjugate
        aperture=np.fft.fftshift(butterworth_disk(shape=OUT, radius=3)),
        precision=precision,
    )
    with Context(workers=workers) if workers else Context.inline() as ctx:
        data = ctx.load("memory", data=holograms(), num_partitions=2)
        wave = ctx.run_udf(dataset=data, udf=udf)["wave"].data

    assert wave.shape == (*PHASES.shape, *OUT)
    assert wave.dtype == (np.complex128 if precision else np.complex64)
    assert np.allclose(np.angle(wave), PHASES[:, :, None, None], atol=1e-4)


def test_dead_pixels_are_replaced() -> None:
    """Its filters use our corrections, with coordinates of pixels."""
    from libertem_holo.base.filters import remove_dead_pixels

    image = np.random.default_rng(3).normal(100, 1, (64, 64)).astype(np.float32)
    image[10, 20] = 1e5

    repaired = remove_dead_pixels(image)

    around = np.delete(image[9:12, 19:22].ravel(), 4)
    assert np.isclose(repaired[10, 20], around.mean(), rtol=1e-5)
    assert np.array_equal(
        np.delete(repaired.ravel(), 10 * 64 + 20), np.delete(image.ravel(), 10 * 64 + 20)
    )
