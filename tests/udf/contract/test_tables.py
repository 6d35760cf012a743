"""The tables of call order (2.3), of ``meta`` (2.4) and of views (2.5), on whole systems.

``test_bound_udf.py`` and ``test_meta.py`` measure them piece by piece; here nothing is between the
UDF and what users call. A probe notes in a file what it sees, wherever it runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefold.api import Context
from framefold.core.corrections import CorrectionSet
from framefold.core.shape import Shape, Slice
from framefold.formats.memory import ArrayDataSet
from framefold.udf import UDF, BufferWrapper, TilingScheme

RNG = np.random.default_rng(20)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
SELECTED = np.arange(20).reshape(4, 5) % 3 != 1  # 13 positions
HALVES = [7, 6]  # of them, in two partitions of ten positions
SIG = [6, 7]

Entry = dict[str, Any]


def plain(value: Any) -> Any:
    """What can be written down of a fact."""
    if isinstance(value, Slice):
        return [plain(value.origin), plain(value.shape)]
    if isinstance(value, (Shape, tuple)):
        return [int(n) for n in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, TilingScheme):
        return f"{value.intent} {value.depth}"
    if isinstance(value, CorrectionSet):
        return f"corrections: {value.have_corrections()}"
    return value if isinstance(value, (int, str, type(None))) else str(value)


def attempt(look: Callable[[], Any]) -> Any:
    try:
        return plain(look())
    except (ValueError, AssertionError, AttributeError, KeyError) as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        return next(n for n in names if n in ("ValueError", "AssertionError", "AttributeError"))


class Probe(UDF):
    """Notes each hook: who called it, and what could be seen."""

    DRY_RUN = False

    def __init__(self, log: str, method: str, **params: Any) -> None:
        super().__init__(log=log, method=method, **params)
        self.serial = os.urandom(8).hex()
        self.note("init")

    def see(self, hook: str, **given: Any) -> Entry:
        """What is noted besides."""
        return {}

    def note(self, hook: str, **given: Any) -> None:
        meta = getattr(self, "meta", None)
        entry: Entry = {
            "hook": hook,
            "who": self.serial,
            "pid": os.getpid(),
            "has_meta": meta is not None,
            "place": None if meta is None else plain(meta.slice),
        }
        if meta is not None:
            entry |= self.see(hook, **given)
        # one write at the end of the file: two workers do not mix their lines
        with Path(self.params.log).open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def get_backends(self) -> Any:
        self.note("get_backends")
        return super().get_backends()

    def get_preferred_input_dtype(self) -> Any:
        self.note("get_preferred_input_dtype")
        return super().get_preferred_input_dtype()

    def get_method(self) -> Any:
        self.note("get_method")
        return self.UDF_METHOD(self.params.method)

    def get_tiling_preferences(self) -> Any:
        self.note("get_tiling_preferences")
        return super().get_tiling_preferences()

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        self.note("get_result_buffers")
        return self.buffers()

    def buffers(self) -> dict[str, BufferWrapper]:
        return {"nav": self.buffer("nav")}

    def get_task_data(self) -> dict[str, Any]:
        self.note("get_task_data")
        return {}

    def preprocess(self) -> None:
        self.note("preprocess")

    def process_tile(self, tile: np.ndarray) -> None:
        self.note("process", array=tile)

    process_frame = process_partition = process_tile

    def postprocess(self) -> None:
        self.note("postprocess")

    def cleanup(self) -> None:
        self.note("cleanup")

    def merge(self, dest: Any, src: Any) -> None:
        self.note("merge", dest=dest, src=src)

    def get_results(self) -> dict[str, Any]:
        self.note("get_results")
        return self.found()

    def found(self) -> dict[str, Any]:
        return {}


class Seen:
    """What was noted in a run, by side."""

    def __init__(self, probe: Probe, entries: list[Entry]) -> None:
        self.main = [e for e in entries if e["who"] == probe.serial]
        self.partitions: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry["who"] != probe.serial:
                self.partitions.setdefault(entry["who"], []).append(entry)
        assert len(self.partitions) == 2

    def on_main(self, hook: str) -> list[Entry]:
        found = [e for e in self.main if e["hook"] == hook]
        assert found, f"{hook} was not called"
        return found

    def in_worker(self, hook: str) -> Iterator[tuple[int, int, list[Entry]]]:
        """First selected frame and number of frames of each partition, and its entries."""
        for entries in self.partitions.values():
            start = next(e["place"] for e in entries if e["place"] is not None)
            (first, *_), (count, *_) = start
            found = [e for e in entries if e["hook"] == hook]
            assert found, f"{hook} was not called"
            yield first, count, found


@pytest.fixture(params=["ctx", "two_workers"])
def where(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def run(where: Context, tmp_path: Path, kind: type[Probe], method: str, **params: Any) -> Seen:
    log = tmp_path / "log"
    probe = kind(str(log), method, **params)
    where.run_udf(ArrayDataSet(DATA, num_partitions=2), probe, roi=SELECTED)
    return Seen(probe, [json.loads(line) for line in log.read_text().splitlines()])


METHODS = ["tile", "frame", "partition"]


@pytest.mark.parametrize("method", METHODS)
def test_table_2_3_call_order(where: Context, tmp_path: Path, method: str) -> None:
    seen = run(where, tmp_path, Probe, method)

    before = [e["hook"] for e in seen.main]
    merging = before.index("merge")
    order = [
        "init",
        *("get_backends", "get_preferred_input_dtype", "get_method", "get_result_buffers"),
        *("preprocess", "get_tiling_preferences", "merge", "get_results"),
    ]
    assert list(dict.fromkeys(before)) == order
    assert [e["has_meta"] for e in seen.main[:3]] == [False] * 3
    assert all(e["has_meta"] for e in seen.main if e["hook"] not in order[:3])
    # the user's own object was not touched: it is a copy that has met the run
    assert before.count("merge") == 2
    assert "merge" not in before[:merging]
    assert all(e["pid"] == os.getpid() for e in seen.main)

    assert len(seen.partitions) == 2  # a new instance for each
    assert sorted(count for _, count, _ in seen.in_worker("process")) == sorted(HALVES)
    for entries in seen.partitions.values():
        hooks = [e["hook"] for e in entries]
        calls = hooks.count("process")
        assert hooks == [
            *("init", "get_backends", "get_preferred_input_dtype"),
            *("get_method", "get_result_buffers", "get_task_data", "preprocess", "get_method"),
            *["process"] * calls,
            *("postprocess", "cleanup"),
        ]
        whole = entries[-1]["place"]
        assert whole[1][0] in HALVES
        assert calls == (whole[1][0] if method == "frame" else 1)
        places = {e["hook"]: e["place"] for e in entries}
        assert not any(e["has_meta"] for e in entries[:3])
        assert entries[3]["place"] is None  # get_method comes before the partition is entered
        for hook in ("get_result_buffers", "get_task_data", "preprocess", "postprocess"):
            assert places[hook] == whole, hook


FACTS = (
    *("dataset_shape", "dataset_dtype", "input_dtype", "roi", "partition_shape", "sig_slice"),
    *("tiling_scheme", "tiling_scheme_idx", "coordinates", "corrections", "device_class"),
    *("array_backend", "threads_per_worker"),
)


class Facts(Probe):
    def see(self, hook: str, **given: Any) -> Entry:
        meta = self.meta
        return {
            **{name: attempt(lambda n=name: getattr(meta, n)) for name in FACTS},
            "valid": plain(meta.get_valid_nav_mask()),
            "valid_full": plain(meta.get_valid_nav_mask(full_nav=True)),
        }


def assert_everywhere(entry: Entry) -> None:
    assert entry["dataset_shape"] == [4, 5, 6, 7]
    assert entry["dataset_dtype"] == "uint16"
    assert entry["input_dtype"] == "float32"
    assert entry["roi"] == SELECTED.tolist()
    assert entry["corrections"] == "corrections: False"
    assert entry["device_class"] == "cpu"


def test_table_2_4_meta_on_the_main_side(where: Context, tmp_path: Path) -> None:
    seen = run(where, tmp_path, Facts, "tile")
    hooks = ("get_result_buffers", "preprocess", "get_tiling_preferences", "merge", "get_results")
    for hook in hooks:
        for entry in seen.on_main(hook):
            if not entry["has_meta"]:
                continue
            assert_everywhere(entry)
            assert entry["partition_shape"] == "ValueError"
            assert entry["place"] is None
            assert entry["sig_slice"] == entry["coordinates"] == "AssertionError"
            assert entry["tiling_scheme"] is None
            assert entry["tiling_scheme_idx"] == 0
            assert entry["array_backend"] is None
            assert entry["threads_per_worker"] is None
    first, second = seen.on_main("merge")
    assert first["valid"] == [False] * 13
    assert sum(second["valid"]) in HALVES  # what was merged before this one
    (last,) = seen.on_main("get_results")[-1:]
    assert last["valid"] == [True] * 13
    assert last["valid_full"] == SELECTED.reshape(-1).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_table_2_4_meta_in_workers(where: Context, tmp_path: Path, method: str) -> None:
    seen = run(where, tmp_path, Facts, method)
    places = np.argwhere(SELECTED)
    for hook in ("get_task_data", "preprocess", "process", "postprocess"):
        for start, count, entries in seen.in_worker(hook):
            for number, entry in enumerate(entries):
                assert_everywhere(entry)
                assert entry["partition_shape"] == [count, *SIG]
                assert entry["sig_slice"] == [[0, 0], SIG]
                assert entry["tiling_scheme_idx"] == 0
                assert entry["tiling_scheme"].startswith(method)
                assert entry["array_backend"] == "numpy"
                assert entry["threads_per_worker"] == where.pool.threads_per_worker
                assert entry["valid"] is entry["valid_full"] is None
                first, length = start, count
                if hook == "process" and method == "frame":
                    first, length = start + number, 1
                assert entry["place"] == [[first, 0, 0], [length, *SIG]]
                assert entry["coordinates"] == places[first : first + length].tolist()


def test_table_2_4_cells(where: Context, tmp_path: Path) -> None:
    """The signal part of ``slice``, ``sig_slice`` and the index go from cell to cell."""

    class Cells(Facts):
        def get_tiling_preferences(self) -> dict[str, Any]:
            return {"depth": 4, "total_size": 4 * 2 * 7 * 4}

    seen = run(where, tmp_path, Cells, "tile")
    for start, count, entries in seen.in_worker("process"):
        cells = {(e["tiling_scheme_idx"], *e["sig_slice"][0]) for e in entries}
        assert cells == {(0, 0, 0), (1, 2, 0), (2, 4, 0)}
        frames = dict.fromkeys(range(3), 0)
        for entry in entries:
            (first, *origin), (length, *shape) = entry["place"]
            assert [origin, shape] == entry["sig_slice"]
            assert first == start + frames[entry["tiling_scheme_idx"]]
            frames[entry["tiling_scheme_idx"]] += length
        assert set(frames.values()) == {count}


class Views(Probe):
    def buffers(self) -> dict[str, BufferWrapper]:
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

    def see(self, hook: str, **given: Any) -> Entry:
        if hook in ("get_backends", "get_preferred_input_dtype", "get_method", "cleanup"):
            return {}
        if hook in ("get_result_buffers", "get_tiling_preferences"):
            return {}
        array = given.get("array")
        sides = {"results": self.results, "dest": given.get("dest"), "src": given.get("src")}
        entry = {
            f"{side}.{name}": attempt(
                lambda s=access, n=name: None if getattr(s, n) is None else getattr(s, n).shape
            )
            for side, access in sides.items()
            for name in self.buffers()
            if access is not None
        }
        entry["array"] = None if array is None else plain(array.shape)
        entry["aux"] = plain(self.params.aux.shape)
        entry["aux_e"] = plain(self.params.aux_e.shape)
        return entry

    def found(self) -> dict[str, Any]:
        return {"only": np.zeros(len(self.results.nav), np.float32)}


def rows(side: str, nav: Any, nav_e: Any, only: Any) -> Entry:
    """The column of the table for so many rows."""
    shapes = {
        "nav": nav,
        "nav_e": nav_e,
        "sig": SIG,
        "sig_e": [*SIG, 3],
        "single": [1],
        "single_e": [3, 2],
        "private": nav,
        "only": only,
    }
    return {f"{side}.{name}": shape for name, shape in shapes.items()}


@pytest.mark.parametrize("method", METHODS)
def test_table_2_5_views(where: Context, tmp_path: Path, method: str) -> None:
    aux = {
        "aux": UDF.aux_data(np.arange(20, dtype=np.float32), "nav"),
        "aux_e": UDF.aux_data(np.zeros((20, 2), np.float32), "nav", extra_shape=(2,)),
    }
    seen = run(where, tmp_path, Views, method, **aux)

    for hook in ("get_task_data", "preprocess", "process", "postprocess"):
        for _, n, entries in seen.in_worker(hook):
            for entry in entries:
                column = rows("results", [n], [n, 3, 2], "ValueError")
                rest = {"aux": [n], "aux_e": [n, 2], "array": None}
                if hook == "process":
                    column = rows("results", [n], [n, 3, 2], None)
                    rest["array"] = [n, *SIG]
                if hook == "process" and method == "frame":
                    column = rows("results", [1], [3, 2], None)
                    rest = {"aux": [1], "aux_e": [2], "array": SIG}
                assert entry.items() >= (column | rest).items(), hook
    for entry in seen.on_main("preprocess"):
        expected = {**rows("results", [13], [13, 3, 2], "ValueError"), "aux": [13]}
        assert entry.items() >= expected.items()
    lengths = []
    for entry in seen.on_main("merge"):
        (n,) = entry["dest.nav"]
        lengths.append(n)
        for side in ("dest", "src"):
            assert entry.items() >= rows(side, [n], [n, 3, 2], "AttributeError").items()
        assert entry.items() >= {"aux": [n], "aux_e": [n, 2]}.items()
    assert sorted(lengths) == sorted(HALVES)
    for entry in seen.on_main("get_results"):
        column = rows("results", [13], [13, 3, 2], "ValueError")
        # only here aux data of positions that are not selected are seen
        assert entry.items() >= (column | {"aux": [20], "aux_e": [20, 2]}).items()


def test_table_2_5_views_of_cells(where: Context, tmp_path: Path) -> None:
    class Cells(Views):
        def get_tiling_preferences(self) -> dict[str, Any]:
            return {"depth": 4, "total_size": 4 * 2 * 7 * 4}

        def buffers(self) -> dict[str, BufferWrapper]:
            return {"sig": self.buffer("sig"), "sig_e": self.buffer("sig", (3,))}

        def found(self) -> dict[str, Any]:
            return {}

    aux = UDF.aux_data(np.arange(20, dtype=np.float32), "nav")
    seen = run(where, tmp_path, Cells, "tile", aux=aux, aux_e=aux)
    for _, n, entries in seen.in_worker("process"):
        for entry in entries:
            depth, *cell = entry["array"]
            assert cell == entry["results.sig"] == [2, 7]
            assert entry["results.sig_e"] == [2, 7, 3]
            assert entry["aux"] == [depth]
            assert depth <= n
    for hook in ("preprocess", "postprocess"):
        for _, _, entries in seen.in_worker(hook):
            assert [e["results.sig"] for e in entries] == [SIG]
