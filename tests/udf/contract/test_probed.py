"""What was found by trying LiberTEM out, and is to be better here: one test for each finding.

The contract marks these complaints as its own; the others are issues that people filed.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefold.analyses.com import CoMUDF
from framefold.api import Context
from framefold.errors import UDFException, UndeclaredResultError
from framefold.formats.memory import ArrayDataSet
from framefold.udf import UDF, AutoUDF, BufferWrapper
from udf.driver import Driver

RNG = np.random.default_rng(21)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3)).astype(np.float64)


class NavSum(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64)}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum()


@pytest.fixture(params=["ctx", "two_workers"])
def where(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("offset", [-7, 7])
def test_own_positions_without_frames_are_not_processed(where: Context, offset: int) -> None:
    """Not in damage, not valid in results, NaN or zero never taken for data."""
    *_, last = where.run_udf_iter(
        ArrayDataSet(DATA, sync_offset=offset, num_partitions=3), [NavSum(), AutoUDF(np.sum)]
    )
    there = np.ones(20, bool)
    there[slice(None, 7) if offset < 0 else slice(13, None)] = False
    assert np.array_equal(last.damage.data.reshape(-1), there)
    for result, name in zip(last.buffers, ("x", "result"), strict=True):
        assert np.array_equal(result[name].valid_mask.reshape(-1), there)
        assert np.array_equal(np.ma.getmaskarray(result[name].masked_data).reshape(-1), ~there)
        assert result[name].raw_data[~there].tolist() == [0] * 7


def test_own_costly_things_are_made_once_in_a_worker(where: Context, tmp_path: Path) -> None:
    log = tmp_path / "log"

    class Costly(NavSum):
        DRY_RUN = False

        def get_worker_data(self) -> dict[str, Any]:
            with Path(self.params.log).open("a") as file:
                file.write(f"{os.getpid()}\n")
            return {"table": np.full((6, 7), 2.0)}

        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = (frame * self.worker_data.table).sum()

    result: Any = where.run_udf(ArrayDataSet(DATA, num_partitions=10), Costly(log=str(log)))
    made = log.read_text().split()
    assert np.array_equal(result["x"].data, 2 * SUMS)
    assert len(made) == len(set(made)) <= 2


def test_own_errors_are_found_before_the_first_frame(where: Context) -> None:
    class Picky(NavSum):
        def validate_run(self) -> None:
            if self.meta.dataset_shape.sig.dims != 1:
                raise ValueError("for spectra only")

    class NoMerge(NavSum):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"x": self.buffer("sig")}

    # iterators that nobody has asked for anything yet
    with pytest.raises(ValueError, match="for spectra only"):
        where.run_udf_iter(ArrayDataSet(DATA), Picky())
    with pytest.raises(NotImplementedError, match="merg"):
        where.run_udf_iter(ArrayDataSet(DATA), NoMerge())
    short = UDF.aux_data(np.zeros(19, np.float32), kind="nav")
    with pytest.raises(ValueError, match="19"):
        where.run_udf_iter(ArrayDataSet(DATA), NavSum(aux=short))


def test_own_undeclared_results_are_one_error_of_both_kinds(where: Context) -> None:
    class Undeclared(NavSum):
        def get_results(self) -> dict[str, Any]:
            return {"y": self.results.x}

    for kind in (KeyError, UDFException, UndeclaredResultError):
        with pytest.raises(kind) as caught:
            where.run_udf(ArrayDataSet(DATA), Undeclared())
        assert "get_result_buffers" in str(caught.value)


def test_own_what_workers_say_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    class Talks(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            os.write(2, b"a word on stderr\n")
            super().process_frame(frame)

    with Context(workers=1) as context:
        context.run_udf(ArrayDataSet(DATA), Talks())
    assert "a word on stderr" in capfd.readouterr().err


def test_own_texts_of_any_length(where: Context) -> None:
    class Texts(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {f"u{n}": self.buffer("nav", dtype=f"U{n}") for n in (1, 3, 7, 4097)}

        def process_frame(self, frame: np.ndarray) -> None:
            for n in (1, 3, 7, 4097):
                getattr(self.results, f"u{n}")[:] = "x" * n

    result: Any = where.run_udf(ArrayDataSet(DATA), Texts())
    for n in (1, 3, 7, 4097):
        assert (result[f"u{n}"].data == "x" * n).all()
        assert result[f"u{n}"].data.dtype == np.dtype(f"U{n}")


@pytest.mark.parametrize(
    ("roi", "selected"),
    [
        ([(0, 0), (1, 1)], [0, 6]),
        ([(2, 3)], [13]),
        ([(-1, -1), (0, 1)], [1, 19]),
        ([], []),
        ([((0, 0), False), ((3, 4), False)], list(range(1, 19))),
        ([((0, 0), True), ((3, 4), True)], [0, 19]),
    ],
)
def test_own_lists_of_coordinates(where: Context, roi: Any, selected: list[int]) -> None:
    result: Any = where.run_udf(ArrayDataSet(DATA), NavSum(), roi=roi)
    assert result["x"].raw_data.tolist() == SUMS.reshape(-1)[selected].tolist()


def test_own_depth_has_an_upper_end() -> None:
    """``depth`` is a minimum; what limits tiles is ``total_size``, and else what a cache holds."""

    def depth(sig: tuple[int, int], **tiling: Any) -> int:
        class Tiles(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {}

            def get_tiling_preferences(self) -> dict[str, Any]:
                return tiling

            def process_tile(self, tile: np.ndarray) -> None:
                pass

        data = np.zeros((40, 50, *sig), np.float32)
        return int(Driver(data, Tiles()).reduction.spec.scheme().depth)

    frame = 16 * 16 * 4
    assert depth((16, 16), depth=1) == 2**20 // frame  # not the whole partition
    assert depth((16, 16), depth=1, total_size=5.5 * frame) == 5
    assert depth((16, 16), depth=1500) == 1500
    assert depth((16, 16), depth=float("inf")) == 2000
    assert depth((16, 16), total_size=float("inf")) == 2**20 // frame


def test_own_aux_rows_in_merge_with_a_selection(where: Context) -> None:
    class Checked(NavSum):
        def merge(self, dest: Any, src: Any) -> None:
            assert self.params.aux.shape == src.x.shape
            dest.x[:] = src.x - self.params.aux

    roi = RNG.random((4, 5)) < 0.6
    udf = Checked(aux=UDF.aux_data(SUMS, kind="nav", dtype=np.float64))
    result: Any = where.run_udf(ArrayDataSet(DATA, num_partitions=4), udf, roi=roi)
    assert result["x"].raw_data.tolist() == [0] * int(roi.sum())


@pytest.mark.parametrize("method", ["tile", "frame", "partition"])
def test_own_users_arrays_are_safe(where: Context, method: str) -> None:
    def vandal(self: Any, array: np.ndarray) -> None:
        array[:] = 0

    kind = type("Vandal", (UDF,), {"get_result_buffers": lambda self: {}})
    setattr(kind, f"process_{method}", vandal)
    for dtype in (np.uint16, np.float32):
        data = DATA.astype(dtype)
        with pytest.raises(ValueError, match="read-only"):
            where.run_udf(ArrayDataSet(data), kind())
        assert np.array_equal(data, DATA)


def test_own_updates_overtake_what_waits(two_workers: Context, tmp_path: Path) -> None:
    """All partitions are there from the start; those not handed out get the new parameters."""
    lock, here = tmp_path / "lock", tmp_path / "here"
    lock.touch()
    os.mkfifo(here)

    class Waits(NavSum):
        DRY_RUN = False

        def get_task_data(self) -> dict[str, Any]:
            with Path(self.params.here).open("w") as pipe:
                pipe.write("x")
            with Path(self.params.lock).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH)
            return {}

        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = self.params.factor

    updates = two_workers.run_udf_iter(
        ArrayDataSet(DATA, num_partitions=20), Waits(lock=str(lock), here=str(here), factor=1)
    )
    found: list[Any] = []
    pipe = os.open(here, os.O_RDWR)  # both ends: nobody waits for the other to open it
    try:
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            taking = threading.Thread(target=lambda: found.extend(updates))
            taking.start()
            assert os.read(pipe, 1) == b"x"  # a worker is in its first partition
            updates.update_parameters_experimental([{"factor": 2}])
        taking.join(30)
    finally:
        os.close(pipe)
    values = found[-1].buffers[0]["x"].data
    assert set(np.unique(values)) == {1, 2}
    assert np.count_nonzero(values == 1) <= 4  # two for each worker may be with it already


def test_own_growing_fields_have_no_border(ctx: Context) -> None:
    """Gradients of a field that is not complete count only where the neighbours are there."""
    udf = CoMUDF.with_params()
    data = ArrayDataSet(DATA, num_partitions=4)
    updates = [update.buffers[0] for update in ctx.run_udf_iter(data, udf)]
    assert len(updates) == 4
    last = updates[-1]
    for channel in ("divergence", "curl", "field", "magnitude"):
        seen = []
        for update in updates:
            valid = update[channel].valid_mask
            assert np.allclose(update[channel].data[valid], last[channel].data[valid])
            seen.append(int(valid.sum()))
        assert seen == sorted(seen)
        assert seen[0] < seen[-1] == last[channel].data.size
    # the row at the edge of what is there is left out
    assert not updates[1]["divergence"].valid_mask[1].any()


@pytest.mark.parametrize("f", [np.sum, lambda frame: frame[:2, 0], lambda frame: "text"])
def test_own_a_monitor_of_nothing(where: Context, f: Any) -> None:
    udf, nothing = AutoUDF(f, monitor=True), np.zeros((4, 5), bool)
    result: Any = where.run_udf(ArrayDataSet(DATA), udf, roi=nothing)
    assert result["result"].raw_data.shape[0] == 0
    assert not result["monitor"].valid_mask.any()
    last: Any = where.run_udf(ArrayDataSet(DATA, num_partitions=3), udf)
    assert last["monitor"].valid_mask.all()
    assert np.array_equal(np.squeeze(last["monitor"].data), np.squeeze(f(DATA[-1, -1])))
