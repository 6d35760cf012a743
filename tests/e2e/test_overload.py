"""Frames that come faster than they are worked on, over a real socket."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from cli.programs import until
from e2e.wires import wire
from framefold import UDF
from framefold.errors import ConfigError
from framefold.live.settings import MIB

NAV, SIG = (16, 16), (16, 24)
FRAMES = NAV[0] * NAV[1]


class Held(UDF):
    """The sum of each frame, once somebody says go."""

    DRY_RUN = False  # over made-up frames it would wait as well

    def get_result_buffers(self):
        return {"v": self.buffer("nav", dtype=np.float64)}

    def process_frame(self, frame):
        os.close(os.open(self.params.go, os.O_RDONLY))  # waits for somebody who writes
        self.results.v[:] = frame.sum()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("processing", ["newest", "lossless"])
def test_what_gives_way(processing, recorded, workers, detector, tmp_path):
    """The newest come first and the oldest go, or all wait; a recording has them all."""
    data = np.random.default_rng(4).integers(1, 9, (*NAV, *SIG)).astype("u2")
    sender = detector(wire(data))
    told = {"ring_bytes": 2 * MIB, "block_bytes": MIB // 16, "keep_bytes": 0}
    told |= {"frames_per_block": 4, "nav_shape": NAV, "processing": processing}
    go = tmp_path / "go"
    os.mkfifo(go)
    found = []
    with (
        workers.recording(tmp_path) as recording,
        workers.stream(sender.endpoint, **told) as stream,
    ):
        live = stream.next_reader()
        reader = recording.reader(live) if recorded else live
        udf = Held(go=str(go))
        running = threading.Thread(target=lambda: found.append(workers.run_udf(reader, udf)))
        running.start()
        try:
            if processing == "newest":  # nothing holds the detector up
                until(lambda: stream.statistics().messages == FRAMES + 2, "all messages")
            else:
                until(lambda: stream.statistics().free_slots == 0, "a full ring")
                assert stream.statistics().messages < FRAMES
        finally:
            writing = os.open(go, os.O_RDWR)
            running.join()
            os.close(writing)
        if recorded:
            reader.join()
            assert recording.state.frames == FRAMES
    values = found[0]["v"].raw_data
    there = values > 0
    assert (values[there] == data.sum(axis=(2, 3)).reshape(-1)[there]).all()
    if processing == "newest":
        assert there[-4:].all()
        assert 0 < np.count_nonzero(~there) < FRAMES
    else:
        assert there.all()


def test_another_word(inline):
    with pytest.raises(ConfigError, match="processing='latest': give one of lossless, newest"):
        inline.stream("tcp://127.0.0.1:1", processing="latest")
