"""Which arrays a UDF sees at which moment, and in which order its hooks are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.errors import MissingNameError
from framefold.udf import UDF, BufferWrapper
from udf.driver import Driver, run_udf

DATA = np.random.default_rng(5).integers(0, 50, (4, 5, 6, 7)).astype(np.uint16)
N, SIG = 20, (6, 7)
PART = 8  # frames of the first partition
METHODS = ["tile", "frame", "partition"]


def make_probe(method: str, calls: list[Any]) -> type[UDF]:
    """A UDF that notes the shapes of all its views in every hook."""

    class Probe(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {
                "nav": self.buffer("nav"),
                "nav_e": self.buffer("nav", (3, 2)),
                "sig": self.buffer("sig"),
                "sig_e": self.buffer("sig", (3,)),
                "single": self.buffer("single"),
                "single_e": self.buffer("single", (3, 2)),
                "private": self.buffer("nav", use="private"),
                "only": self.buffer("nav", use="result_only"),
            }

        def note(self, hook: str, of: Any = None) -> None:
            of = of or self.results
            seen: dict[str, Any] = {}
            for name in self.get_result_buffers():
                try:
                    view = getattr(of, name)
                    seen[name] = None if view is None else view.shape
                except (ValueError, AttributeError) as error:
                    seen[name] = type(error)
            seen["aux"] = self.params.aux.shape
            seen["aux_e"] = self.params.aux_e.shape
            calls.append((hook, seen))

        def get_task_data(self) -> dict[str, Any]:
            self.note("task_data")
            return {}

        def preprocess(self) -> None:
            self.note("preprocess")

        def work(self, array: np.ndarray) -> None:
            self.note("process")

        def postprocess(self) -> None:
            self.note("postprocess")

        def merge(self, dest: Any, src: Any) -> None:
            self.note("dest", dest)
            self.note("src", src)

        def get_results(self) -> dict[str, Any]:
            self.note("get_results")
            return {"only": np.zeros(len(self.results.nav), np.float32)}

    setattr(Probe, f"process_{method}", Probe.work)
    return Probe


def views(nav: Any, nav_e: Any, only: Any, aux: Any = None, aux_e: Any = None) -> dict[str, Any]:
    return {
        "nav": nav,
        "nav_e": nav_e,
        "sig": SIG,
        "sig_e": (*SIG, 3),
        "single": (1,),
        "single_e": (3, 2),
        "private": nav,
        "only": only,
        "aux": nav if aux is None else aux,
        "aux_e": (*nav, 2) if aux_e is None else aux_e,
    }


WHOLE = views((PART,), (PART, 3, 2), ValueError)
TABLE = {
    "tile": views((PART,), (PART, 3, 2), None),
    "partition": views((PART,), (PART, 3, 2), None),
    "frame": views((1,), (3, 2), None, aux=(1,), aux_e=(2,)),
}


@pytest.mark.parametrize("method", METHODS)
class TestViews:
    """The table of views: shape of every buffer in every hook."""

    def aux(self) -> dict[str, Any]:
        return {
            "aux": UDF.aux_data(np.arange(N, dtype=np.float32), "nav"),
            "aux_e": UDF.aux_data(np.zeros((N, 2), np.float32), "nav", extra_shape=(2,)),
        }

    def test_worker(self, method: str) -> None:
        calls: list[Any] = []
        driver = Driver(DATA, make_probe(method, calls)(**self.aux()))
        calls.clear()
        part = driver.part(0, PART)

        assert not isinstance(part.results[0], Exception)
        assert "only" not in part.results[0]  # type: ignore[operator]
        assert "private" in part.results[0]  # type: ignore[operator]
        assert [hook for hook, _ in calls if hook != "process"] == [
            "task_data",
            "preprocess",
            "postprocess",
        ]
        for hook, seen in calls:
            assert seen == (TABLE[method] if hook == "process" else WHOLE), hook

    def test_main(self, method: str) -> None:
        calls: list[Any] = []
        driver = Driver(DATA, make_probe(method, calls)(**self.aux()))
        assert calls.pop(0) == ("preprocess", views((N,), (N, 3, 2), ValueError))
        part = driver.part(4, 7)
        calls.clear()
        driver.reduction.merge(part)
        driver.reduction.results(0)

        sides = views((3,), (3, 3, 2), MissingNameError)
        assert calls == [
            ("dest", sides),
            ("src", sides),
            ("get_results", views((N,), (N, 3, 2), ValueError)),
        ]

    def test_main_with_selection(self, method: str) -> None:
        calls: list[Any] = []
        selection = np.arange(N) % 3 == 0
        driver = Driver(DATA, make_probe(method, calls)(**self.aux()), selection=selection)
        driver.run([2])

        seen = dict(calls)
        assert calls[0] == ("preprocess", views((7,), (7, 3, 2), ValueError))
        assert seen["dest"] == views((5,), (5, 3, 2), MissingNameError)
        # only get_results sees aux data of positions that are not selected
        assert seen["get_results"] == views((7,), (7, 3, 2), ValueError, aux=(N,), aux_e=(N, 2))


class TestRows:
    """Rows belong to the frame being processed."""

    @pytest.mark.parametrize("selected", [None, np.arange(N) % 3 == 1])
    @pytest.mark.parametrize("method", METHODS)
    def test_aux_data_go_along(self, method: str, selected: Any) -> None:
        class AddAux(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {
                    "a": self.buffer("nav", dtype=np.int64),
                    "b": self.buffer("nav", (2,), dtype=np.int64),
                    "merged": self.buffer("nav", dtype=np.int64),
                }

            def work(self, array: np.ndarray) -> None:
                self.results.a[:] = self.params.a
                self.results.b[:] = self.params.b

            def postprocess(self) -> None:
                assert np.array_equal(self.params.a, self.results.a)
                assert np.array_equal(self.params.b, self.results.b)

            def merge(self, dest: Any, src: Any) -> None:
                dest.a = src.a
                dest.b = src.b
                dest.merged = self.params.a

        setattr(AddAux, f"process_{method}", AddAux.work)
        rng = np.random.default_rng(2)
        a, b = rng.integers(0, 99, N), rng.integers(0, 99, (N, 2))
        udf = AddAux(
            a=UDF.aux_data(a.reshape(4, 5), "nav", dtype=np.int64),
            b=UDF.aux_data(b, "nav", extra_shape=(2,), dtype=np.int64),
        )
        result = run_udf(DATA, udf, [1, 3, 4], selection=selected)

        rows = slice(None) if selected is None else selected
        assert np.array_equal(result["a"].raw_data, a[rows])
        assert np.array_equal(result["b"].raw_data, b[rows])
        assert np.array_equal(result["merged"].raw_data, a[rows])

    def test_aux_data_of_one_value_are_scalars(self) -> None:
        class Look(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav")}

            def process_tile(self, tile: np.ndarray) -> None:
                self.results.x[:] = self.params.a

        udf = Look(a=UDF.aux_data(np.arange(20.0).reshape(20, 1), "nav", (1,)))

        assert run_udf(DATA, udf, [3])["x"].raw_data.tolist() == list(range(20))

    def test_writing_to_pixels_fails(self) -> None:
        class Vandal(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {}

            def work(self, array: np.ndarray) -> None:
                array[:] = 0

        for method in METHODS:
            cls = type("Vandal", (Vandal,), {f"process_{method}": Vandal.work})
            for data in (DATA, DATA.astype(np.float32)):
                with pytest.raises(ValueError, match="read-only"):
                    run_udf(data, cls())

    def test_zero_length_entries(self) -> None:
        class Nothing(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"n": self.buffer("nav", (0,)), "m": self.buffer("nav", (2, 0))}

            def process_frame(self, frame: np.ndarray) -> None:
                assert self.results.n.shape == (0,)
                assert self.results.m.shape == (2, 0)

        result = run_udf(DATA, Nothing())

        assert result["n"].data.shape == (4, 5, 0)
        assert result["m"].data.shape == (4, 5, 2, 0)


class TestAssignment:
    """Assigning to an attribute fills the array."""

    @pytest.mark.parametrize("method", METHODS)
    def test_all_spellings(self, method: str) -> None:
        class Spell(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {name: self.buffer("nav") for name in "abcd"}

            def work(self, array: np.ndarray) -> None:
                self.results.a = 3
                self.results.b[:] = 3
                self.results.c += 3
                self.results.d[:] += 3

        setattr(Spell, f"process_{method}", Spell.work)
        result = run_udf(DATA, Spell(), [5])

        for name in "abcd":
            assert (result[name].data == 3).all(), name


@pytest.mark.parametrize(
    "dtype",
    [
        bool,
        np.int8,
        np.uint64,
        np.float16,
        np.complex64,
        object,
        "U3",
        "S4",
        "M8[s]",
        "m8[ns]",
        [("x", "i4"), ("y", "f8", (2,))],
    ],
)
@pytest.mark.parametrize("kind", ["nav", "sig", "single"])
def test_any_dtype_starts_as_zeros(kind: str, dtype: Any) -> None:
    class Keep(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"x": self.buffer(kind, dtype=dtype), "y": self.buffer(kind, (2,), dtype=dtype)}

        def process_frame(self, frame: np.ndarray) -> None:
            assert self.results.x.dtype == np.dtype(dtype)

        def merge(self, dest: Any, src: Any) -> None:
            dest.x = src.x
            dest.y = src.y

    result = run_udf(DATA, Keep(), [6], travel=True)

    assert np.array_equal(result["x"].data, np.zeros(result["x"].data.shape, dtype))
    assert result["y"].data.shape[-1] == 2


class TestOrder:
    """Hooks come in the order of the contract."""

    def make(self, log: list[str]) -> type[UDF]:
        class Log(UDF):
            def __init__(self, **kwargs: Any) -> None:
                log.append("init")
                super().__init__(**kwargs)

            def has_meta(self) -> str:
                return "+" if hasattr(self, "meta") else "-"

            def get_backends(self) -> Any:
                log.append(f"backends{self.has_meta()}")
                return super().get_backends()

            def get_preferred_input_dtype(self) -> Any:
                log.append(f"dtype{self.has_meta()}")
                return super().get_preferred_input_dtype()

            def get_method(self) -> Any:
                log.append(f"method{self.has_meta()}")
                return super().get_method()

            def get_tiling_preferences(self) -> Any:
                log.append(f"tiling{self.has_meta()}")
                return super().get_tiling_preferences()

            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                log.append(f"buffers{self.has_meta()}")
                return {"x": self.buffer("nav")}

            def get_task_data(self) -> dict[str, Any]:
                log.append("task_data")
                return {}

            def preprocess(self) -> None:
                log.append("preprocess")

            def process_frame(self, frame: np.ndarray) -> None:
                log.append("process")

            def postprocess(self) -> None:
                log.append("postprocess")

            def cleanup(self) -> None:
                log.append("cleanup")

            def merge(self, dest: Any, src: Any) -> None:
                log.append("merge")

            def get_results(self) -> dict[str, Any]:
                log.append("get_results")
                return {}

        return Log

    def test_order(self) -> None:
        log: list[str] = []
        driver = Driver(DATA, self.make(log)())
        main = log[1:]
        log.clear()
        part = driver.part(3, 5)
        worker = list(log)
        log.clear()
        driver.reduction.merge(part)
        driver.reduction.results(0)

        assert main == [
            "backends-", "dtype-", "method+", "buffers+", "preprocess", "method+", "tiling+",
        ]  # fmt: skip
        assert worker == [
            "init", "backends-", "dtype-", "method+", "buffers+", "task_data", "preprocess",
            "method+", "process", "process", "postprocess", "cleanup",
        ]  # fmt: skip
        assert log == ["merge", "get_results"]

    def test_a_fresh_instance_for_each_partition(self) -> None:
        class Fresh(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"n": self.buffer("nav", dtype=int)}

            def process_frame(self, frame: np.ndarray) -> None:
                self.count = getattr(self, "count", 0) + 1
                self.results.n[:] = self.count

        assert run_udf(DATA, Fresh(), [2, 4])["n"].raw_data.tolist() == [
            1, 2, 1, 2, *range(1, 17),
        ]  # fmt: skip

    def test_every_udf_gets_a_tile_before_any_gets_the_next(self) -> None:
        log: list[tuple[str, int]] = []

        class Tiles(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {}

            def get_tiling_preferences(self) -> dict[str, Any]:
                return {"total_size": 2 * 6 * 7 * 4}

            def process_tile(self, tile: np.ndarray) -> None:
                log.append((self.params.name, int(self.meta.slice.origin[0])))

        class Frames(Tiles):
            def get_method(self) -> Any:
                return self.UDF_METHOD.FRAME

            process_frame = Tiles.process_tile

        driver = Driver(DATA, [Tiles(name="a"), Frames(name="b"), Tiles(name="c")])
        driver.part(0, 5)

        assert log == [
            ("a", 0), ("b", 0), ("b", 1), ("c", 0),
            ("a", 2), ("b", 2), ("b", 3), ("c", 2),
            ("a", 4), ("b", 4), ("c", 4),
        ]  # fmt: skip
        assert driver.reads == [(0, 2), (2, 2), (4, 1)]

    def test_no_task_data_is_tolerated(self) -> None:
        class NoneAtAll(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {}

            def get_task_data(self) -> Any:
                return None

            def process_frame(self, frame: np.ndarray) -> None:
                pass

        assert run_udf(DATA, NoneAtAll()) == {}

    def test_task_data_are_read_and_filled(self) -> None:
        class Task(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav")}

            def get_task_data(self) -> dict[str, Any]:
                return {"scratch": np.zeros(1), "offset": 2, "known": {}}

            def process_frame(self, frame: np.ndarray) -> None:
                self.task_data.scratch += 1
                self.task_data.known["a"] = 3
                with pytest.raises(TypeError):
                    self.task_data.offset += 1
                with pytest.raises(AttributeError, match="offset"):
                    _ = self.task_data.ofset
                self.results.x[:] = self.task_data.scratch + self.task_data.offset

        assert run_udf(DATA, Task())["x"].raw_data.tolist() == list(range(3, 23))


def test_wrong_declarations_are_refused() -> None:
    class Wrong(UDF):
        def get_result_buffers(self) -> Any:
            return {"x": np.zeros(3)}

        def process_frame(self, frame: np.ndarray) -> None:
            pass

    with pytest.raises(ValueError, match=r"return a dictionary of names and self\.buffer"):
        Driver(DATA, Wrong())


def test_unknown_kind_is_found_at_the_start() -> None:
    class Wrong(UDF):
        def get_result_buffers(self) -> Any:
            return {"x": self.buffer("time")}

        def merge(self, dest: Any, src: Any) -> None:
            pass

        def process_frame(self, frame: np.ndarray) -> None:
            pass

    with pytest.raises(ValueError, match="unknown kind: 'time'"):
        Driver(DATA, Wrong())
