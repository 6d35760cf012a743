"""A client arms, triggers and reads a simulated detector as it would a real one."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request

import pytest
import zmq

from framefold.protocols import Arrived, Ended, Started, recognise
from framefold_simulators.detector import Detector, Recipe
from framefold_simulators.rest import RestServer, Simplon
from framefold_simulators.scene import Scene
from framefold_simulators.sender import Outlet
from framefold_simulators.series import Series


class _Bench:
    """A detector with a client on each of its two sides."""

    def __init__(self, protocol, scan=(3, 4)):
        scene = Scene(scan, (8, 8), "uint16")
        self.outlet = Outlet()
        self.finished = []
        self.ended = threading.Event()
        series = Series(0, scan, (8, 8), "uint16")
        self.detector = Detector(self.outlet, Recipe(protocol, scene), series, self._note)
        self.server = RestServer(Simplon(self.detector, "legacy"))
        self.context = zmq.Context()
        self.pull = self.context.socket(zmq.PULL)
        self.pull.rcvtimeo = 20_000
        self.pull.connect(self.outlet.endpoint)
        self.language = None

    def _note(self, finished):
        self.finished.append(finished)
        self.ended.set()

    def call(self, method, path, value=None):
        body = None if value is None else json.dumps(value).encode()
        url = f"{self.server.address}/{path}"
        request = urllib.request.Request(url, data=body, method=method)
        with urllib.request.urlopen(request, timeout=20) as response:
            raw = response.read()
        return json.loads(raw) if raw else None

    def get(self, path):
        return self.call("GET", path)["value"]

    def put(self, path, value=None):
        return self.call("PUT", path, None if value is None else {"value": value})

    def events(self, until=Ended):
        found = []
        while not found or not isinstance(found[-1], until):
            parts = self.pull.recv_multipart()
            self.language = self.language or recognise(parts[0])
            found += self.language.feed(parts)
        return found

    def close(self):
        self.outlet.stopping.set()
        self.detector.stop()
        self.server.close()
        self.pull.close(0)
        self.outlet.close(0)
        self.context.term()


@pytest.fixture(params=["simplon-v1", "simplon-v2"])
def bench(request):
    bench = _Bench(request.param)
    yield bench
    bench.close()


CONFIG = "detector/api/1.8.0/config"
COMMAND = "detector/api/1.8.0/command"


class TestSimplon:
    """The REST side does what the manual says, as far as live clients go."""

    def test_arm_starts_a_series_with_the_number_it_tells(self, bench):
        number = bench.put(f"{COMMAND}/arm")["sequence id"]

        started, *arrived, ended = bench.events()

        assert number == started.number == 1
        assert started.frames == 12
        assert [event.frame for event in arrived] == list(range(12))
        assert ended.series == started.series
        assert bench.detector.wait(20)
        assert bench.ended.wait(20)
        assert bench.finished[0].complete
        assert bench.get("detector/api/1.8.0/status/state") == "idle"

    def test_settings_change_the_next_series(self, bench):
        assert bench.put(f"{CONFIG}/trigger_mode", "ints")
        assert bench.put(f"{CONFIG}/nimages", 2) == ["nimages"]
        assert bench.put(f"{CONFIG}/ntrigger", 3) == ["ntrigger"]
        assert "frame_time" in bench.put(f"{CONFIG}/count_time", 0.02)
        assert bench.put(f"{CONFIG}/compression", "lz4") == ["compression"]
        assert bench.put("stream/api/1.8.0/config/header_appendix", "hello")
        bench.put(f"{COMMAND}/arm")

        (started,) = bench.events(Started)
        taken = []
        for _ in range(3):
            bench.put(f"{COMMAND}/trigger")
            taken += bench.events(Arrived) + bench.events(Arrived)
        (ended,) = bench.events()

        assert started.frames == 6
        assert started.frame_time == 0.02
        assert "hello" in started.metadata.values()
        assert [event.frame for event in taken] == list(range(6))
        assert {event.encoding.codec for event in taken} <= {"lz4", "lz4-framed"}
        assert isinstance(ended, Ended)

    @pytest.mark.parametrize("command", ["disarm", "cancel", "abort"])
    def test_a_series_can_be_ended_early(self, bench, command):
        bench.put(f"{CONFIG}/trigger_mode", "inte")
        bench.put(f"{COMMAND}/arm")
        bench.put(f"{COMMAND}/trigger")

        assert bench.put(f"{COMMAND}/{command}") == {"sequence id": 1}

        _, arrived, ended = bench.events()
        assert arrived.frame == 0
        assert isinstance(ended, Ended)
        assert not bench.finished[0].complete
        assert bench.put(f"{COMMAND}/arm") == {"sequence id": 2}

    def test_answers_what_clients_ask(self, bench):
        assert bench.get("detector/api/version/") == "1.8.0"
        assert bench.get(f"{CONFIG}/x_pixels_in_detector") == 8
        assert bench.get(f"{CONFIG}/bit_depth_image") == 16
        assert bench.get("stream/api/1.8.0/status/dropped") == 0
        assert bench.get("stream/api/1.8.0/config/mode") == "enabled"
        assert "trigger_mode" in bench.call("GET", CONFIG)
        assert bench.put(f"{COMMAND}/initialize") is None
        assert bench.put(f"{COMMAND}/status_update") is None
        assert bench.put(f"{CONFIG}/photon_energy", 9000) == ["photon_energy"]
        assert bench.get(f"{CONFIG}/photon_energy") == 9000
        assert bench.call("PUT", CONFIG, {"nimages": {"value": 5}}) == ["nimages"]

    @pytest.mark.parametrize(
        ("status", "method", "path", "body"),
        [
            (404, "GET", "nothing", None),
            (404, "GET", f"{CONFIG}/nimage", None),
            (404, "PUT", f"{COMMAND}/explode", None),
            (405, "GET", f"{COMMAND}/arm", None),
            (405, "PUT", f"{CONFIG}/x_pixels_in_detector", {"value": 4}),
            (405, "PUT", "detector/api/1.8.0/status/state", {"value": "idle"}),
            (400, "PUT", f"{CONFIG}/nimages", {"value": -1}),
            (400, "PUT", f"{CONFIG}/nimages", {"value": True}),
            (400, "PUT", f"{CONFIG}/nimages", 5),
            (400, "PUT", f"{CONFIG}/trigger_mode", {"value": "exst"}),
            (409, "PUT", f"{COMMAND}/trigger", None),
        ],
    )
    def test_refuses_with_a_reason(self, bench, status, method, path, body):
        with pytest.raises(urllib.error.HTTPError) as refused:
            bench.call(method, path, body)

        with refused.value as answer:
            assert answer.code == status
            assert json.loads(answer.read())["error"]

    def test_refuses_to_arm_twice(self, bench):
        bench.put(f"{CONFIG}/trigger_mode", "ints")
        bench.put(f"{COMMAND}/arm")
        for path, body in ((f"{COMMAND}/arm", None), (f"{CONFIG}/nimages", {"value": 3})):
            with pytest.raises(urllib.error.HTTPError) as refused:
                bench.call("PUT", path, body)
            with refused.value as answer:
                assert answer.code == 409
