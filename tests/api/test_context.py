"""What else a context offers: analyses, descriptions, export, data in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefold import Context, SumUDF
from framefold.api.description import RunDescription
from framefold.errors import ParameterError, UnknownNameError
from framefold.formats.memory_dataset import MemoryDataSet

ARRAY = np.random.default_rng(1).integers(0, 9, (6, 5, 8, 7)).astype(np.uint16)


@pytest.fixture(scope="module")
def ctx() -> Iterator[Context]:
    """Everything in this thread."""
    with Context.inline() as context:
        yield context


class TestLoad:
    """Arrays and files."""

    def test_memory(self, ctx: Context) -> None:
        data = ctx.load("memory", data=ARRAY, sig_dims=2, num_partitions=3)

        assert isinstance(data, MemoryDataSet)
        assert np.array_equal(ctx.run_udf(data, SumUDF())["intensity"], ARRAY.sum((0, 1)))

    def test_what_is_asked_of_other_readers(self, ctx: Context, tmp_path: Path) -> None:
        """``io_backend`` has no effect."""
        np.save(tmp_path / "scan.npy", ARRAY)
        data: Any = ctx.load("npy", path=tmp_path / "scan.npy", io_backend=object())

        assert tuple(data.shape) == ARRAY.shape

    def test_by_keyword(self, ctx: Context, tmp_path: Path) -> None:
        np.save(tmp_path / "scan.npy", ARRAY)

        for filetype in ("npy", "auto"):
            data: Any = ctx.load(filetype=filetype, path=tmp_path / "scan.npy")
            assert tuple(data.shape) == ARRAY.shape
        assert isinstance(ctx.load(filetype="memory", data=ARRAY), MemoryDataSet)
        with pytest.raises(ParameterError, match="needs a file"):
            ctx.load()

    def test_names_of_no_format(self, ctx: Context) -> None:
        with pytest.raises(UnknownNameError, match="did you mean 'hdf5'"):
            ctx.load("hdf", path="/nowhere")


class TestAnalyses:
    """Factories and ``run``."""

    def test_sum(self, ctx: Context) -> None:
        data = ctx.load("memory", data=ARRAY)
        found = ctx.run(ctx.create_sum_analysis(dataset=data))

        assert np.array_equal(found.intensity.raw_data, ARRAY.sum((0, 1)))

    def test_sum_of_a_part(self, ctx: Context) -> None:
        data = MemoryDataSet(ARRAY)
        found = ctx.run(ctx.create_sum_analysis(dataset=data), roi=data.roi[2:4, 1])

        assert np.array_equal(found.intensity.raw_data, ARRAY[2:4, 1].sum(0))

    def test_pick_brings_its_own_region(self, ctx: Context) -> None:
        data = ctx.load("memory", data=ARRAY)
        found = ctx.run(ctx.create_pick_analysis(dataset=data, x=3, y=2))

        assert np.array_equal(np.squeeze(found.intensity.raw_data), ARRAY[2, 3])

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("create_disk_analysis", {"cx": 3, "cy": 4, "r": 2}),
            ("create_ring_analysis", {"ri": 1, "ro": 3}),
            ("create_point_analysis", {"x": 3, "y": 4}),
            ("create_com_analysis", {"cx": 3, "cy": 4}),
            ("create_radial_fourier_analysis", {"n_bins": 2, "max_order": 2}),
        ],
    )
    def test_others(self, ctx: Context, name: str, options: dict[str, Any]) -> None:
        data = ctx.load("memory", data=ARRAY)
        found = ctx.run(getattr(ctx, name)(dataset=data, **options), progress=False)

        assert len(found) >= 1

    def test_masks(self, ctx: Context) -> None:
        data = ctx.load("memory", data=ARRAY)
        analysis = ctx.create_mask_analysis(factories=[lambda: np.ones((8, 7))], dataset=data)

        assert np.array_equal(ctx.run(analysis).mask_0.raw_data, ARRAY.sum((2, 3)))


class TestDisplay:
    """What a run would do."""

    def test_table_and_words(self, ctx: Context) -> None:
        shown = ctx.display(ctx.load("memory", data=ARRAY), SumUDF(), roi=(0, 0))

        assert isinstance(shown, RunDescription)
        html = shown._repr_html_()
        assert "<td>intensity</td><td>sig</td>" in html
        assert "(6, 5)" in html
        assert "<h4>SumUDF</h4>" in html
        assert "pixels as recorded: uint16" in repr(shown)


class TestExport:
    """Frames into another file."""

    @pytest.mark.parametrize("offset", [0, 3, -3])
    def test_npy(self, ctx: Context, tmp_path: Path, offset: int) -> None:
        data = ctx.load("memory", data=ARRAY, num_partitions=4, sync_offset=offset)
        ctx.export_dataset(data, path=tmp_path / "out.npy")

        flat = ARRAY.reshape(30, 8, 7)
        expected = np.zeros_like(flat)
        if offset >= 0:
            expected[: 30 - offset] = flat[offset:]
        else:
            expected[-offset:] = flat[:offset]
        assert np.array_equal(np.load(tmp_path / "out.npy"), expected.reshape(ARRAY.shape))

    def test_not_over_another(self, ctx: Context, tmp_path: Path) -> None:
        data = ctx.load("memory", data=ARRAY)
        ctx.export_dataset(data, path=str(tmp_path / "out.npy"))
        with pytest.raises(FileExistsError, match="overwrite=True"):
            ctx.export_dataset(data, path=tmp_path / "out.npy")
        ctx.export_dataset(data, path=tmp_path / "out.npy", overwrite=True)

    @pytest.mark.parametrize("name", ["out.h5", "out"])
    def test_other_formats(self, ctx: Context, tmp_path: Path, name: str) -> None:
        with pytest.raises(ParameterError, match=r"only \.npy can be written"):
            ctx.export_dataset(ctx.load("memory", data=ARRAY), path=tmp_path / name)


def test_what_a_udf_was_told_can_be_read_afterwards(ctx: Context) -> None:
    udf = SumUDF()
    dataset = MemoryDataSet(np.zeros((2, 3, 4, 5), np.int32))
    ctx.run_udf(dataset, udf)

    assert udf.meta.dataset_dtype == np.int32
    assert udf.meta.input_dtype == np.float64
    assert udf.meta.get_valid_nav_mask().all()
    ctx.run_udf(MemoryDataSet(np.zeros((2, 3, 4, 5), np.uint8)), udf)
    assert udf.meta.dataset_dtype == np.uint8
