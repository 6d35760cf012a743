"""Rows 127 to 135 of the feature table: live, from simulated detectors over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from e2e.wires import wire
from framefold.analyses.sumsig import SumSigUDF
from framefold.api import Context
from framefold.connections import Hooks
from framefold.connections.dectris import DectrisConnection
from framefold.core.snapshot import RunState
from framefold.engine.history import History
from framefold.engine.run import Run
from framefold.errors import RunFailedError, ScanError, UDFRunCancelled
from framefold.formats.memory import ArrayDataSet
from framefold.udf import UDF, BufferWrapper
from framefold_simulators.detector import Detector, Recipe
from framefold_simulators.rest import RestServer, Simplon
from framefold_simulators.sender import Outlet, Sender
from framefold_simulators.series import Series

NAV, SIG = (6, 7), (8, 8)
DATA = np.random.default_rng(3).integers(0, 1000, (*NAV, *SIG)).astype(np.uint16)
TRUTH = DATA.sum(axis=(2, 3), dtype=np.float64)
PATIENCE = 30.0

Connect = Callable[..., DectrisConnection]


class Where(UDF):
    """Of each frame: its sum, where its partition begins, and how long that is."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {
            "sum": self.buffer("nav", dtype=np.float64),
            "start": self.buffer("nav", dtype=np.int64),
            "length": self.buffer("nav", dtype=np.int64),
            "total": self.buffer("sig", dtype=np.float64),
        }

    def process_partition(self, partition: np.ndarray) -> None:
        self.results.sum[:] = partition.sum(axis=(1, 2))
        self.results.start[:] = self.meta.slice.origin[0]
        self.results.length[:] = len(partition)
        self.results.total[:] += partition.sum(axis=0)

    def merge(self, dest: Any, src: Any) -> None:
        for name in ("sum", "start", "length"):
            getattr(dest, name)[:] = getattr(src, name)
        dest.total[:] += src.total


class Source:
    """Frames of `DATA` for a simulated detector."""

    scan, sig_shape, dtype = NAV, SIG, DATA.dtype

    def frames(self, first: int, count: int) -> np.ndarray:
        return DATA.reshape(-1, *SIG)[first : first + count]


class Noting(Hooks):
    """Notes which hooks were called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.counts: list[int] = []
        self.partitions = 0
        self.reason = ""

    def on_ready_for_data(self, env: Any) -> None:
        self.called.append("ready")

    def on_partition(self, env: Any) -> None:
        self.counts.append(int(env.results.damage.data.sum()))
        self.partitions = env.partitions

    def on_complete(self, env: Any) -> None:
        self.called.append("complete")
        self.reason = env.reason

    def on_abort(self, env: Any) -> None:
        self.called.append("abort")
        self.reason = env.reason


@pytest.fixture
def connect(ctx: Context) -> Iterator[Connect]:
    """Connects to a detector that sends messages as soon as somebody listens."""
    senders: list[Sender] = []
    opened: list[DectrisConnection] = []

    def start(messages: Iterable[Any], using: Context = ctx, **settings: Any) -> DectrisConnection:
        senders.append(Sender(messages).start())
        connector = using.make_connection("dectris")
        opened.append(connector.open(address=senders[-1].endpoint, **settings))
        return opened[-1]

    yield start
    for sender in senders:
        sender.close(0)
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("language", ["simplon-v1", "simplon-v2"])
def test_row_127_same_udf_live(two_workers: Context, connect: Connect, language: str) -> None:
    order = np.random.default_rng(5).permutation(TRUTH.size)
    offline = two_workers.run_udf(ArrayDataSet(DATA), Where())
    with connect(wire(DATA, language, order=order), two_workers) as conn:
        aq = two_workers.make_acquisition(conn=conn, nav_shape=NAV)
        live = two_workers.run_udf(dataset=aq, udf=Where())

    for name in ("sum", "total"):
        assert np.array_equal(live[name].data, offline[name].data)
    assert np.array_equal(live["sum"].data, TRUTH)


def test_row_127_region_of_interest_and_memory(ctx: Context) -> None:
    roi = np.zeros(NAV, bool)
    roi[1:4, 2:6] = True
    with ctx.make_connection("memory").open(data=DATA) as conn:
        aq = ctx.make_acquisition(conn=conn, frames_per_partition=4)
        found = ctx.run_udf(dataset=aq, udf=[Where(), SumSigUDF()], roi=roi)

    assert np.array_equal(found[0]["sum"].raw_data, TRUTH[roi])
    assert np.array_equal(found[1]["intensity"].raw_data, TRUTH[roi])


def test_row_128_partitions_by_position(ctx: Context, connect: Connect) -> None:
    order = np.random.default_rng(7).permutation(TRUTH.size)
    with connect(wire(DATA, order=order), update_seconds=PATIENCE) as conn:
        aq = ctx.make_acquisition(conn=conn, nav_shape=NAV, frames_per_partition=5)
        found = ctx.run_udf(dataset=aq, udf=Where())

    position = np.arange(TRUTH.size)
    assert np.array_equal(found["start"].raw_data, position // 5 * 5)
    assert np.array_equal(found["length"].raw_data, np.where(position < 40, 5, 2))


def test_row_129_passive_wait(ctx: Context, connect: Connect) -> None:
    armed = threading.Event()

    def messages() -> Iterator[Any]:
        assert armed.wait(PATIENCE)
        yield from wire(DATA, number=7)

    hooks = Noting()
    with connect(messages()) as conn:
        assert conn.wait_for_acquisition(timeout=0.05) is None
        armed.set()
        pending = conn.wait_for_acquisition(timeout=PATIENCE)
        assert pending is not None
        assert (pending.series, pending.nimages) == (7, 42)
        assert (pending.sig_shape, pending.dtype) == (SIG, DATA.dtype)
        assert pending.detector_config["number_of_images"] == 42

        aq = ctx.make_acquisition(conn=conn, nav_shape=NAV, pending_aq=pending, hooks=hooks)
        assert tuple(aq.shape) == DATA.shape
        found = ctx.run_udf(dataset=aq, udf=SumSigUDF())
        with pytest.raises(RunFailedError, match="not there any more"):
            ctx.run_udf(dataset=aq, udf=SumSigUDF())

    assert np.array_equal(found["intensity"].data, TRUTH)
    # somebody else armed it: nobody is told that we are ready
    assert hooks.called == ["complete"]
    assert hooks.counts == sorted(hooks.counts)
    assert (hooks.counts[-1], hooks.partitions) == (42, len(hooks.counts))
    with pytest.raises(RunFailedError, match="is closed"):
        conn.wait_for_acquisition()


def test_row_129_hook_arms(ctx: Context) -> None:
    with closing(Outlet()) as outlet:
        detector = Detector(outlet, Recipe("simplon-v1", Source()), Series(0, NAV, SIG, DATA.dtype))

        class Arming(Noting):
            def on_ready_for_data(self, env: Any) -> None:
                assert env.aq.nav_shape == NAV
                super().on_ready_for_data(env)
                detector.arm()

        hooks = Arming()
        with ctx.make_connection("dectris").open(address=outlet.endpoint) as conn:
            aq = ctx.make_acquisition(conn=conn, nav_shape=NAV, hooks=hooks)
            for _ in range(2):  # each run arms anew
                found = ctx.run_udf(dataset=aq, udf=SumSigUDF())
                assert np.array_equal(found["intensity"].data, TRUTH)
                assert detector.wait(PATIENCE)

    assert hooks.called == ["ready", "complete"] * 2


@pytest.mark.parametrize("mode", ["exts", "ints"])
def test_row_129_controller_arms(ctx: Context, mode: str) -> None:
    with closing(Outlet()) as outlet:
        detector = Detector(outlet, Recipe("simplon-v1", Source()), Series(0, NAV, SIG, DATA.dtype))
        with closing(RestServer(Simplon(detector, "legacy"))) as rest:
            port = int(rest.address.rpartition(":")[2])
            connector = ctx.make_connection("dectris")
            stream = outlet.endpoint.rpartition(":")[2]
            with connector.open("127.0.0.1", port, data_port=int(stream), buffer_size=8) as conn:
                controller = conn.get_active_controller(
                    trigger_mode=mode, frame_time=0.002, compression="lz4"
                )

                class Starting(Noting):
                    def on_ready_for_data(self, env: Any) -> None:
                        super().on_ready_for_data(env)
                        if mode == "ints":
                            controller.trigger()

                hooks = Starting()
                aq = ctx.make_acquisition(
                    conn=conn, nav_shape=NAV, controller=controller, hooks=hooks
                )
                found = ctx.run_udf(dataset=aq, udf=SumSigUDF())
                assert detector.wait(PATIENCE)

    assert np.array_equal(found["intensity"].data, TRUTH)
    assert detector.settings.trigger_mode == mode
    assert detector.settings.compression == "lz4"
    assert detector.settings.frame_time == 0.002
    assert hooks.called == ["ready", "complete"]


@pytest.mark.parametrize(
    ("hint", "shape"), [((-1, 7), NAV), ((6, -1), NAV), ((3, -1, 7), (3, 2, 7)), ((-1,), (42,))]
)
def test_row_130_placeholders(
    ctx: Context, connect: Connect, hint: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    with connect(wire(DATA)) as conn:
        aq = ctx.make_acquisition(conn=conn, nav_shape=hint)
        assert aq.nav_shape is None
        found = ctx.run_udf(dataset=aq, udf=SumSigUDF())["intensity"].data

    assert aq.nav_shape == shape
    assert np.array_equal(found, TRUTH.reshape(shape))


def test_row_130_asked_told_and_guessed(ctx: Context) -> None:
    class Asked(Hooks):
        def on_determine_nav_shape(self, env: Any) -> tuple[int, ...]:
            assert (env.nimages, env.shape_hint) == (36, None)
            return (4, 9)

    frames = DATA.reshape(-1, *SIG)[:36]
    with ctx.make_connection("memory").open(data=frames) as conn:
        pending = conn.wait_for_acquisition()
        asked = ctx.make_acquisition(conn=conn, pending_aq=pending, hooks=Asked())
        told = ctx.make_acquisition(conn=conn, pending_aq=pending)
        squared = ctx.make_acquisition(conn=conn, pending_aq=pending, nav_shape=(-1, -1))
        with pytest.raises(ScanError, match="at most two"):
            ctx.make_acquisition(conn=conn, nav_shape=(-1, -1, -1))

    assert (asked.nav_shape, told.nav_shape, squared.nav_shape) == ((4, 9), (36,), (6, 6))


def test_row_130_guess_warns(ctx: Context, connect: Connect) -> None:
    square = DATA.reshape(-1, *SIG)[:36].reshape(6, 6, *SIG)
    with connect(wire(square)) as conn:
        pending = conn.wait_for_acquisition(PATIENCE)
        with pytest.warns(UserWarning, match=r"\(6, 6\) is guessed from 36 frames"):
            ctx.make_acquisition(conn=conn, pending_aq=pending)


def test_row_131_premature_end(ctx: Context, connect: Connect) -> None:
    header, *frames, end = wire(DATA)
    hooks = Noting()
    with connect([header, *frames[:20], end]) as conn:
        aq = ctx.make_acquisition(conn=conn, nav_shape=NAV, frames_per_partition=5, hooks=hooks)
        with pytest.raises(UDFRunCancelled, match=r"cancelled after \d+ partitions: 20 of 42") as e:
            ctx.run_udf(dataset=aq, udf=SumSigUDF())

    came = np.arange(42).reshape(NAV) < 20
    assert np.array_equal(e.value.damage.data, came)
    found = e.value.buffers[0]["intensity"]
    assert np.array_equal(found.data[came], TRUTH[came])
    assert np.array_equal(found.valid_mask, came)
    assert hooks.called == ["ready", "abort"]
    assert "20 of 42" in hooks.reason
    assert aq.ending is not None
    assert aq.ending.cut_short


def test_row_131_iterating(two_workers: Context, connect: Connect) -> None:
    header, *frames, end = wire(DATA)
    seen = []
    with connect([header, *frames[:20], end], two_workers) as conn:
        aq = two_workers.make_acquisition(conn=conn, nav_shape=NAV, frames_per_partition=5)
        with pytest.raises(UDFRunCancelled):  # noqa: PT012 - what came before it matters, too
            for update in two_workers.run_udf_iter(dataset=aq, udf=SumSigUDF()):
                seen.append(int(update.damage.data.sum()))

    assert seen[-1] == 20
    assert len(seen) >= 4


def test_row_131_the_next_series_ends_it(ctx: Context, connect: Connect) -> None:
    header, *frames, _ = wire(DATA, number=1)
    with connect([header, *frames[:20], *wire(DATA, number=2)]) as conn:
        aq = ctx.make_acquisition(conn=conn, nav_shape=NAV)
        with pytest.raises(UDFRunCancelled, match=r"series .* began before it ended"):
            ctx.run_udf(dataset=aq, udf=SumSigUDF())
        found = ctx.run_udf(dataset=aq, udf=SumSigUDF())

    assert np.array_equal(found["intensity"].data, TRUTH)


def test_row_131_a_stream_keeps_what_it_did(ctx: Context) -> None:
    header, *frames, end = wire(DATA)
    messages = [header, *frames[:20], end]
    with Sender(messages) as sender, ctx.stream(sender.endpoint, nav_shape=NAV) as stream:
        found = ctx.run_udf(stream.next_reader(), SumSigUDF())

    assert found["intensity"].valid_mask.sum() == 20


def test_row_132_one_acquisition_after_another(ctx: Context, connect: Connect) -> None:
    history = History(keep=2)
    messages = [part for n in (1, 2, 3, 4) for part in wire(DATA + n, number=n)]
    with connect(messages) as conn:
        skipped = conn.wait_for_acquisition(PATIENCE)  # its frames pass
        assert skipped is not None
        assert skipped.series == 1
        for n in (2, 3, 4):
            pending = conn.wait_for_acquisition(PATIENCE)
            assert pending is not None
            assert pending.series == n
            aq = ctx.make_acquisition(conn=conn, nav_shape=NAV, pending_aq=pending)
            run = Run(aq.reader(), {"sum": SumSigUDF()}, ctx.pool)
            history.add(run)
            for _ in run.steps():
                pass

    assert [run.state for run in history.runs()] == [RunState.COMPLETE] * 2
    for run, n in zip(history.runs(), (4, 3), strict=True):
        kept = run.fold.results(0)["intensity"].data
        assert np.array_equal(kept, TRUTH + n * np.prod(SIG))


def test_row_133_results_before_a_partition_is_full(two_workers: Context, connect: Connect) -> None:
    go_on = threading.Event()
    header, *frames, end = wire(DATA)

    def messages() -> Iterator[Any]:
        yield from [header, *frames[:10]]
        assert go_on.wait(PATIENCE)
        yield from [*frames[10:], end]

    with connect(messages(), two_workers, update_seconds=0.05) as conn:
        aq = two_workers.make_acquisition(conn=conn, nav_shape=NAV, frames_per_partition=42)
        updates = two_workers.run_udf_iter(dataset=aq, udf=SumSigUDF())
        for update in updates:
            early = update.damage.data.ravel().copy()
            if early.sum() == 10:
                break
        go_on.set()
        for update in updates:
            last = update

    assert early[:10].all()
    assert not early[10:].any()
    assert np.array_equal(last.buffers[0]["intensity"].data, TRUTH)


def test_row_134_received_frames(ctx: Context, connect: Connect) -> None:
    header, *frames, end = wire(DATA)
    lost = np.zeros(NAV, bool)
    lost.flat[[3, 17, 18]] = True
    kept = [frame for number, frame in enumerate(frames) if not lost.flat[number]]
    twice = [kept[5], *kept]
    with connect([header, *twice, end]) as conn:
        aq = ctx.make_acquisition(conn=conn, nav_shape=NAV)
        # frames were lost in between, and the series went to its end: that is no error
        found = ctx.run_udf(dataset=aq, udf=Where())

    assert np.array_equal(found["sum"].valid_mask, ~lost)
    assert np.array_equal(found["sum"].masked_data.mask, lost)
    assert np.array_equal(found["sum"].data[~lost], TRUTH[~lost])
    assert np.array_equal(found["total"].data, DATA[~lost].sum(axis=0, dtype=np.float64))
    assert (aq.losses.received, aq.losses.duplicate) == (39, 1)
    assert aq.ending is not None
    assert not aq.ending.cut_short


def test_row_135_where_the_time_goes(two_workers: Context, connect: Connect) -> None:
    begin = time.monotonic()
    with connect(wire(DATA), two_workers) as conn:
        aq = two_workers.make_acquisition(conn=conn, nav_shape=NAV, frames_per_partition=7)
        two_workers.run_udf(dataset=aq, udf=[Where(), SumSigUDF()])
    wall = time.monotonic() - begin

    report = two_workers.report
    assert report is not None
    assert report.frames == 42
    spent = {(line.owner, line.what): line for line in report.lines}
    for hook in ("get_result_buffers", "process", "merge"):
        assert spent["0", hook].count >= 6
        assert 0 < spent["0", hook].longest <= spent["0", hook].seconds < 2 * wall
    assert ("1", "process") in spent
    assert ("all", "read and decode") in spent
