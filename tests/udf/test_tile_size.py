"""One decision on the size of tiles for all UDFs of a run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from framefold.core.shape import Shape
from framefold.errors import UDFException
from framefold.udf import UDF
from framefold.udf.tile_size import CACHE_BYTES, Wishes, decide
from framefold.udf.tiling import UDFMethod

DATASET = Shape((100, 200, 64, 64), 2)
FITS = CACHE_BYTES // (64 * 64 * 4)
TILE, FRAME, PARTITION = UDFMethod.TILE, UDFMethod.FRAME, UDFMethod.PARTITION


def depth(*wishes: Any, dataset: Shape = DATASET) -> int:
    return decide(dataset, 4, [Wishes("X", method, prefs) for method, prefs in wishes]).depth


class TestDecision:
    """Tiles are whole frames, as many as fit the cache."""

    @pytest.mark.parametrize(
        "preferences",
        [
            {},
            {"depth": UDF.TILE_DEPTH_DEFAULT, "total_size": UDF.TILE_SIZE_MAX},
            {"depth": 1},
            {"depth": 2.5, "total_size": math.inf},
            {"depth": np.float32(7), "total_size": np.int64(2**40)},
        ],
    )
    def test_cache_sized(self, preferences: dict[str, Any]) -> None:
        assert depth((TILE, preferences)) == FITS

    def test_smaller_wishes_count(self) -> None:
        assert depth((TILE, {"total_size": 4 * 64 * 64 * 4}), (TILE, {})) == 4
        assert depth((TILE, {"total_size": 1})) == 1

    def test_depth_is_a_minimum(self) -> None:
        scheme = decide(DATASET, 4, [Wishes("X", TILE, {"depth": 1000})])
        assert scheme.depth == 1000
        assert [tuple(cell.shape) for cell in scheme] == [(4, 64)] * 16
        # 64 MiB of frames and not more are read for it
        assert depth((TILE, {"depth": UDF.TILE_DEPTH_MAX})) == 2**26 // (64 * 64 * 4)
        # whole frames where somebody needs them
        wishes = [Wishes("X", TILE, {"depth": 1000}), Wishes("Y", FRAME, {})]
        assert tuple(decide(DATASET, 4, wishes).shape) == (1000, 64, 64)
        wishes = [Wishes("X", TILE, {"depth": 1000}, whole_frames=True)]
        assert tuple(decide(DATASET, 4, wishes).shape) == (1000, 64, 64)

    @pytest.mark.parametrize(
        ("sig", "total_size", "tile"),
        [
            ((64, 64), 64 * 64 * 4 - 1, (1, 32, 64)),  # two halves, not 63 rows and 1
            ((4096, 4096), None, (1, 64, 4096)),
            ((10, 20), 1, (1, 1, 20)),
            ((1000,), 400, (32, 4)),
            ((3, 4, 5), 4 * 20, (1, 1, 4, 5)),
            ((3, 4, 5), 4 * 19, (1, 1, 2, 5)),
        ],
    )
    def test_cells(self, sig: Any, total_size: Any, tile: Any) -> None:
        wish = {} if total_size is None else {"total_size": total_size, "depth": 1}
        if sig == (1000,):
            wish = {"total_size": 512}
        scheme = decide(Shape((100, *sig), len(sig)), 4, [Wishes("X", TILE, wish)])
        assert tuple(scheme.shape) == tile
        assert sum(cell.shape.size for cell in scheme) == math.prod(sig)

    def test_never_less_than_a_frame(self) -> None:
        assert depth((FRAME, {}), dataset=Shape((10, 4096, 4096), 2)) == 1

    def test_never_more_than_the_scan(self) -> None:
        assert depth((FRAME, {}), dataset=Shape((10, 4, 4), 2)) == 10

    @pytest.mark.parametrize(
        ("methods", "intent"),
        [
            ([TILE], "tile"),
            ([TILE, FRAME], "frame"),
            ([FRAME, PARTITION, TILE], "partition"),
        ],
    )
    def test_intent_is_that_of_the_most_demanding(
        self, methods: list[UDFMethod], intent: str
    ) -> None:
        scheme = decide(DATASET, 4, [Wishes("X", method, {}) for method in methods])

        assert scheme.intent == intent
        assert len(scheme) == 1

    @pytest.mark.parametrize(
        "preferences", [{"deph": 3}, {"depth": 0}, {"total_size": "big"}, {"depth": math.nan}]
    )
    def test_what_means_nothing(self, preferences: dict[str, Any]) -> None:
        with pytest.raises(UDFException, match=r"X\.get_tiling_preferences returned"):
            depth((TILE, preferences))
