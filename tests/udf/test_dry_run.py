"""Mistakes are found before data come; what only made-up frames bring about is not one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from framefold.errors import MissingNameError, UDFException
from framefold.udf import UDF, BufferWrapper, Reduction
from framefold.udf.dry_run import attempt, is_tried, made_up, tried
from framefold.udf.partial import PartitionResult
from udf.driver import Driver

DATA = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)


class Good(UDF):
    """Sum of each frame, and of all; subclasses make mistakes."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav"), "all": self.buffer("sig", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.x[:] = frame.sum()
        self.results.all += frame

    def merge(self, dest: Any, src: Any) -> None:
        dest.x[:] = src.x
        dest.all += src.all


def found(udf: UDF, **options: Any) -> dict[int, Any]:
    return Driver(DATA, udf, **options).reduction.mistakes()


class Misspelt(Good):
    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.y[:] = frame.sum()


class WrongShape(Good):
    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.x[:] = frame.sum(axis=0)


class Writes(Good):
    def process_frame(self, frame: NDArray[Any]) -> None:
        frame -= 1


class NoModule(Good):
    def process_frame(self, frame: NDArray[Any]) -> None:
        import no_such_module  # noqa: F401


class NoName(Good):
    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.x[:] = sum_of(frame)  # noqa: F821


class BadTaskData(Good):
    def get_task_data(self) -> dict[str, Any]:
        raise ValueError("a radius of -1")


class BadPreprocess(Good):
    def preprocess(self) -> None:
        if self.meta.slice is not None:
            raise ZeroDivisionError("in workers only")


class BadPostprocess(Good):
    def postprocess(self) -> None:
        self.results.x.append(1)


class BadMerge(Good):
    def merge(self, dest: Any, src: Any) -> None:
        dest.x[:] = src.all


class BadResults(Good):
    def get_results(self) -> dict[str, Any]:
        return {"z": self.results.x}


class BadConstructor(Good):
    def __init__(self, radius: int) -> None:
        super().__init__(r=radius)


class TestMistakes:
    """Each is found, with the type it has and where it was made."""

    @pytest.mark.parametrize(
        ("udf", "kind", "hook"),
        [
            (Misspelt(), MissingNameError, "process_frame"),
            (WrongShape(), ValueError, "process_frame"),
            (Writes(), ValueError, "process_frame"),
            (NoModule(), ModuleNotFoundError, "process_frame"),
            (NoName(), NameError, "process_frame"),
            (BadTaskData(), ValueError, "get_task_data"),
            (BadPreprocess(), ZeroDivisionError, "preprocess"),
            (BadPostprocess(), AttributeError, "postprocess"),
            (BadMerge(), ValueError, "merge"),
            (BadResults(), UDFException, "get_results"),
            (BadConstructor(3), TypeError, "the constructor"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, UDF) else "",
    )
    def test_is_found(self, udf: UDF, kind: type[Exception], hook: str) -> None:
        (error,) = found(udf).values()

        assert error.hook == hook
        assert isinstance(error.exception, kind)
        note = f"found in {hook} of {type(udf).__name__} by a dry run"
        assert any(note in told for told in error.exception.__notes__)

    def test_of_one_udf_among_several(self) -> None:
        driver = Driver(DATA, [Good(), Misspelt(), Good(), BadMerge()])

        assert driver.reduction.mistakes().keys() == {1, 3}

    def test_in_tiles_and_partitions(self) -> None:
        class Tile(Good):
            process_frame = None

            def get_method(self) -> Any:
                return self.UDF_METHOD.TILE

            def process_tile(self, tile: NDArray[Any]) -> None:
                assert tile.shape == (1, 4, 5)
                self.results.x[:] = tile

        class Whole(Tile):
            process_tile = None

            def get_method(self) -> Any:
                return self.UDF_METHOD.PARTITION

            def process_partition(self, partition: NDArray[Any]) -> None:
                self.results.x[:] = partition

        assert found(Tile())[0].hook == "process_tile"
        assert found(Whole())[0].hook == "process_partition"


class TestNoMistakes:
    """What made-up frames bring about, real ones need not."""

    def raising(self, make: Callable[[NDArray[Any]], object]) -> UDF:
        class Raises(Good):
            def process_frame(self, frame: NDArray[Any]) -> None:
                make(frame)

        return Raises()

    @pytest.mark.parametrize(
        "make",
        [
            lambda frame: 1 / int(frame.max() - frame.max()),
            lambda frame: np.linalg.inv(frame[:4, :4] * 0),
            lambda frame: frame[frame > 1000][0],
            lambda frame: {500: 1}[int(frame.max())],
            lambda frame: float("no number"),
            # nothing found: how many depends on the values
            lambda frame: np.zeros(3) + frame[frame == frame[0, 0]][:7],
            lambda frame: None + 1,
            lambda frame: None.centre,
        ],
    )
    def test_is_let_go(self, make: Callable[[NDArray[Any]], object]) -> None:
        udf = self.raising(make)
        part = attempt(Driver(DATA, udf).reduction.spec, np.zeros, noise=False)
        assert part.results[0].hook == "process_frame"  # it did raise

        assert found(udf) == {}

    def test_unbound_as_nothing_was_found(self) -> None:
        class Peaks(Good):
            def process_frame(self, frame: NDArray[Any]) -> None:
                for peak in frame[frame > 1000]:
                    last = peak
                self.results.x[:] = last

        assert found(Peaks()) == {}

    def test_warnings(self) -> None:
        class Warns(Good):
            def process_frame(self, frame: NDArray[Any]) -> None:
                self.results.x[:] = np.log(0 * frame[0, 0]) / 0.0  # numpy would warn

        assert found(Warns()) == {}

    def test_results_that_need_all_positions(self) -> None:
        class AtTheEnd(Good):
            def get_results(self) -> dict[str, Any]:
                valid = self.meta.get_valid_nav_mask()
                return {"x": self.results.x[valid].reshape(2, 3), "all": self.results.all}

        assert found(AtTheEnd()) == {}

    def test_an_exit(self) -> None:
        class Exits(Good):
            def merge(self, dest: Any, src: Any) -> None:
                raise SystemExit(3)

        assert found(Exits()) == {}

    def test_a_worker_that_dies(self) -> None:
        assert Driver(DATA, Misspelt()).reduction.mistakes(lambda noise: None) == {}

    def test_nothing_selected(self) -> None:
        assert found(Misspelt(), selection=np.zeros(6, bool)) == {}


class TestTraces:
    """Nothing of a dry run is seen afterwards."""

    def test_the_udf_and_the_results_are_untouched(self) -> None:
        class Remembers(Good):
            def preprocess(self) -> None:
                self.seen = [*getattr(self, "seen", []), "preprocess"]

            def merge(self, dest: Any, src: Any) -> None:
                self.seen.append("merge")
                super().merge(dest, src)

        udf = Remembers()
        driver = Driver(DATA, udf)
        before = driver.reduction._udfs[0].udf.seen
        assert driver.reduction.mistakes() == {}

        assert driver.reduction.merged == 0
        assert not driver.reduction.results(0)["all"].data.any()
        assert driver.reduction._udfs[0].udf.seen == before == ["preprocess"]
        assert not hasattr(udf, "seen")
        (result,) = driver.run()
        assert np.array_equal(result["all"].data, DATA.sum(axis=(0, 1)))

    def test_frames_seen(self) -> None:
        seen: list[Any] = []

        class Sees(Good):
            def process_frame(self, frame: NDArray[Any]) -> None:
                seen.append((frame.copy(), self.meta.coordinates.tolist()))

        selection = np.arange(6) > 3
        assert found(Sees(), selection=selection) == {}
        ((frame, coordinates),) = seen
        assert (frame == 1).all()
        assert frame.shape == (4, 5)
        assert coordinates == [[1, 1]]

    def test_the_second_frame_comes_only_after_a_suspicion(self) -> None:
        asked: list[bool] = []
        reduction = Driver(DATA, Misspelt()).reduction

        def tries(noise: bool) -> PartitionResult:
            asked.append(noise)
            return attempt(reduction.spec, np.zeros, noise=noise)

        assert reduction.mistakes(tries).keys() == {0}
        assert asked == [False, True]


class TestWho:
    """Users' UDFs, unless they do not want to."""

    def test_shipped_ones_are_not_tried(self) -> None:
        from framefold import SumUDF

        class Mine(SumUDF):
            """A user's own."""

        class Effects(Good):
            DRY_RUN: ClassVar[bool] = False

        class More(Effects):
            """Still has them."""

        assert not is_tried(SumUDF)
        assert is_tried(Mine)
        assert not is_tried(Effects)
        assert not is_tried(More)
        spec = Driver(DATA, [SumUDF(), Good(), Effects()]).reduction.spec
        assert tried(spec) == (1,)

    def test_nothing_is_done_for_those_who_are_not(self, monkeypatch: Any) -> None:
        from framefold import SumUDF

        reduction: Reduction = Driver(DATA, SumUDF()).reduction

        def never(noise: bool) -> PartitionResult:
            raise AssertionError("no worker is asked")

        assert reduction.mistakes(never) == {}


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32", "complex64"])
def test_made_up_frames(dtype: str) -> None:
    kind = np.dtype(dtype)
    flat = made_up((3, 8, 8), kind, noise=False)
    noise = made_up((3, 8, 8), kind, noise=True)

    assert flat.dtype == noise.dtype == kind
    assert (flat == 1).all()
    assert len(np.unique(noise)) > (1 if kind.kind == "b" else 20)
