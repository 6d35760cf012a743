"""Faults on top of a recording, whether its messages were kept or are made of its frames."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from e2e.wires import wire
from framefold import SumSigUDF
from framefold.errors import ParameterError
from framefold.faults.faults import Faults
from framefold.faults.faulty_series import Reboot, Stall
from framefold.protocols import Arrived, Ended, Started, recognise
from framefold.replay.pace import Pace
from framefold.replay.push_outlet import PushOutlet
from framefold.replay.source import ReplaySource
from framefold.replay.transport import ReplayTransport
from framefold.wirelog import LogWriter

NAV = (4, 6)
PROTOCOLS = ("simplon-v1", "simplon-v2")


def scan():
    return np.random.default_rng(4).integers(1, 200, (*NAV, 9, 7)).astype("u2")


@pytest.fixture(params=["simplon-v1", "simplon-v2", "npy, plain"])
def recording(request, tmp_path):
    """A recording, and the language to play it in."""
    if request.param == "npy, plain":
        np.save(tmp_path / "a.npy", scan().reshape(-1, 9, 7))
        return str(tmp_path / "a.npy"), "plain"
    with LogWriter(tmp_path / "a.fflog", {}) as writer:
        for i, parts in enumerate(wire(scan(), request.param)):
            writer.write(parts, i * 10**9, i)
    return str(tmp_path / "a.fflog"), None


def steps(recording, **faults):
    path, language = recording
    return list(ReplaySource(path, language, faults=Faults(**faults)).messages())


def told(found):
    """What the messages say: "start" or "end", the frame's number, or what happens instead."""
    language, said = None, []
    for step in found:
        if isinstance(step, Stall | Reboot):
            said.append(step)
            continue
        parts = step[0]
        if language is None:
            language = recognise(parts[0])
        for event in language.feed(parts):
            if isinstance(event, Arrived):
                said.append(event.frame)
            elif isinstance(event, Started | Ended):
                said.append("start" if isinstance(event, Started) else "end")
    return said


WHOLE = ["start", *range(24), "end"]


class TestFaults:
    """Each of them."""

    def test_none(self, recording):
        assert told(steps(recording)) == WHOLE

    def test_same_seed_same_faults(self, recording):
        first, second, other = (
            told(steps(recording, drop=0.3, duplicate=0.3, seed=seed)) for seed in (1, 1, 2)
        )
        assert first == second != other
        assert 0 < len(set(WHOLE) - set(first)) < 24

    def test_order(self, recording):
        found = told(steps(recording, shuffle=3))
        assert (found[0], found[-1]) == ("start", "end")
        assert sorted(found[1:-1]) == list(range(24)) != found[1:-1]
        near = told(steps(recording, shuffle=3, within=4))[1:-1]
        assert all(sorted(near[i : i + 4]) == list(range(i, i + 4)) for i in range(0, 24, 4))

    def test_times_go_on_when_shuffled(self, recording):
        moments = [moment for _, moment in steps(recording, shuffle=3)]
        assert moments == [moment for _, moment in steps(recording)]

    def test_header_and_end(self, recording):
        assert told(steps(recording, no_header=True, no_end=True)) == list(range(24))
        assert told(steps(recording, header_after=3))[:5] == [0, 1, 2, "start", 3]
        assert told(steps(recording, join=20)) == [20, 21, 22, 23, "end"]

    def test_count(self, recording):
        path, language = recording
        for miscount in (-4, 4):
            parts = next(ReplaySource(path, language, faults=Faults(miscount=miscount)).messages())[
                0
            ]
            (event,) = recognise(parts[0]).feed(parts)
            assert event.frames == 24 + miscount

    def test_moments(self, recording):
        assert told(steps(recording, abort=3)) == ["start", 0, 1, 2, "end"]
        assert told(steps(recording, rearm=3)) == ["start", 0, 1, 2, *WHOLE]
        assert told(steps(recording, stall=2, lasting=0.5))[:5] == ["start", 0, 1, Stall(0.5), 2]
        assert told(steps(recording, reboot=2))[:5] == ["start", 0, 1, Reboot(1.0), "start"]

    def test_only_one_series(self, recording):
        path, language = recording
        source = ReplaySource(path, language, loop=3, faults=Faults(abort=1, only=2))
        assert told(source.messages()) == [*WHOLE, "start", 0, "end", *WHOLE]

    def test_another_pixel_type(self, recording):
        """The messages are whole, and refused when they are read."""
        path, language = recording
        with pytest.raises(Exception, match=r"size|u?int|uint32|bytes"):
            told(ReplaySource(path, language, faults=Faults(mislabel=1.0)).messages())


class TestThroughTheReceiver:
    """What a run makes of them."""

    def test_losses(self, recording, inline):
        path, language = recording
        faults = {"drop": 0.2, "garble": 0.2, "truncate": 0.2, "shuffle": 1, "seed": 5}
        with inline.replay(path, language=language, faults=faults, nav_shape=NAV) as stream:
            reader = stream.next_reader()
            results = inline.run_udf(reader, SumSigUDF())["intensity"]
        there = results.data > 0
        losses = reader.losses()
        assert (results.data[there] == scan().sum(axis=(2, 3))[there]).all()
        assert 0 < np.count_nonzero(there) < 24
        assert losses.corrupt
        assert losses.missing
        assert not reader.ending().complete

    def test_unknown(self, inline, recording):
        with pytest.raises(ParameterError, match="faults: drop is 2"):
            inline.replay(recording[0], faults={"drop": 2})
        with pytest.raises(ParameterError, match="dorp"):
            inline.replay(recording[0], faults={"dorp": 0.2})

    @pytest.mark.parametrize("fault", [{"stall": 10}, {"reboot": 10}])
    def test_out_through_a_socket(self, recording, inline, fault):
        path, language = recording
        faults = Faults(**fault, lasting=0.2)
        with PushOutlet("tcp://127.0.0.1:0") as outlet:
            source = ReplaySource(path, language, faults=faults)
            sending = threading.Thread(target=outlet.send, args=(source.messages(), Pace()))
            sending.start()
            with inline.stream(outlet.endpoint, nav_shape=NAV) as stream:
                for _ in range(1 + ("reboot" in fault)):
                    found = inline.run_udf(stream.next_reader(), SumSigUDF())["intensity"].data
            sending.join()
        assert (found == scan().sum(axis=(2, 3))).all()


class TestTransport:
    """Pauses by a clock."""

    def test_stall_and_reboot(self):
        class Clock:
            now = 100.0

            def __call__(self):
                return self.now

        clock = Clock()
        messages = [([b"0"], 0.0), Stall(2.0), ([b"1"], 1.0), Reboot(3.0), ([b"2"], 1.5)]
        one = ReplayTransport(iter(messages), Pace(speed=1.0), clock)
        assert one.receive() == [b"0"]
        clock.now += 2.5
        assert one.receive() is None
        clock.now += 0.5
        assert one.receive() == [b"1"]
        assert not one.connected
        clock.now += 2.9
        assert (one.receive(), one.connected) == (None, False)
        clock.now += 0.7
        assert one.connected
        assert one.receive() == [b"2"]
        assert one.is_exhausted
