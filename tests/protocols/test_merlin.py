"""Merlin: real headers, numbers that begin anew or go on, an end that nobody sends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.core.scan_shapes import Guess
from framefold.errors import ProtocolError
from framefold.protocols import Arrived, Ended, recognise
from framefold.protocols.merlin import Merlin
from merlin_files import frame as made_frame

PIXELS = np.arange(2 * 256, dtype="u2").reshape(2, 256)


def hdr(**facts: Any) -> list[bytes]:
    told = {"Software_Version": "1.5.0.197", "Frames_in_Acquisition": 6} | facts
    lines = ["HDR,\t"]
    lines += [f"{name.replace('_', ' ')} (Number):\t{value}" for name, value in told.items()]
    return ["\r\n".join([*lines, "End\t"]).encode().ljust(2048)]


def frame(number: int, **form: Any) -> list[bytes]:
    return [made_frame(PIXELS, number, **form)]


def numbers(protocol: Merlin, *messages: list[bytes]) -> list[int]:
    events = [event for message in messages for event in protocol.feed(message)]
    return [event.frame for event in events if isinstance(event, Arrived)]


class TestHeader:
    """What an acquisition's header tells."""

    def test_tells_frames_and_time(self):
        (started,) = recognise(hdr()[0]).feed(hdr(Acquisition_Period="2.5"))

        assert (started.frames, started.frame_time) == (6, 0.0025)
        assert started.metadata["Software Version"] == "1.5.0.197"
        assert started.sig_shape is None
        assert started.scan is None

    @pytest.mark.parametrize(
        ("facts", "shape", "flyback"),
        [
            # as software 1.6.1 wrote it for 20 lines of 28 positions and one frame of flyback
            ({"ScanX": 28, "ScanY": 20, "Frames_in_Acquisition": 580}, (20, 28), 1),
            ({"ScanX": 3, "ScanY": 2}, (2, 3), 0),
            ({"ScanX": 3, "ScanY": 2, "Frames_in_Acquisition": 0}, (2, 3), 0),
            # as software 0.67 wrote it
            ({"Frames_per_Trigger": 128, "Frames_in_Acquisition": 16384}, (128, 128), 0),
        ],
    )
    def test_tells_the_scan(self, facts, shape, flyback):
        (started,) = Merlin().feed(hdr(**facts))

        assert isinstance(started.scan, Guess)
        assert (started.scan.shape, started.scan.flyback) == (shape, flyback)

    @pytest.mark.parametrize("frames", [0, 65536])
    def test_one_trigger_for_all_tells_no_scan(self, frames):
        told = {"Frames_in_Acquisition": frames, "Frames_per_Trigger": frames}
        (started,) = Merlin().feed(hdr(**told))

        assert started.scan is None
        assert started.frames == (frames or None)

    def test_each_is_a_series_of_its_own(self):
        protocol = Merlin()
        first, second = protocol.feed(hdr())[0], protocol.feed(hdr())[0]

        assert first.series != second.series
        assert (first.number, second.number) == (1, 2)


class TestNumbers:
    """A frame is placed by its number; what is missing leaves its place empty."""

    def test_from_one(self):
        assert numbers(Merlin(), hdr(), frame(1), frame(2), frame(4)) == [0, 1, 3]

    def test_the_first_frames_may_be_missing(self):
        assert numbers(Merlin(), hdr(), frame(3), frame(4)) == [2, 3]

    def test_joined_in_the_middle(self):
        assert numbers(Merlin(), frame(30), frame(31)) == [29, 30]

    def test_they_begin_anew(self):
        protocol = Merlin()
        numbers(protocol, hdr(), *(frame(n) for n in range(1, 7)))

        assert numbers(protocol, hdr(), frame(1), frame(2)) == [0, 1]

    def test_they_go_on(self):
        protocol = Merlin()
        numbers(protocol, hdr(), *(frame(n) for n in range(1, 7)))

        assert numbers(protocol, hdr(), frame(7), frame(9)) == [0, 2]

    def test_they_begin_anywhere(self):
        assert numbers(Merlin(), hdr(), frame(7001), frame(7002)) == [0, 1]

    def test_beyond_six_digits(self):
        many = hdr(Frames_in_Acquisition=2_000_000)

        assert numbers(Merlin(), many, frame(999_999), frame(1_000_000)) == [999_998, 999_999]

    def test_one_counter_of_two(self):
        second = [frame(2)[0].replace(b",0,0,0,", b",1,0,0,", 1)]

        assert numbers(Merlin("1"), frame(1), second) == [1]
        assert numbers(Merlin(), frame(1), second) == [0, 1]


class TestEnd:
    """The last frame that was promised ends an acquisition, unless others may still come."""

    def test_after_the_last_frame(self):
        protocol = Merlin()
        protocol.feed(hdr())
        before = [protocol.feed(frame(n)) for n in (1, 2, 4, 5)]
        last = protocol.feed(frame(6))

        assert not any(isinstance(event, Ended) for events in before for event in events)
        assert isinstance(last[-1], Ended)

    def test_not_when_frames_came_out_of_order(self):
        protocol = Merlin()
        protocol.feed(hdr())
        for n in (1, 3, 2):
            protocol.feed(frame(n))

        assert len(protocol.feed(frame(6))) == 1

    def test_not_when_none_was_promised(self):
        protocol = Merlin()
        protocol.feed(hdr(Frames_in_Acquisition=0))

        assert all(len(protocol.feed(frame(n))) == 1 for n in range(1, 9))


class TestRefused:
    """Messages that are no frames, or not whole."""

    @pytest.mark.parametrize(
        ("message", "kind"),
        [
            ([], "missing-part"),
            ([b""], "unknown-message"),
            ([b"ABC," + bytes(100)], "unknown-message"),
            ([b"MQ1,x"], "bad-header"),
            ([frame(1)[0][:-1]], "size-mismatch"),
            ([frame(1)[0] + b"x"], "size-mismatch"),
            ([frame(1)[0].replace(b"U16", b"U13")], "bad-header"),
            ([made_frame(PIXELS, 1, raw=True)[:-5]], "size-mismatch"),
            ([b"HDR," + bytes(2 << 20)], "bad-header"),
        ],
    )
    def test_is_told(self, message, kind):
        with pytest.raises(ProtocolError) as refused:
            Merlin().feed(message)

        assert refused.value.kind == kind

    def test_depth_is_told_by_the_length(self):
        (arrived,) = Merlin().feed([made_frame(PIXELS, 1, raw=True, depth=12, extension=False)])

        assert arrived.encoding.codec == "r64-12"
        assert arrived.dtype == np.uint16
