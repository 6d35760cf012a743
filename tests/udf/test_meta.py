"""What UDFs may know: the table of meta information, on both sides."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from framefold.core.corrections import CorrectionSet
from framefold.core.shape import Shape, Slice
from framefold.udf import UDF, BufferWrapper, TilingScheme, UDFMeta
from udf.driver import Driver, run_udf

DATA = np.arange(4 * 5 * 6 * 7, dtype=np.uint16).reshape(4, 5, 6, 7)


def attempt(f: Any) -> Any:
    try:
        return f()
    except (ValueError, AssertionError) as error:
        return type(error)


class Probe(UDF):
    """Notes all meta information in every hook, in ``log``."""

    log: list[tuple[str, dict[str, Any]]] = []
    names = (
        "dataset_shape",
        "dataset_dtype",
        "input_dtype",
        "roi",
        "partition_shape",
        "partition_slice",
        "slice",
        "sig_slice",
        "tiling_scheme",
        "tiling_scheme_idx",
        "coordinates",
        "corrections",
        "device_class",
        "array_backend",
        "threads_per_worker",
    )

    def note(self, hook: str) -> None:
        facts = {name: attempt(lambda n=name: getattr(self.meta, n)) for name in self.names}
        facts["valid"] = self.meta.get_valid_nav_mask()
        facts["valid_full"] = self.meta.get_valid_nav_mask(full_nav=True)
        self.log.append(
            (hook, {k: v.copy() if "valid" in k and v is not None else v for k, v in facts.items()})
        )

    def get_method(self) -> Any:
        self.note("method")
        return self.params.get("method", super().get_method())

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav")}

    def preprocess(self) -> None:
        self.note("preprocess")

    def process_tile(self, tile: np.ndarray) -> None:
        self.note("process")

    process_frame = process_partition = process_tile

    def postprocess(self) -> None:
        self.note("postprocess")

    def merge(self, dest: Any, src: Any) -> None:
        self.note("merge")

    def get_results(self) -> dict[str, Any]:
        self.note("get_results")
        return {}


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    Probe.log.clear()


def logged(hook: str) -> list[dict[str, Any]]:
    return [facts for name, facts in Probe.log if name == hook]


SELECTION = np.arange(20).reshape(4, 5) % 3 == 1  # 1, 4, 7, 10, 13, 16, 19


class TestMainSide:
    """Before, while and after merging."""

    @pytest.mark.parametrize("hook", ["preprocess", "merge", "get_results"])
    def test_facts(self, hook: str) -> None:
        driver = Driver(DATA, Probe(), selection=SELECTION, threads_per_worker=3)
        part = driver.part(1, 3)
        main = [] if hook != "preprocess" else [logged("preprocess")[0]]
        Probe.log.clear()
        driver.reduction.merge(part)
        driver.reduction.results(0)
        (facts,) = main or logged(hook)

        assert facts["dataset_shape"] == Shape((4, 5, 6, 7), 2)
        assert facts["dataset_dtype"] == np.uint16
        assert facts["input_dtype"] == np.float32
        assert np.array_equal(facts["roi"], SELECTION)
        assert facts["partition_shape"] is ValueError
        assert facts["slice"] is None
        assert facts["sig_slice"] is AssertionError
        assert facts["tiling_scheme"] is None
        assert facts["tiling_scheme_idx"] == 0
        assert facts["coordinates"] is AssertionError
        assert isinstance(facts["corrections"], CorrectionSet)
        assert not facts["corrections"].have_corrections()
        assert facts["device_class"] == "cpu"
        assert facts["array_backend"] is None
        assert facts["threads_per_worker"] is None

    def test_valid_positions_in_merge_are_those_merged_before(self) -> None:
        driver = Driver(DATA, Probe(), selection=SELECTION)
        driver.run([2, 4], order=[1, 0, 2])

        masks = [np.flatnonzero(facts["valid"]).tolist() for facts in logged("merge")]
        full = [np.flatnonzero(facts["valid_full"]).tolist() for facts in logged("merge")]
        assert masks == [[], [2, 3], [0, 1, 2, 3]]
        assert full == [[], [7, 10], [1, 4, 7, 10]]
        (last,) = logged("get_results")
        assert last["valid"].all()
        assert np.array_equal(last["valid_full"], SELECTION.reshape(-1))

    def test_without_selection_both_masks_are_equal(self) -> None:
        Driver(DATA, Probe()).run([6])

        for facts in logged("merge"):
            assert facts["roi"] is None
            assert np.array_equal(facts["valid"], facts["valid_full"])

    def test_the_mask_cannot_be_written_to(self) -> None:
        class Vandal(Probe):
            def merge(self, dest: Any, src: Any) -> None:
                self.meta.get_valid_nav_mask()[:] = True

        with pytest.raises(ValueError, match="read-only"):
            Driver(DATA, Vandal()).run()


class TestWorker:
    """While a partition is processed."""

    def run(self, **params: Any) -> None:
        driver = Driver(DATA, Probe(**params), selection=SELECTION, threads_per_worker=3)
        Probe.log.clear()
        driver.part(2, 5)  # positions 7, 10, 13

    @pytest.mark.parametrize("hook", ["preprocess", "process", "postprocess"])
    @pytest.mark.parametrize("method", UDF.UDF_METHOD)
    def test_facts(self, hook: str, method: Any) -> None:
        self.run(method=method)

        for facts in logged(hook):
            assert facts["dataset_shape"] == Shape((4, 5, 6, 7), 2)
            assert facts["dataset_dtype"] == np.uint16
            assert facts["input_dtype"] == np.float32
            assert np.array_equal(facts["roi"], SELECTION)
            assert facts["partition_shape"] == Shape((3, 6, 7), 2)
            assert facts["partition_slice"] == Slice((2, 0, 0), Shape((3, 6, 7), 2))
            assert facts["sig_slice"] == Slice((0, 0), Shape((6, 7), 2))
            assert isinstance(facts["tiling_scheme"], TilingScheme)
            assert facts["tiling_scheme_idx"] == 0
            assert isinstance(facts["corrections"], CorrectionSet)
            assert facts["device_class"] == "cpu"
            assert facts["array_backend"] == "numpy"
            assert facts["threads_per_worker"] == 3
            assert facts["valid"] is None
            assert facts["valid_full"] is None

    def test_slice_before_the_partition_is_entered(self) -> None:
        self.run()

        first, last = logged("method")
        assert first["slice"] is None
        assert first["coordinates"] is AssertionError
        assert last["slice"] == Slice((2, 0, 0), Shape((3, 6, 7), 2))

    @pytest.mark.parametrize("hook", ["preprocess", "postprocess"])
    @pytest.mark.parametrize("method", UDF.UDF_METHOD)
    def test_the_place_around_processing_is_the_partition(self, hook: str, method: Any) -> None:
        self.run(method=method)

        (facts,) = logged(hook)
        assert facts["slice"] == Slice((2, 0, 0), Shape((3, 6, 7), 2))
        assert facts["coordinates"].tolist() == [[1, 2], [2, 0], [2, 3]]

    def test_the_place_in_frame_mode(self) -> None:
        self.run(method=UDF.UDF_METHOD.FRAME)

        place = [(facts["slice"], facts["coordinates"].tolist()) for facts in logged("process")]
        assert place == [
            (Slice((2, 0, 0), Shape((1, 6, 7), 2)), [[1, 2]]),
            (Slice((3, 0, 0), Shape((1, 6, 7), 2)), [[2, 0]]),
            (Slice((4, 0, 0), Shape((1, 6, 7), 2)), [[2, 3]]),
        ]

    def test_partition_mode_makes_tiles_of_partitions(self) -> None:
        self.run(method=UDF.UDF_METHOD.PARTITION)

        (facts,) = logged("process")
        assert facts["slice"] == Slice((2, 0, 0), Shape((3, 6, 7), 2))
        assert facts["tiling_scheme"].depth == 3
        assert facts["tiling_scheme"].intent == "partition"

    def test_slice_cuts_the_stack_of_selected_frames(self) -> None:
        class Pick(UDF):
            def get_preferred_input_dtype(self) -> Any:
                return self.USE_NATIVE_DTYPE

            def get_tiling_preferences(self) -> dict[str, Any]:
                return {"total_size": 2 * 6 * 7 * 2}

            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                n = np.count_nonzero(self.meta.roi)
                shape = (n, *self.meta.dataset_shape.sig)
                return {"x": self.buffer("single", shape, self.meta.input_dtype)}

            def process_tile(self, tile: np.ndarray) -> None:
                self.results.x[self.meta.slice.get()] = tile

            def merge(self, dest: Any, src: Any) -> None:
                dest.x += src.x

        result = run_udf(DATA, Pick(), [1, 4], selection=SELECTION)

        assert np.array_equal(result["x"].data, DATA[SELECTION])

    def test_coordinates_are_the_receivers_own(self) -> None:
        class Own(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"yx": self.buffer("nav", (2,), dtype=int)}

            def process_frame(self, frame: np.ndarray) -> None:
                where = self.meta.coordinates
                self.results.yx[:] = where[0]
                where += 100

        expected = np.stack(np.mgrid[:4, :5], axis=-1)
        assert np.array_equal(run_udf(DATA, Own(), [7])["yx"].data, expected)


class TestConstructor:
    """UDF authors make one by hand in their tests."""

    def test_with_selection(self) -> None:
        meta = UDFMeta(
            partition_slice=Slice((5, 0, 0), Shape((8, 6, 7), 2)),
            dataset_shape=Shape((4, 5, 6, 7), 2),
            roi=SELECTION.reshape(-1),
            dataset_dtype=">u2",
            input_dtype=np.float32,
        )

        assert meta.roi.shape == (4, 5)
        assert meta.partition_shape == Shape((2, 6, 7), 2)
        assert meta.slice == Slice((2, 0, 0), Shape((2, 6, 7), 2))
        assert meta.coordinates.tolist() == [[1, 2], [2, 0]]
        assert meta.dataset_dtype.isnative

    def test_main_side(self) -> None:
        meta = UDFMeta(None, Shape((4, 6, 7), 2), None, "u2", "f4", valid_nav_mask=None)

        assert meta.slice is None
        assert meta.get_valid_nav_mask() is None
        meta.set_valid_nav_mask(np.ones(4, bool))
        assert meta.get_valid_nav_mask(full_nav=True).all()

    def test_pickle(self) -> None:
        meta = UDFMeta(Slice((0, 0), Shape((3, 6), 1)), Shape((4, 6), 1), None, "u2", "f4")

        assert pickle.loads(pickle.dumps(meta)).slice == meta.slice
