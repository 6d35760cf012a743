"""How tiles are cut."""

from __future__ import annotations

from framefold.core.shape import Shape, Slice
from framefold.udf import TilingScheme

DATASET = Shape((100, 200, 64, 64), 2)


class TestScheme:
    """The surface that UDFs see."""

    def test_whole_frames(self) -> None:
        scheme = TilingScheme.make_for_shape(Shape((8, 64, 64), 2), DATASET, intent="tile")

        assert (len(scheme), scheme.depth, scheme.intent) == (1, 8, "tile")
        assert scheme[0] == Slice((0, 0), Shape((64, 64), 2))
        assert scheme.shape == Shape((8, 64, 64), 2)
        assert scheme.dataset_shape is DATASET
        assert scheme.slices == [(0, scheme[0])]
        assert scheme.slices_array.tolist() == [[[0, 0], [64, 64]]]

    def test_cells(self) -> None:
        scheme = TilingScheme.make_for_shape(Shape((8, 50, 64), 2), DATASET)

        assert [tuple(cell.shape) for cell in scheme] == [(50, 64), (14, 64)]
        assert scheme[1].origin == (50, 0)
        assert scheme.slices_array.shape == (2, 2, 2)

    def test_adjusting_for_partitions(self) -> None:
        tile = Shape((8, 64, 64), 2)
        whole = TilingScheme.make_for_shape(tile, DATASET, intent="partition")
        part = type("Partition", (), {"shape": Shape((5, 64, 64), 2)})

        assert whole.adjust_for_partition(3).depth == 3
        assert whole.adjust_for_partition(part).shape == Shape((5, 64, 64), 2)
        assert whole.adjust_for_partition(8) is whole
        frames = TilingScheme.make_for_shape(tile, DATASET, intent="frame")
        assert frames.adjust_for_partition(3) is frames
