"""The messages of any recording, as they came or as a detector would send them."""

from __future__ import annotations

import numpy as np
import pytest

from e2e.wires import wire
from framefold.errors import DataError, ParameterError, UnknownNameError
from framefold.formats import open_dataset
from framefold.protocols import Arrived, Ended, Started, recognise
from framefold.replay.source import ReplaySource
from framefold.wirelog import LogWriter
from recordings_for_tests import delivered

NAV, SIG = (3, 4), (9, 7)


def scan(dtype="u2"):
    return np.random.default_rng(4).integers(0, 200, (*NAV, *SIG)).astype(dtype)


@pytest.fixture
def log(tmp_path):
    """A wire log of a series, and its messages."""
    messages = wire(scan(), "simplon-v1")
    with LogWriter(tmp_path / "a.fflog", {}) as writer:
        for i, parts in enumerate(messages):
            writer.write(parts, 10**9 * i, i)
    return str(tmp_path / "a.fflog"), messages


def played(source):
    return [[bytes(part) for part in parts] for parts, _ in source.messages()]


def images(messages):
    language = recognise(messages[0][0])
    events = [event for parts in messages for event in language.feed(parts)]
    return [event.frame for event in events if isinstance(event, Arrived)], events


class TestAsTheyCame:
    """Messages that were recorded."""

    def test_bit_for_bit_with_their_times(self, log):
        path, messages = log
        found = list(ReplaySource(path).messages())
        assert [[bytes(p) for p in parts] for parts, _ in found] == messages
        assert [moment for _, moment in found] == [float(i) for i in range(len(messages))]

    def test_skip_and_limit(self, log):
        path, messages = log
        found = played(ReplaySource(path, skip=2, limit=3))
        assert found == [messages[0], *messages[3:6], messages[-1]]
        assert played(ReplaySource(path, skip=20)) == [messages[0], messages[-1]]
        assert played(ReplaySource(path, limit=0)) == [messages[0], messages[-1]]

    def test_loop(self, log):
        path, messages = log
        assert played(ReplaySource(path, loop=3)) == messages * 3
        endless = ReplaySource(path, loop=0).messages()
        assert sum(1 for _, _ in zip(range(50), endless, strict=False)) == 50


class TestAsADetectorWouldSend:
    """Frames of any format, in either protocol."""

    @pytest.mark.parametrize("language", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "f4", ">u2"])
    def test_npy(self, tmp_path, language, dtype):
        np.save(tmp_path / "a.npy", scan(dtype))
        messages = played(ReplaySource(str(tmp_path / "a.npy"), language))
        numbers, events = images(messages)

        assert numbers == list(range(12))
        assert isinstance(events[0], Started)
        assert events[0].frames == 12
        assert isinstance(events[-1], Ended)
        with LogWriter(tmp_path / "b.fflog", {}) as writer:
            for parts in messages:
                writer.write(parts, 0, 0)
        frames, times = delivered(open_dataset(tmp_path / "b.fflog", nav_shape=NAV))
        assert (times == 1).all()
        assert (frames.reshape(scan().shape) == scan(dtype)).all()

    @pytest.mark.parametrize("language", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("compression", ["bslz4", "lz4", "none"])
    def test_payload_is_not_encoded_again(self, tmp_path, language, protocol, compression):
        with LogWriter(tmp_path / "a.fflog", {}) as writer:
            for parts in wire(scan(), protocol, compression=compression):
                writer.write(parts, 0, 0)
        messages = played(ReplaySource(str(tmp_path / "a.fflog"), language))
        _, events = images(messages)
        arrived = [event for event in events if isinstance(event, Arrived)]
        if compression == "bslz4":
            assert {event.encoding.codec for event in arrived} == {"bslz4"}
        with LogWriter(tmp_path / "b.fflog", {}) as writer:
            for parts in messages:
                writer.write(parts, 0, 0)
        frames, _ = delivered(open_dataset(tmp_path / "b.fflog", nav_shape=NAV))
        assert (frames.reshape(scan().shape) == scan()).all()

    def test_type_that_no_detector_has(self, tmp_path):
        np.save(tmp_path / "a.npy", scan("f8"))
        with pytest.raises(ParameterError, match="float64, which no DECTRIS detector sends"):
            list(ReplaySource(str(tmp_path / "a.npy")).messages())

    def test_wrong_use(self, tmp_path):
        with pytest.raises(UnknownNameError, match="simplon-v1"):
            ReplaySource("x", "rigaku")
        with pytest.raises(ParameterError, match="count"):
            ReplaySource("x", skip=-1)
        with pytest.raises(DataError, match="there is no file"):
            list(ReplaySource(str(tmp_path / "no.fflog")).messages())
