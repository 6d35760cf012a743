"""A stream: one reader after another, whatever happens to receiver, reader and stream."""

from __future__ import annotations

import gc
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan
from framefold.errors import ConfigError, RunFailedError
from framefold.live.block import SlotBlock
from framefold.live.counters import Count
from framefold.live.settings import MIB, StreamSettings
from framefold.live.stream import Listening, Stream
from framefold.processes.launcher import Launcher

PRELOAD = ("framefold.live.receiver",)


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """One fork server for the tests of this module."""
    with Launcher(PRELOAD) as made:
        yield made


def nowhere(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/{uuid.uuid4().hex[:8]}"


def rings() -> int:
    gc.collect()
    return Path("/proc/self/maps").read_text().count("memfd:framefold")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class TestSettings:
    """Settings that cannot work are refused in words, here and now."""

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"ring_bytes": 10}, "ring_bytes=10"),
            ({"ring_bytes": -1}, "ring_bytes=-1"),
            ({"ring_bytes": 64 << 10}, "need a ring of at least"),
            ({"ring_bytes": 1 << 60}, "ring_bytes="),
            ({"block_bytes": 0}, "block_bytes=0"),
            ({"frames_per_block": 0}, "frames_per_block=0"),
            ({"update_seconds": -1.0}, "update_seconds=-1"),
            ({"update_seconds": float("inf")}, "update_seconds=inf"),
            ({"update_seconds": float("nan")}, "update_seconds=nan"),
            ({"idle_seconds": 0.0}, "idle_seconds=0"),
            ({"idle_seconds": float("nan")}, "idle_seconds=nan"),
            ({"log_level": "LOUD"}, "log_level='LOUD'"),
            ({"protocol": "simplom-v1"}, "did you mean 'simplon-v1'"),
        ],
    )
    def test_refused(self, launcher, tmp_path, settings, words):
        before = rings(), descriptors()
        with pytest.raises(ConfigError, match=words):
            Stream(launcher, StreamSettings(nowhere(tmp_path), **settings))

        assert (rings(), descriptors()) == before

    def test_infinite_patience(self):
        assert StreamSettings("", idle_seconds=float("inf")).idle_seconds is None


class TestEnds:
    """A stream that is over leaves nothing behind."""

    def test_hundreds_of_streams(self, launcher, tmp_path):
        with Stream(launcher, StreamSettings(nowhere(tmp_path), ring_bytes=MIB)):
            pass
        before = rings(), descriptors(), threading.active_count()
        for _ in range(60):
            with Stream(launcher, StreamSettings(nowhere(tmp_path), ring_bytes=MIB)) as stream:
                pid = stream.pid

        assert (rings(), descriptors(), threading.active_count()) == before
        assert not Path(f"/proc/{pid}").exists()
        assert stream.statistics().slots >= 0  # can still be asked

    def test_ending_twice_and_after_its_launcher(self, tmp_path):
        with Launcher(PRELOAD) as launcher:
            stream = Stream(launcher, StreamSettings(nowhere(tmp_path)))
        stream.end()
        stream.end()

        assert stream.next_reader() is None

    def test_ending_while_somebody_waits(self, launcher, tmp_path):
        stream = Stream(launcher, StreamSettings(nowhere(tmp_path)))
        found = []
        waiting = threading.Thread(target=lambda: found.append(stream.next_reader()))
        waiting.start()
        stream.end()
        waiting.join(30)

        assert found == [None]

    def test_a_receiver_that_dies_while_nothing_comes_is_replaced(self, launcher, tmp_path):
        on = [False]
        listening = Listening(logs_messages=True, logs_next=lambda: on[0])
        stream = Stream(launcher, StreamSettings(nowhere(tmp_path)), listening)
        assert stream.wire_log.state == "off"
        waiting = threading.Thread(target=stream.next_reader)
        waiting.start()
        on[0] = True  # nobody says so
        first, link = stream.pid, stream._link
        link.counts[[Count.MESSAGES, Count.RECEIVED, Count.SLOTS]] = 7, 5, 3
        os.kill(first, signal.SIGKILL)
        while stream._link is link:
            assert waiting.is_alive()
            waiting.join(0.01)

        assert stream.pid != first
        told = stream.statistics()
        assert (told.restarts, told.messages, told.losses) == (1, 7, Losses(received=5))
        assert told.slots == 0
        assert stream.wire_log.state == "waiting"
        stream.end()
        waiting.join(30)
        assert not waiting.is_alive()


class TestReaders:
    """Announcements have one reader at a time."""

    @pytest.fixture
    def stream(self, launcher, tmp_path):
        with Stream(launcher, StreamSettings(nowhere(tmp_path))) as made:
            yield made

    def announce(self, stream, monkeypatch, *said):
        left = list(said)
        monkeypatch.setattr(stream._link, "receive", lambda: left.pop(0))

    def test_waiting_for_the_next_in_the_middle_of_one(self, stream, monkeypatch):
        block = SlotBlock(0, "", 0, 0, 0, 64, 1, 1, ())
        self.announce(
            stream, monkeypatch, ("started", ["acquisition", 1]), ("block", [block]), None
        )
        reader = stream.next_reader()
        blocks = reader.blocks(BlockPlan())
        assert next(blocks) == block

        with pytest.raises(RunFailedError, match="still being run in this thread"):
            stream.next_reader()
        blocks.close()

    def test_frames_pass_once(self, stream, monkeypatch):
        self.announce(stream, monkeypatch, ("started", ["acquisition", 1]), None)
        reader = stream.next_reader()

        class Named:
            ident = "1"

        reader.acquisition = Named()
        assert list(reader.blocks(BlockPlan())) == []
        assert "died" in reader.ending().reason
        with pytest.raises(RunFailedError, match="pass once"):
            list(reader.blocks(BlockPlan()))
