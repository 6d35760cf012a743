"""What ``framefold doctor`` says of what it finds."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cli.programs import called
from framefold.cli import doctor_checks as checks
from framefold.cli.doctor import command
from framefold.config import make_config
from framefold_simulators.sender import Sender


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / "c.toml"
    path.write_text(
        f'schema = 1\n[server]\nport = 0\n[recording]\ndirectory = "{tmp_path}/new/{{date}}"\n'
        "min_free_gib = 0.0\n[buffers]\nshared_memory_mib = 8\n",
        encoding="utf-8",
    )
    return path


class Detector(BaseHTTPRequestHandler):
    """Answers as a DCU does."""

    said = {
        "/detector/api/version": "1.8.0",
        "/stream/api/1.8.0/config/mode": "disabled",
        "/stream/api/1.8.0/config/header_detail": "basic",
        "/stream/api/1.8.0/status/dropped": 3,
    }

    def do_GET(self) -> None:
        body = json.dumps({"value": self.said.get(self.path)}).encode()
        self.send_response(200 if self.path in self.said else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def api() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Detector) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


class TestCommand:
    """A line for each check, an exit code for all."""

    def test_all_is_well(self, config):
        done = run("-c", config)

        assert done.exit_code == 0, done.output
        assert "OK       port 127.0.0.1:0: The port is free." in done.output
        assert "ERROR" not in done.output

    def test_for_programs(self, config):
        found = json.loads(run("-c", config, "--json").output)

        assert found["verdict"] in ("OK", "WAITING")
        assert {check["what"] for check in found["checks"]} >= {"shared memory", "ulimits"}
        assert found["checks"][0].keys() == {"what", "verdict", "told"}

    def test_something_is_wrong(self, config, api):
        done = run("-c", config, "--api", api)

        assert done.exit_code == 1
        assert "ERROR    stream mode: The stream is switched off" in done.output
        assert "OK       header detail" in done.output
        assert "ERROR    dropped: The detector dropped 3 images" in done.output
        assert "OK       clock" in done.output

    def test_wrong_use(self):
        assert called("doctor", "--nonsense").code == 2
        assert called("doctor", "-c", "/nowhere.toml").code == 1

    def test_warm(self, config, monkeypatch):
        warmed: list[bool] = []
        monkeypatch.setattr("framefold.cli.doctor.warm", lambda: warmed.append(True))

        assert "They are compiled" in run("-c", config, "--warm").output
        assert warmed == [True]


class TestPorts:
    """Who listens where."""

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            verdict = checks.http_port("127.0.0.1", other.getsockname()[1])

        assert verdict.verdict == checks.ERROR
        assert "Another program listens here" in verdict.told

    def test_an_address_that_is_not_ours(self):
        assert checks.http_port("192.0.2.1", 8420).verdict == checks.ERROR

    def test_a_detector(self):
        sender = Sender([]).start()
        try:
            verdict = checks.stream("d", sender.endpoint)
        finally:
            sender.close(0)

        assert verdict == checks.Verdict(
            f"stream d {sender.endpoint}", checks.OK, "A ZeroMQ socket answers."
        )

    def test_nobody(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

        assert checks.stream("d", f"tcp://127.0.0.1:{port}").verdict == checks.WAITING
        assert checks.stream("d", "ipc:///nowhere/at/all").verdict == checks.WAITING
        assert checks.stream("d", "tcp://no.such.host.invalid:1").verdict == checks.ERROR

    def test_somebody_else(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            accepting = threading.Thread(target=lambda: other.accept()[0].close())
            accepting.start()
            verdict = checks.stream("d", f"tcp://127.0.0.1:{other.getsockname()[1]}")
            accepting.join()

        assert verdict.verdict == checks.WAITING
        assert "does not greet" in verdict.told


class TestDetector:
    """What its settings mean."""

    @pytest.mark.parametrize(
        ("detail", "verdict"), [("none", "WAITING"), ("basic", "OK"), ("all", "OK")]
    )
    def test_header_detail(self, detail, verdict):
        assert checks.header_detail(detail).verdict == verdict

    def test_no_rest(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
        (verdict,) = checks.rest_api(f"http://127.0.0.1:{port}")

        assert verdict.verdict == checks.WAITING

    def test_clocks(self):
        date = "Mon, 30 Nov 2026 12:00:00 GMT"
        now = 1796040000.0

        assert checks.clock_of(date, now + 1).verdict == checks.OK
        assert "90 s apart" in checks.clock_of(date, now + 90).told
        assert checks.clock_of("yesterday", now).verdict == checks.WAITING

    @pytest.mark.parametrize("step", [2, 3])
    def test_a_second_program_takes_its_turn(self, step):
        missing = np.zeros(300, bool)
        missing[1::step] = True
        verdict = checks.stolen_stream(missing)

        assert verdict.verdict == checks.ERROR
        assert f"One in {step} frames" in verdict.told

    @pytest.mark.parametrize("programs", [2, 3])
    def test_several_others_take_theirs(self, programs):
        missing = np.ones(300, bool)
        missing[:: programs + 1] = False
        verdict = checks.stolen_stream(missing)

        assert verdict.verdict == checks.ERROR
        assert f"{programs} other programs take frames" in verdict.told

    def test_frames_lost_at_random_were_not_taken(self):
        missing = np.random.default_rng(3).random(3000) < 0.1

        assert checks.stolen_stream(missing).verdict == checks.OK
        assert checks.stolen_stream(np.zeros(10, bool)).verdict == checks.OK
        assert checks.stolen_stream(np.ones(100, bool)).verdict == checks.OK


class TestMachine:
    """What there is of it."""

    def test_a_ring_that_does_not_fit(self):
        assert checks.shared_memory(1 << 60).verdict == checks.ERROR

    def test_limits(self, monkeypatch):
        assert checks.limits(1, 1 << 20).verdict == checks.OK
        monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
        assert "64 open files are allowed, 288 may be needed" in checks.limits(2, 1).told

    def test_disk(self, tmp_path):
        def told(**recording: object) -> checks.Verdict:
            return checks.disk(make_config({"recording": recording}))

        assert told(directory=str(tmp_path / "a"), min_free_gib=0).verdict == checks.OK
        full = {"directory": str(tmp_path), "min_free_gib": 1e9}
        assert told(**full).verdict == checks.WAITING
        assert told(**full, enabled=True).verdict == checks.ERROR
        (tmp_path / "file").touch()
        assert told(directory=str(tmp_path / "file")).verdict == checks.ERROR
        assert told(directory="{nonsense}").verdict == checks.ERROR

    def test_kernels(self, tmp_path):
        assert checks.kernels(None, tmp_path).verdict == checks.WAITING
        (tmp_path / "sums.nbi").touch()
        assert checks.kernels(None, tmp_path).verdict == checks.OK
