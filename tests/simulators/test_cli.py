"""The simulators as programs: a ready line, frames, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
import zmq

from framefold.codecs import decode_one
from framefold.connections.merlin_controller import MerlinControl
from framefold.kernels import mpx
from framefold.live.inbox import Inbox
from framefold.protocols import Arrived, Ended, Started, recognise
from framefold.protocols.merlin import Merlin
from framefold_simulators.scene import Scene

SMALL = ("--scan", "4x6", "--sig", "16x12")


@pytest.fixture
def simulator():
    """Starts simulators, and sees that none is left."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "framefold_simulators", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        line = process.stdout.readline()
        return process, json.loads(line) if line else None

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _events(endpoint, series=1):
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.rcvtimeo = 20_000
        pull.linger = 0
        pull.connect(endpoint)
        found, language = [], None
        while sum(isinstance(event, Ended) for event in found) < series:
            parts = pull.recv_multipart()
            language = language or recognise(parts[0])
            found += language.feed(parts)
    return found


def _stack(events):
    frames = {}
    for event in events:
        if isinstance(event, Arrived):
            pixels = decode_one(event.encoding, event.payload, event.dtype, event.sig_shape)
            frames[event.frame] = pixels
    return np.stack([frames[i] for i in range(len(frames))])


@pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
class TestProgram:
    """What is asked for on the command line is what arrives."""

    @pytest.mark.parametrize("encoding", ["none", "lz4", "bs16-lz4<"])
    def test_sends_its_scene(self, simulator, protocol, encoding):
        process, ready = simulator(
            protocol, *SMALL, "--encoding", encoding, "--rate", "max", "--scene", "seed=5"
        )
        events = _events(ready["ready"])
        out, _ = process.communicate(timeout=20)

        assert ready["api"] is None
        assert ready["protocol"] == protocol
        expected = Scene((4, 6), (16, 12), "uint16", seed=5).frames(0, 24)
        np.testing.assert_array_equal(_stack(events), expected)
        assert process.returncode == 0
        finished = json.loads(out)
        assert (finished["series"], finished["sent"], finished["complete"]) == (1, 24, True)

    def test_sends_a_file_out_of_order_twice(self, simulator, protocol, tmp_path):
        stack = np.random.default_rng(2).integers(0, 9, (3, 4, 8, 8), np.uint8)
        np.save(tmp_path / "a.npy", stack)
        process, ready = simulator(
            protocol, "--from", str(tmp_path / "a.npy"), "--shuffle", "3", "--scans", "2",
            "--pause", "0", "--rate", "max",
        )  # fmt: skip

        events = _events(ready["ready"], series=2)

        numbers = [event.frame for event in events if isinstance(event, Arrived)]
        assert numbers[:12] != sorted(numbers[:12])
        assert [event.number for event in events if isinstance(event, Started)] == [1, 2]
        np.testing.assert_array_equal(_stack(events), stack.reshape(12, 8, 8))
        assert process.wait(20) == 0

    def test_says_what_went_wrong(self, simulator, protocol):
        process, ready = simulator(
            protocol, *SMALL, "--rate", "max", "--drop", "0.3", "--late", "0.2", "--late-by", "end",
            "--miscount", "-3", "--abort", "20", "--seed", "3",
        )  # fmt: skip

        started, *events = _events(ready["ready"])
        out, _ = process.communicate(timeout=20)

        finished = json.loads(out)
        arrived = [event.frame for event in events if isinstance(event, Arrived)]
        late = set(range(20)) - set(finished["lost"]) - set(arrived)
        assert started.frames == 21
        assert arrived
        assert finished["lost"]
        assert late
        assert not finished["complete"]

    def test_waits_to_be_armed(self, simulator, protocol):
        process, ready = simulator(protocol, *SMALL, "--api-port", "0", "--wait-for-arm")
        request = urllib.request.Request(
            f"{ready['api']}/detector/api/1.8.0/command/arm", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            number = json.loads(response.read())["sequence id"]

        started, *arrived, _ = _events(ready["ready"])

        assert started.number == number == 1
        assert len(arrived) == 24
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("with_client", [True, False])
    def test_ends_clean_when_told_to(self, simulator, protocol, signum, with_client):
        process, ready = simulator(protocol, *SMALL, "--scans", "endless", "--pause", "0")
        if with_client:
            _events(ready["ready"])
        process.send_signal(signum)
        _, err = process.communicate(timeout=20)

        assert process.returncode == 0
        assert err == ""


class TestOtherLanguages:
    """What only some of the detectors have."""

    @pytest.mark.parametrize("protocol", ["plain", "jungfraujoch"])
    def test_send_their_scene(self, simulator, protocol):
        options = ("--checksums",) if protocol == "plain" else ()
        process, ready = simulator(protocol, *SMALL, "--rate", "max", *options)

        np.testing.assert_array_equal(
            _stack(_events(ready["ready"])), Scene((4, 6), (16, 12), "uint16").frames(0, 24)
        )
        assert process.wait(20) == 0

    def test_merlin_is_started_over_its_control_port(self, simulator):
        process, ready = simulator(
            "merlin", "--scan", "2x3", "--sig", "4x256", "--encoding", "r64-12", "--api-port", "0",
            "--wait-for-arm",
        )  # fmt: skip
        host, _, port = ready["api"].removeprefix("tcp://").rpartition(":")
        data = socket.create_connection((host, int(ready["ready"].rpartition(":")[2])), 20)
        with data, MerlinControl(host, int(port)) as control:
            control.set("NUMFRAMESTOACQUIRE", 5)
            control.command("STARTACQUISITION")
            inbox, language, events = Inbox(split=mpx.split), Merlin(), []
            while not (events and isinstance(events[-1], Ended)):
                inbox.came(data.recv_into(inbox.room()))
                while (messages := inbox.messages()) is not None:
                    for number in range(len(messages)):
                        events += language.feed(messages.copied(number))
                    inbox.take(len(messages))

        expected = Scene((2, 3), (4, 256), "uint16").frames(0, 5)
        np.testing.assert_array_equal(_stack(events), expected)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0

    def test_merlin_has_no_bitshuffle(self, simulator):
        process, ready = simulator("merlin", "--encoding", "bslz4")
        _, err = process.communicate(timeout=20)

        assert ready is None
        assert "merlin has no compression 'bslz4'" in err


class TestChannels:
    """Stream v2 can carry several thresholds, each with its own counts."""

    def test_are_different_images(self, simulator):
        _, ready = simulator("simplon-v2", *SMALL, "--channels", "low,high", "--rate", "max")

        started, *_ = events = _events(ready["ready"])

        assert started.channels == ("low", "high")
        scene = Scene((4, 6), (16, 12), "uint16")
        np.testing.assert_array_equal(_stack(events), scene.frames(0, 24))


class TestParent:
    """A simulator does not outlive who started it."""

    def test_ends_with_its_parent(self):
        script = (
            "import subprocess, sys\n"
            "p = subprocess.Popen([sys.executable, '-m', 'framefold_simulators', 'simplon-v1',"
            " '--scans', 'endless'], stdout=subprocess.PIPE, text=True)\n"
            "p.stdout.readline()\n"
            "print(p.pid, flush=True)\n"
        )
        read, write = os.pipe()  # the simulator holds the writing end as its standard error
        parent = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=write, check=True
        )
        os.close(write)

        with os.fdopen(read) as ended:
            assert ended.read() == ""
        assert int(parent.stdout) > 0


class TestMistakes:
    """A wrong option is one clear line."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--encoding", "zstd"), "none, lz4, bslz4"),
            (("--encoding", "bs32-lz4<"), "uint16"),
            (("--scan", "4by6"), "4by6"),
            (("--rate", "fast"), "max"),
            (("--from", "gone.npy"), "gone.npy"),
            (("--scene", "sed=4"), "seed"),
            (("--drop", "2"), "drop"),
            (("--bind", "tcp://nowhere"), "tcp://nowhere"),
        ],
    )
    def test_is_told(self, simulator, arguments, said):
        process, ready = simulator("simplon-v1", *arguments)
        _, err = process.communicate(timeout=20)

        assert ready is None
        assert process.returncode != 0
        assert said in err
        assert "Traceback" not in err
