"""``framefold demo`` from start to end, as a program."""

from __future__ import annotations

import os
import signal

import pytest

from cli.programs import (
    SOON,
    address_of,
    ask,
    called,
    framefold,
    merged,
    running,
    taken_port,
    until,
)
from e2e.traces import SHARED

QUICK = ("--port", 0, "--scan", "16x16", "--sig", "32x32", "--rate", 400, "--workers", 2)


class TestDemo:
    """Shows a scan filling in, and ends without a trace however it is ended."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_clean_in_the_middle_of_a_scan(self, number):
        before = set(os.listdir(SHARED))
        with running("demo", *QUICK) as demo:
            address = address_of(demo)
            until(lambda: merged(address) > 0, "a first result")
            until(lambda: len(demo.family()) >= 5, "detector, server, receiver, two workers")
            demo.send(number)
            ended = demo.end()

            assert ended.code == 0
            assert "Traceback" not in ended.err
            until(lambda: not demo.left(), "the end of all processes", SOON)
            assert set(os.listdir(SHARED)) <= before

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_clean_while_it_starts(self, number):
        with running("demo", *QUICK) as demo:
            address_of(demo)
            demo.send(number)
            ended = demo.end()

            assert ended.code == 0
            assert "Traceback" not in ended.err
            until(lambda: not demo.left(), "the end of all processes", SOON)

    def test_nothing_outlives_it_when_it_is_killed(self):
        with running("demo", *QUICK) as demo:
            address = address_of(demo)
            until(lambda: merged(address) > 0, "a first result")
            demo.send(signal.SIGKILL)
            demo.end()

            until(lambda: not demo.left(), "the end of all processes", SOON)

    def test_scan_after_scan(self):
        with running("demo", *QUICK[:-4], "--rate", "max", "--pause", 0.1) as demo:
            address = address_of(demo)
            until(lambda: ask(address, "api/v1/status")["acquisitions"] >= 3, "a third scan")
            listed = ask(address, "api/v1/acquisitions")["acquisitions"]

            # the newest may be under way
            assert {a["state"] for a in listed[1:]} == {"complete"}
            assert {a["merged"] for a in listed[1:]} == {256}

    def test_speaks_the_older_protocol_too(self):
        with running("demo", *QUICK, "--protocol", "simplon-v1") as demo:
            address = address_of(demo)
            until(lambda: merged(address) > 0, "a first result")

    def test_a_port_in_use_is_said_and_nothing_is_left(self):
        with taken_port() as port, running("demo", *QUICK[2:], "--port", port) as demo:
            until(lambda: bool(demo.family()), "the detector")
            ended = demo.end(60)

            assert ended.code == 1
            assert ended.err.count("\n") == 1
            assert f"port {port} at 127.0.0.1 is in use" in ended.err
            until(lambda: not demo.left(), "the end of all processes", SOON)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--scan", "12"], "'12' is not like 128x128"),
            (["--sig", "0x4"], "'0x4' has an empty axis"),
            (["--protocol", "simplon-v3"], "'simplon-v2'"),
            (["--prot", "simplon-v2x"], "--protocol"),
        ],
    )
    def test_what_makes_no_sense_is_said(self, arguments, told):
        ended = called("demo", *arguments)

        assert ended.code == 2
        assert told in ended.err
        assert ended.err.count("\n") == 1

    def test_what_the_detector_does_not_understand_is_said_by_it(self):
        ended = framefold("demo", "--rate", "quick")

        assert ended.code == 1
        assert "'quick' is neither a number nor 'max'" in ended.err
        assert ended.err.splitlines()[-1].startswith("framefold: the simulated detector did not")
