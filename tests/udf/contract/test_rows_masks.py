"""Rows 114, 115, 121, 122, 125 and 126 of the feature table: masks, guesses, analyses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

from framefold.analyses import detector_masks as regions
from framefold.analyses.com import CoMUDF
from framefold.analyses.com_corrections import guess_corrections
from framefold.analyses.crystallinity import CrystallinityUDF
from framefold.analyses.detector_masks_polar import (
    balance,
    bounding_radius,
    polar_map,
    radial_bins,
    radial_gradient_background_subtraction,
)
from framefold.analyses.detector_masks_stacks import (
    sparse_circular_multi_stack,
    sparse_template_multi_stack,
)
from framefold.analyses.fem import FEMUDF
from framefold.analyses.mask_container import MaskContainer
from framefold.api import Context
from framefold.core.shape import Shape, Slice
from framefold.errors import ParameterError
from framefold.formats.memory import ArrayDataSet
from framefold.udf import UDF, BufferWrapper, TilingScheme
from udf.driver import run_udf

RNG = np.random.default_rng(19)
DATA = RNG.integers(0, 1000, (4, 5, 8, 9)).astype(np.uint16)
FRAMES = DATA.reshape(20, 8, 9).astype(np.float64)
MASKS = RNG.random((3, 8, 9)) * (RNG.random((3, 8, 9)) < 0.5)
Y, X = np.mgrid[:8, :9]

GIVEN: dict[str, Any] = {
    "factories": [lambda i=i: MASKS[i] for i in range(3)],
    "one factory": lambda: MASKS,
    "a list of arrays": lambda: list(MASKS),
    "scipy": lambda: scipy.sparse.csr_matrix(MASKS.reshape(3, -1)),
}


def dense(masks: Any) -> np.ndarray:
    for way in ("toarray", "todense"):
        if hasattr(masks, way):
            return np.asarray(getattr(masks, way)())
    return np.asarray(masks)


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("use_sparse", [None, False, "scipy.sparse", "scipy.sparse.csc"])
@pytest.mark.parametrize("transpose", [True, False])
def test_row_114_mask_container(given: str, use_sparse: Any, transpose: bool) -> None:
    made = MaskContainer(GIVEN[given], use_sparse=use_sparse, count=3)
    made.check_fits((8, 9))
    box = Slice((5, 2, 3), Shape((4, 3, 5), 2))
    expected = MASKS[:, 2:5, 3:8].reshape(3, 15)

    found = made.get(box, transpose=transpose)

    assert len(made) == 3
    assert scipy.sparse.issparse(found) == bool(made.use_sparse)
    assert np.array_equal(dense(found), expected.T if transpose else expected)
    assert made.get(box, dtype=np.float32).dtype == np.float32
    assert made.dtype == np.float64
    assert np.array_equal(dense(made.get_for_sig_slice(box.sig)), expected.T)


def test_row_114_cells_and_refusals() -> None:
    made = MaskContainer(lambda: MASKS, dtype=np.complex64)
    scheme = TilingScheme.make_for_shape(Shape((4, 3, 9), 2), Shape((4, 5, 8, 9), 2))
    for index, cell in scheme.slices:
        found = made.get_for_idx(scheme, index, transpose=False)
        assert np.allclose(found, cell.get(MASKS, sig_only=True).reshape(3, -1))
        assert found.dtype == np.complex64
    assert made.computed_masks.shape == (3, 8, 9)
    with pytest.raises(TypeError, match="takes a Slice"):
        made.get((slice(None),) * 3)
    with pytest.raises(ParameterError):
        MaskContainer(lambda: MASKS, use_sparse="sparse.of.some.kind")


def test_row_114_in_a_udf_of_ones_own() -> None:
    class Products(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"x": self.buffer("nav", (3,), dtype=np.float64)}

        def get_tiling_preferences(self) -> dict[str, Any]:
            return {"depth": 2, "total_size": 2 * 3 * 9 * 4}

        def get_task_data(self) -> dict[str, Any]:
            return {"masks": MaskContainer(lambda: MASKS)}

        def process_tile(self, tile: np.ndarray) -> None:
            weights = self.task_data.masks.get(self.meta.slice)
            self.results.x[:] += tile.reshape(len(tile), -1) @ weights

    expected = np.tensordot(DATA, MASKS, ((2, 3), (1, 2)))
    assert np.allclose(run_udf(DATA, Products(), [7])["x"].data, expected)


def test_row_115_disks_rings_rectangles() -> None:
    away = np.hypot(Y - 3, X - 4)
    size = {"centerX": 4, "centerY": 3, "imageSizeX": 9, "imageSizeY": 8}
    assert np.array_equal(regions.circular(**size, radius=3), away <= 3)
    assert np.array_equal(
        regions.ring(**size, radius=3, radius_inner=1.5), (away <= 3) & (away > 1.5)
    )
    soft = regions.circular(**size, radius=2.5, antialiased=True)
    assert np.array_equal(soft, np.clip(3 - away, 0, 1))
    box = regions.rectangular(X=2, Y=5, Width=3, Height=-2, imageSizeX=9, imageSizeY=8)
    assert np.array_equal(box, (X >= 2) & (X <= 5) & (Y >= 3) & (Y <= 5))
    assert np.array_equal(regions.gradient_x(9, 8), X)
    assert np.array_equal(regions.gradient_y(9, 8), Y)
    rising = regions.radial_gradient(**size, radius=3)
    assert np.allclose(rising, np.where(away <= 3, away / 3, 0))
    flat = regions.background_subtraction(**size, radius=3, radius_inner=1.5)
    assert np.isclose(flat.sum(), 0)
    assert (flat[away <= 1.5] == 1).all()
    assert (flat[(away <= 3) & (away > 1.5)] < 0).all()


def test_row_115_polar_masks() -> None:
    r, phi = polar_map(4, 3, 9, 8)
    assert np.allclose(r, np.hypot(Y - 3, X - 4))
    assert np.allclose(np.stack([r * np.sin(phi), r * np.cos(phi)]), [Y - 3, X - 4])
    assert bounding_radius(4, 3, 9, 8) >= r.max()
    bins = radial_bins(4, 3, 9, 8, n_bins=3, use_sparse=False)
    assert bins.shape == (3, 8, 9)
    assert np.allclose(bins.sum(axis=0), 1)  # each pixel is shared out
    means = (bins * r).sum(axis=(1, 2)) / bins.sum(axis=(1, 2))
    assert (np.diff(means) > 0).all()
    normal = radial_bins(4, 3, 9, 8, n_bins=3, use_sparse=False, normalize=True)
    assert np.allclose(normal.sum(axis=(1, 2)), 1)
    template = radial_gradient_background_subtraction(r, r0=2, r_outer=4)
    assert template[r < 1.5].min() >= 0
    assert template[(r > 2.6) & (r < 4)].max() < 0
    assert np.isclose(balance(template).sum(), 0)


def test_row_115_stacks() -> None:
    pytest.importorskip("sparse")
    template = RNG.random((3, 2))
    stack = sparse_template_multi_stack([0, 1, 1], [0, 8, 3], [0, 6, -1], template, 9, 8)
    expected = np.zeros((2, 8, 9))
    expected[0, :3, :2] = template
    expected[1, 6:8, 8:9] += template[:2, :1]
    expected[1, 0:2, 3:5] += template[1:]
    assert np.allclose(stack.todense(), expected)
    disks = sparse_circular_multi_stack([0, 1], [4, 0], [3, 0], 9, 8, 2).todense()
    for disk, (cy, cx) in zip(disks, [(3, 4), (0, 0)], strict=True):
        assert np.array_equal(disk, np.hypot(Y - cy, X - cx) <= 2)


@pytest.mark.parametrize(("rotation", "flip"), [(0, False), (35, False), (-120, True), (180, True)])
def test_row_121_guess_corrections(rotation: int, flip: bool) -> None:
    """A scan over attracting atoms, recorded by a turned and mirrored detector."""
    y, x = np.indices((16, 18)) / 4.0
    field = np.zeros((2, 16, 18))
    for cy, cx in ((1.2, 1.4), (2.7, 3.2)):
        weight = np.exp(-2 * ((y - cy) ** 2 + (x - cx) ** 2))
        field -= [(y - cy) * weight, (x - cx) * weight]
    angle = np.deg2rad(rotation)
    cos, sin = np.cos(angle), np.sin(angle)
    # what the corrections have to undo: they mirror first, then turn
    seen = np.einsum("ij,jyx->iyx", np.array([[cos, -sin], [sin, cos]]), field)
    if flip:
        seen[0] *= -1
    spots = np.zeros((16, 18, 21, 21), np.float32)
    yy, xx = np.mgrid[:21, :21]
    cy, cx = 10 + 5 * seen[..., np.newaxis, np.newaxis]
    spots[:] = np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 4)

    shifts = run_udf(spots, CoMUDF.with_params(), [77])["raw_shifts"].data
    guess = guess_corrections(shifts[..., 0], shifts[..., 1])

    assert guess.flip_y == flip
    assert abs((guess.scan_rotation - rotation + 180) % 360 - 180) <= 2
    corrected = run_udf(
        spots, CoMUDF.with_params(scan_rotation=guess.scan_rotation, flip_y=guess.flip_y)
    )
    found = np.stack([corrected["field_y"].data, corrected["field_x"].data])
    assert np.allclose(found, 5 * field, atol=0.06)


def test_row_122_spread_in_a_ring() -> None:
    away = np.hypot(Y - 4, X - 3)
    ring = (away <= 3) & (away > 1.5)
    found = run_udf(DATA, FEMUDF(center=(4, 3), rad_in=1.5, rad_out=3), [7])["intensity"]
    assert np.allclose(found.data, FRAMES[:, ring].std(axis=1).reshape(4, 5))
    assert found.dtype == np.float32


@pytest.mark.parametrize("disk", [None, (4, 3)])
def test_row_122_frequencies_in_a_ring(disk: Any) -> None:
    """Magnitudes of the half spectrum in a ring, of frames without their middle."""
    even = DATA[..., :8]
    udf = CrystallinityUDF(
        rad_in=1, rad_out=3, real_center=disk, real_rad=None if disk is None else 2
    )
    found = run_udf(even, udf, [7])["intensity"].data
    seen = even.astype(np.float64)
    if disk is not None:
        seen *= np.hypot(Y - 4, X - 3)[:, :8] > 2
    spectrum = np.abs(np.fft.rfft2(seen))
    away = np.hypot(np.fft.fftfreq(8)[:, np.newaxis] * 8, np.arange(5))
    expected = (spectrum * ((away <= 3) & (away > 1))).sum(axis=(2, 3))
    assert np.allclose(found, expected, rtol=1e-5)


def test_row_125_radial_fourier(ctx: Context) -> None:
    """Frames with three periods per turn, turned by another angle at each position."""
    size = 24
    yy, xx = np.mgrid[:size, :size] - size / 2
    r, phi = np.hypot(yy, xx), np.arctan2(yy, xx)
    turned = np.linspace(0, 1.5, 20).reshape(4, 5)
    data = 2 + np.cos(3 * (phi - turned[..., np.newaxis, np.newaxis]))
    data = (data * (r < 10)).astype(np.float32)

    analysis = ctx.create_radial_fourier_analysis(
        dataset=ArrayDataSet(data), cx=size / 2, cy=size / 2, ri=3, ro=10, n_bins=2, max_order=6
    )
    results = ctx.run(analysis)

    for b in range(2):
        assert (results[f"dominant_{b}"].raw_data == 3).all()
        strengths = [results[f"absolute_{b}_{o}"].raw_data.mean() for o in range(7)]
        assert np.argmax(strengths[1:]) == 2
        phase = results[f"phase_{b}_3"].raw_data
        apart = np.exp(1j * (phase - 3 * turned))
        assert np.allclose(apart, 1, atol=0.1)
    assert results.raw_results.shape == (2, 7, 4, 5)


def answers(ctx: Context, name: str, **options: Any) -> Any:
    return ctx.run(getattr(ctx, f"create_{name}_analysis")(dataset=ArrayDataSet(DATA), **options))


def test_row_126_analyses_of_regions(ctx: Context) -> None:
    away = np.hypot(Y - 4, X - 4)
    for name, options, region in [
        ("disk", {"cx": 4, "cy": 4, "r": 3}, away <= 3),
        ("ring", {"cx": 4, "cy": 4, "ri": 1, "ro": 3}, (away <= 3) & (away > 1)),
        ("point", {"x": 2, "y": 5}, (X == 2) & (Y == 5)),
    ]:
        found = answers(ctx, name, **options).intensity.raw_data
        assert np.allclose(found, (DATA * region).sum(axis=(2, 3))), name


def test_row_126_defaults_of_regions(ctx: Context) -> None:
    away = np.hypot(Y - 4, X - 4.5)
    disk = away <= 8 / 2 * 0.3
    assert np.allclose(answers(ctx, "disk").intensity.raw_data, (DATA * disk).sum(axis=(2, 3)))
    ring = (away <= 4) & (away > 0.8 * 4)
    assert np.allclose(answers(ctx, "ring").intensity.raw_data, (DATA * ring).sum(axis=(2, 3)))


def test_row_126_analyses_of_frames(ctx: Context) -> None:
    total = answers(ctx, "sum")
    assert np.array_equal(total.intensity.raw_data, FRAMES.sum(axis=0))
    assert np.array_equal(answers(ctx, "pick", x=1, y=2).intensity.raw_data, DATA[2, 1])
    com = answers(ctx, "com", cx=4, cy=4)
    weight = DATA.sum(axis=(2, 3))
    assert np.allclose(com.x.raw_data, (DATA * X).sum(axis=(2, 3)) / weight - 4, atol=1e-4)
    assert np.allclose(com.y.raw_data, (DATA * Y).sum(axis=(2, 3)) / weight - 4, atol=1e-4)
    masks = ctx.create_mask_analysis(factories=[lambda: MASKS[0]], dataset=ArrayDataSet(DATA))
    found = ctx.run(masks).mask_0.raw_data
    assert np.allclose(found, (DATA * MASKS[0]).sum(axis=(2, 3)))
    assert next(result.key for result in total) == "intensity"
