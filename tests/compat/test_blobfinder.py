"""The published package libertem-blobfinder runs on framefold, with known answers.

It and what it needs must be installed beside framefold, without ``libertem`` itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framefold import Context

pytestmark = [
    pytest.mark.skipif(
        find_spec("libertem_blobfinder") is None or find_spec("skimage") is None,
        reason="libertem-blobfinder is not installed beside framefold",
    ),
    pytest.mark.skipif(find_spec("libertem") is not None, reason="the real libertem is installed"),
    pytest.mark.filterwarnings("ignore"),  # what other packages warn of is theirs
    pytest.mark.usefixtures("names"),
]

NAV, SIG = (3, 4), (96, 96)
ZERO, A, B = np.array([48.0, 48.0]), np.array([24.0, 0.0]), np.array([0.0, 24.0])
STEPS = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
PEAKS = (ZERO + STEPS @ np.stack([A, B])).astype(int)
RADIUS = 5.0


@pytest.fixture(scope="module")
def shifts() -> NDArray[Any]:
    """How far the pattern of each position lies off [pixels]."""
    return np.random.default_rng(7).uniform(-1.0, 1.0, (*NAV, 2))


@pytest.fixture(scope="module")
def patterns(shifts: NDArray[Any]) -> NDArray[Any]:
    """Nine soft disks on a square lattice, moved by the shifts."""
    y, x = np.mgrid[: SIG[0], : SIG[1]]
    data = np.full((*NAV, *SIG), 2.0, dtype=np.float32)
    for position in np.ndindex(NAV):
        for cy, cx in PEAKS + shifts[position]:
            data[position] += 500 / (1 + np.exp(2 * (np.hypot(y - cy, x - cx) - RADIUS)))
    return data


@pytest.fixture(scope="module", params=["inline", "two workers"])
def ctx(request: pytest.FixtureRequest, names: None) -> Iterator[Context]:
    """A context that was made when the names were lent already."""
    with Context.inline() if request.param == "inline" else Context(workers=2) as context:
        yield context


@pytest.fixture
def data(ctx: Context, patterns: NDArray[Any]) -> Any:
    """The patterns as a data set."""
    return ctx.load("memory", data=patterns, num_partitions=3)


def match_pattern() -> Any:
    """Disks, with a dark ring around them."""
    from libertem_blobfinder.common.patterns import BackgroundSubtraction

    return BackgroundSubtraction(radius=RADIUS, search=11)


class TestCorrelation:
    """Peaks are found where they are."""

    @pytest.mark.parametrize(
        ("name", "upsample"),
        [
            ("FastCorrelationUDF", False),
            ("FastCorrelationUDF", True),
            ("FullFrameCorrelationUDF", False),
        ],
    )
    def test_positions(
        self, ctx: Context, data: Any, shifts: NDArray[Any], name: str, upsample: bool
    ) -> None:
        from libertem_blobfinder.udf import correlation

        udf = getattr(correlation, name)(
            peaks=PEAKS, match_pattern=match_pattern(), upsample=upsample
        )
        result = ctx.run_udf(dataset=data, udf=udf)

        off = result["refineds"].data - (PEAKS + shifts[:, :, np.newaxis])
        assert np.abs(off).max() < 0.3

    def test_equals_the_function_frame_by_frame(
        self, ctx: Context, data: Any, patterns: NDArray[Any]
    ) -> None:
        from libertem_blobfinder.common.correlation import process_frames_fast
        from libertem_blobfinder.udf.correlation import FastCorrelationUDF

        pattern = match_pattern()
        result = ctx.run_udf(dataset=data, udf=FastCorrelationUDF(PEAKS, pattern))
        centers, refineds, heights, elevations = process_frames_fast(
            pattern, patterns.reshape(-1, *SIG), PEAKS
        )

        assert np.array_equal(result["centers"].raw_data, centers)
        assert np.allclose(result["refineds"].raw_data, refineds, atol=1e-4)
        assert np.allclose(result["peak_values"].raw_data, heights, rtol=1e-4)
        assert np.allclose(result["peak_elevations"].raw_data, elevations, rtol=1e-4)

    def test_tiles_and_sparse_masks(self, ctx: Context, data: Any, shifts: NDArray[Any]) -> None:
        """Accumulated over tiles, evaluated when the partition is complete."""
        from libertem_blobfinder.udf.correlation import SparseCorrelationUDF

        udf = SparseCorrelationUDF(peaks=PEAKS, match_pattern=match_pattern(), steps=3)
        result = ctx.run_udf(dataset=data, udf=udf)

        assert np.abs(result["refineds"].data - (PEAKS + shifts[:, :, np.newaxis])).max() < 0.3

    def test_aux_data_with_a_region_of_interest(
        self, ctx: Context, data: Any, shifts: NDArray[Any]
    ) -> None:
        """``zero_shift`` is cut to the frames at hand."""
        from libertem_blobfinder.udf.correlation import FastCorrelationUDF

        zero_shift = FastCorrelationUDF.aux_data(
            np.round(shifts).astype(np.float32), kind="nav", extra_shape=(2,), dtype="float32"
        )
        udf = FastCorrelationUDF(PEAKS, match_pattern(), zero_shift=zero_shift)
        roi = data.roi[1:, ::2]
        result = ctx.run_udf(dataset=data, udf=udf, roi=roi)

        truth = PEAKS + shifts[:, :, np.newaxis]
        assert np.abs(result["refineds"].data - truth)[roi].max() < 0.3
        assert np.isnan(result["refineds"].data[~roi]).all()


class TestRefinement:
    """Classes that are put together from several with the same hooks."""

    @pytest.mark.parametrize("match", ["fast", "affine"])
    def test_lattice(self, ctx: Context, data: Any, shifts: NDArray[Any], match: str) -> None:
        from libertem_blobfinder.common.gridmatching import Matcher
        from libertem_blobfinder.udf.refinement import run_refine

        result, _ = run_refine(
            ctx=ctx,
            dataset=data,
            zero=ZERO,
            a=A,
            b=B,
            match_pattern=match_pattern(),
            matcher=Matcher(),
            correlation="fast",
            match=match,
            steps=3,
        )

        assert np.abs(result["zero"].data - (ZERO + shifts)).max() < 0.3
        assert np.abs(result["a"].data - A).max() < 0.3
        assert np.abs(result["b"].data - B).max() < 0.3


class TestIntegration:
    """Sums over a pattern around given centres."""

    def test_sums(self, ctx: Context, data: Any, patterns: NDArray[Any]) -> None:
        from libertem_blobfinder.common.patterns import Circular
        from libertem_blobfinder.udf.integration import IntegrationUDF

        pattern = Circular(radius=7, search=9)
        result = ctx.run_udf(dataset=data, udf=IntegrationUDF(centers=PEAKS, pattern=pattern))

        size = pattern.get_crop_size()
        mask = pattern.get_mask(sig_shape=(2 * size, 2 * size))
        expected = np.stack(
            [
                (patterns[:, :, y - size : y + size, x - size : x + size] * mask).sum((2, 3))
                for y, x in PEAKS
            ],
            axis=-1,
        )
        assert np.allclose(result["integration"].data, expected, rtol=1e-5)
