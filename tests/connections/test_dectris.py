"""A connection to a DECTRIS detector: opened, closed, waited for, interrupted."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import numpy as np
import pytest

from e2e.wires import wire
from framefold.analyses.sumsig import SumSigUDF
from framefold.api import Context
from framefold.connections import Hooks
from framefold.connections.dectris import lines
from framefold.connections.dectris_controller import DectrisController
from framefold.errors import (
    ConfigError,
    ParameterError,
    RunFailedError,
    ScanError,
    ShapeError,
    UDFRunCancelled,
    UnknownNameError,
)
from framefold_simulators.sender import Sender

DATA = np.random.default_rng(3).integers(0, 1000, (4, 5, 8, 8)).astype(np.uint16)


@pytest.fixture(scope="module")
def ctx():
    with Context.inline() as made:
        yield made


@pytest.fixture
def address(tmp_path):
    return f"ipc://{tmp_path}/{uuid.uuid4().hex[:8]}"


class TestOpening:
    """Where it goes is said once, and there is one connection to it."""

    @pytest.mark.parametrize("name", ["asi_mpx3", "asi_tpx3"])
    def test_kinds_that_are_not_there(self, ctx, name):
        with pytest.raises(UnknownNameError, match=r"known: dectris, memory, merlin, plain"):
            ctx.make_connection(name)

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ({}, "give data_host="),
            ({"address": "tcp://h:1", "data_host": "h"}, "give one"),
            ({"data_host": "h", "speed": 3}, "speed"),
        ],
    )
    def test_refused(self, ctx, how, words):
        with pytest.raises(ParameterError, match=words):
            ctx.make_connection("dectris").open(**how)

    def test_numbers_that_cannot_work(self, ctx, address):
        with pytest.raises(ConfigError, match="ring_bytes=0"):
            ctx.make_connection("dectris").open(address=address, buffer_size=0)

    def test_twice_warns_and_the_later_one_counts(self, ctx, address):
        first = ctx.make_connection("dectris").open(address=address)
        with pytest.warns(UserWarning, match="was open already"):
            second = ctx.make_connection("dectris").open(address=address)

        assert first.is_closed
        assert not second.is_closed
        second.close()
        second.close()
        ctx.make_connection("dectris").open(address=address).close()  # no warning

    def test_hosts_and_ports(self, ctx):
        with ctx.make_connection("dectris").open("localhost", 81, data_port=9) as conn:
            assert conn.address == "tcp://localhost:9"
            assert repr(conn) == "<connection to tcp://localhost:9>"
            assert isinstance(conn.get_active_controller(), DectrisController)
            with pytest.raises(ParameterError, match="exts"):
                conn.get_active_controller(trigger_mode="now")
            with pytest.raises(ParameterError, match="speed"):
                conn.get_active_controller(speed=1)
        with (
            ctx.make_connection("dectris").open(data_host="localhost", data_port=9) as conn,
            pytest.raises(ParameterError, match="api_host"),
        ):
            conn.get_active_controller()


class TestWaiting:
    """Waiting ends when something was announced, when the time is up, or when it is closed."""

    def test_async(self, ctx):
        async def wait(conn):
            early = await conn.wait_for_acquisition(timeout=0.01, sync=False)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(conn.wait_for_acquisition(None, sync=False), 0.05)
            go_on.set()
            return early, await conn.wait_for_acquisition(timeout=30, sync=False)

        def messages():
            assert go_on.wait(30)
            yield from wire(DATA)

        go_on = threading.Event()
        with (
            Sender(messages()) as sender,
            ctx.make_connection("dectris").open(address=sender.endpoint) as conn,
        ):
            early, found = asyncio.run(wait(conn))
            aq = ctx.make_acquisition(conn, nav_shape=(4, 5), pending_aq=found)
            result = ctx.run_udf(aq, SumSigUDF())["intensity"].data

        assert early is None
        assert np.array_equal(result, DATA.sum((2, 3)))

    def test_closed_while_a_run_waits(self, ctx, address):
        conn = ctx.make_connection("dectris").open(address=address)

        class Closing(Hooks):
            def on_ready_for_data(self, env):
                with pytest.raises(RunFailedError, match="nothing is known"):
                    _ = env.aq.shape
                conn.close()

        aq = ctx.make_acquisition(conn, nav_shape=(4, 5), hooks=Closing())
        with pytest.raises(UDFRunCancelled, match="before a series was announced"):
            ctx.run_udf(aq, SumSigUDF())
        with pytest.raises(RunFailedError, match="is closed"):
            ctx.run_udf(aq, SumSigUDF())

    def test_a_series_that_was_aborted_before_its_frames_is_none(self, ctx):
        aborted, (*_, end) = wire(DATA, number=1), wire(DATA, number=1)
        with (
            Sender([aborted[0], end, *wire(DATA, number=2)]) as sender,
            ctx.make_connection("dectris").open(address=sender.endpoint) as conn,
        ):
            sender.join(30)
            while (found := conn.wait_for_acquisition(30)).series == 1:
                assert conn.statistics().messages < 3  # it was not withdrawn yet

            assert found.series == 2


class TestRuns:
    """What goes wrong in a run does not keep the next one from running."""

    def test_mistakes_after_the_announcement_let_the_series_pass(self, ctx):
        messages = [part for n in (1, 2, 3, 4) for part in wire(DATA, number=n)]

        class Failing(Hooks):
            def on_partition(self, env):
                raise KeyError("mine")

        with (
            Sender(messages) as sender,
            ctx.make_connection("dectris").open(address=sender.endpoint) as conn,
        ):
            good = ctx.make_acquisition(conn, nav_shape=(4, 5))
            with pytest.raises(ShapeError):
                ctx.run_udf(good, SumSigUDF(), roi=np.ones((3, 3), bool))
            with pytest.raises(KeyError, match="mine"):
                ctx.run_udf(
                    ctx.make_acquisition(conn, nav_shape=(4, 5), hooks=Failing()), SumSigUDF()
                )
            with pytest.raises(RunFailedError, match="more than memory holds"):
                ctx.run_udf(ctx.make_acquisition(conn, nav_shape=(10**9, 10**9)), SumSigUDF())
            found = ctx.run_udf(good, SumSigUDF())["intensity"].data

        assert np.array_equal(found, DATA.sum((2, 3)))

    def test_a_detector_that_we_armed_is_disarmed_if_nothing_comes_of_it(self, ctx, address):
        class Armed:
            calls: ClassVar[list[str]] = []

            def arm(self, nav_shape):
                self.calls.append(f"arm {nav_shape}")
                return 3

            def disarm(self):
                self.calls.append("disarm")
                raise RunFailedError("it is gone")  # must not hide why

        class Failing(Hooks):
            def on_ready_for_data(self, env):
                raise KeyError("no scan engine")

        with ctx.make_connection("dectris").open(address=address) as conn:
            aq = ctx.make_acquisition(conn, nav_shape=(4, 5), controller=Armed(), hooks=Failing())
            with pytest.raises(KeyError, match="no scan engine"):
                ctx.run_udf(aq, SumSigUDF())
            with pytest.raises(ScanError, match="needs it whole"):
                ctx.make_acquisition(conn, nav_shape=(-1, 5), controller=Armed()).reader()

        assert Armed.calls[:2] == ["arm (4, 5)", "disarm"]

    def test_cancelled_runs_pickle(self, ctx):
        error = UDFRunCancelled("why")
        assert str(pickle.loads(pickle.dumps(error))) == "why"
        with (
            ctx.make_connection("memory").open(DATA, arrivals=range(3)) as conn,
            pytest.raises(UDFRunCancelled) as caught,
        ):
            ctx.run_udf(ctx.make_acquisition(conn), SumSigUDF())
        again = pickle.loads(pickle.dumps(caught.value))

        assert np.array_equal(again.damage.data, caught.value.damage.data)
        assert again.damage.data.sum() == 3

    @pytest.mark.parametrize(
        ("how", "error", "words"),
        [
            ({"hooks": object()}, ParameterError, "derived from Hooks"),
            ({"frames_per_partition": 0}, ParameterError, "give 1 or more"),
            ({"nav_shape": (0, 4)}, ScanError, "or -1"),
            ({"nav_shape": ()}, ScanError, "or -1"),
        ],
    )
    def test_what_an_acquisition_cannot_be(self, ctx, how, error, words):
        with (
            ctx.make_connection("memory").open(DATA) as conn,
            pytest.raises(error, match=words),
        ):
            ctx.make_acquisition(conn, **how)
        with pytest.raises(ParameterError, match="conn="):
            ctx.make_acquisition("dectris")


class TestShapeTold:
    """A header with lines of images tells the scan shape."""

    @pytest.mark.parametrize(
        ("config", "shape"),
        [
            ({"ntrigger": 4, "nimages": 5, "trigger_mode": "exts"}, (4, 5)),
            ({"ntrigger": 4, "nimages": 5, "trigger_mode": "exte"}, None),
            ({"ntrigger": 20, "nimages": 1, "trigger_mode": "exts"}, None),
            ({}, None),
        ],
    )
    def test_lines(self, config, shape):
        assert lines(config) == shape


class _Detector(BaseHTTPRequestHandler):
    """Notes what it is asked, and refuses one setting."""

    def do_GET(self):
        self.answer({"value": "1.6.0"})

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)["value"] if body else None))
        if self.path.endswith("roi_mode"):
            self.answer({"error": "no such region"}, 400)
        else:
            self.answer({"sequence id": 5} if self.path.endswith("arm") else None)

    def answer(self, said, status=200):
        content = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class TestController:
    """Settings that were given are set, in an order that detectors take; others are not."""

    @pytest.fixture
    def api(self):
        server = HTTPServer(("127.0.0.1", 0), _Detector)
        server.asked = []
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()
        server.server_close()

    def controller(self, api, **settings):
        return DectrisController(f"http://127.0.0.1:{api.server_port}", **settings)

    def test_nothing_said(self, api):
        assert self.controller(api).arm(None) == 5
        assert api.asked == [("/detector/api/1.6.0/command/arm", None)]

    def test_everything_said(self, api):
        made = self.controller(
            api, trigger_mode="exte", count_time=1e-3, frame_time=2e-3, roi_bit_depth=16,
            enable_file_writing=True, name_pattern="s_$id", compression="bslz4",
        )  # fmt: skip
        made.arm((4, 5))
        made.cancel()
        made.disarm()

        config = "/detector/api/1.6.0/config/"
        files = "/filewriter/api/1.6.0/config/"
        assert api.asked == [
            (config + "ntrigger", 1),
            (config + "nimages", 1),
            (config + "trigger_mode", "exte"),
            (config + "ntrigger", 20),
            (config + "count_time", 1e-3),
            (config + "frame_time", 2e-3),
            (config + "compression", "bslz4"),
            (config + "roi_bit_depth", 16),
            (files + "mode", "enabled"),
            (files + "name_pattern", "s_$id"),
            (files + "nimages_per_file", 0),
            ("/detector/api/1.6.0/command/arm", None),
            ("/detector/api/1.6.0/command/cancel", None),
            ("/detector/api/1.6.0/command/abort", None),
        ]

    def test_images_of_one_trigger(self, api):
        self.controller(api, trigger_mode="ints", enable_file_writing=False).arm((4, 5))

        assert ("/detector/api/1.6.0/config/nimages", 20) in api.asked
        assert ("/filewriter/api/1.6.0/config/mode", "disabled") in api.asked

    def test_refusals(self, api):
        with pytest.raises(ParameterError, match="needs nav_shape"):
            self.controller(api, trigger_mode="exts").arm(None)
        with pytest.raises(RunFailedError, match=r"refused PUT .*roi_mode.*400.*no such region"):
            self.controller(api, roi_mode="4M").arm(None)
        with pytest.raises(RunFailedError, match="no answer"):
            DectrisController("http://127.0.0.1:1").arm(None)
        with pytest.raises(ParameterError, match="http://"):
            DectrisController("file:///etc")
