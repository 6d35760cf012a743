"""A frame of a live acquisition by its scan position: from the ring, then from the recording."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from e2e.served import Bench, serving
from e2e.wires import wire
from framefold import SumUDF
from framefold.errors import FrameNotHeldError, ParameterError
from framefold.live.settings import MIB

NAV, SIG = (6, 8), (16, 24)


def scan(seed=4, dtype="u2", sig=SIG):
    return np.random.default_rng(seed).poisson(3, (*NAV, *sig)).astype(dtype)


def settings(**more):
    return {"nav_shape": NAV, "frames_per_block": 16, "idle_seconds": 1.0, **more}


def halting(messages, first, go_on):
    """The first so many messages, and the others once somebody says so."""
    yield from messages[:first]
    go_on.wait()
    yield from messages[first:]


class TestFromTheRing:
    """While frames are kept there."""

    def test_after_processing(self, workers, detector):
        data = scan()
        sender = detector(wire(data))
        with workers.stream(sender.endpoint, **settings()) as stream:
            live = stream.next_reader()
            workers.run_udf(live, SumUDF())
            assert (workers.frame(live, (2, 3)) == data[2, 3]).all()
            assert (workers.frame(live, (-1, -1)) == data[-1, -1]).all()
            roi = np.zeros(NAV, bool)
            roi[1:4, 2:7] = True
            found = workers.frame_sum(live, roi)
            assert (found.data == data[1:4, 2:7].sum(axis=(0, 1))).all()
            assert (len(found.lacking), found.origins) == (0, ("ring",))
            assert (workers.frame_sum(live).data == data.sum(axis=(0, 1))).all()
            with pytest.raises(ParameterError, match="outside of the scan"):
                workers.frame(live, (6, 0))
        with pytest.raises(FrameNotHeldError, match="not recorded"):
            workers.frame(live, (2, 3))

    def test_the_newest_stay(self, workers, detector):
        data = scan(sig=(128, 128))
        sender = detector(wire(data, compression="none"))
        small = settings(ring_bytes=2 * MIB, block_bytes=MIB // 8, frames_per_block=4)
        with workers.stream(sender.endpoint, **small) as stream:
            live = stream.next_reader()
            workers.run_udf(live, SumUDF())
            assert (workers.frame(live, (5, 7)) == data[5, 7]).all()
            with pytest.raises(FrameNotHeldError):
                workers.frame(live, (0, 0))
            found = workers.frame_sum(live)
            rest = data.reshape(-1, 128, 128)[found.positions]
            assert (found.data == rest.sum(axis=0)).all()
            assert 0 < len(found.positions) < 48

    def test_while_frames_come(self, workers, detector):
        data = scan()
        sender = detector(wire(data), rate=200)
        with workers.stream(
            sender.endpoint, **settings(update_seconds=0.02, frames_per_block=8)
        ) as stream:
            live = stream.next_reader()
            seen = 0
            for results in workers.run_udf_iter(live, SumUDF()):
                if results.damage.data.any():
                    found = workers.frame_sum(live, results.damage.data)
                    frames = data.reshape(-1, *SIG)[found.positions]
                    assert (found.data == frames.sum(axis=0)).all()
                    seen += 1
            assert seen

    def test_lost_and_damaged(self, workers, detector):
        messages = wire(scan(), "simplon-v1")
        messages[5][2] = b"\xff" * len(messages[5][2])  # frame 4
        del messages[3]  # frame 2
        sender = detector(messages)
        with workers.stream(sender.endpoint, **settings()) as stream:
            live = stream.next_reader()
            workers.run_udf(live, SumUDF())
            with pytest.raises(FrameNotHeldError, match="not received"):
                workers.frame(live, (0, 2))
            with pytest.raises(FrameNotHeldError, match="damaged"):
                workers.frame(live, (0, 4))
            assert (workers.frame_sum(live).damaged, workers.frame_sum(live).lacking.tolist()) == (
                1, [2, 4],
            )  # fmt: skip

    def test_ring_cut_anew(self, workers, detector):
        """What is kept goes back when the next series has frames of another size."""
        first, second = scan(), scan(5, "u4", (64, 64))
        sender = detector([*wire(first, number=1), *wire(second, number=2)])
        with workers.stream(sender.endpoint, **settings(block_bytes=2048)) as stream:
            one = stream.next_reader()
            workers.run_udf(one, SumUDF())
            two = stream.next_reader()
            result = workers.run_udf(two, SumUDF())["intensity"].data
            assert (result == second.sum(axis=(0, 1))).all()
            assert (workers.frame(two, (1, 1)) == second[1, 1]).all()
            with pytest.raises(FrameNotHeldError):
                workers.frame(one, (1, 1))


class TestFromTheRecording:
    """When they are in the ring no more."""

    @pytest.mark.parametrize("keep_bytes", [0, 64 * MIB])
    def test_afterwards(self, keep_bytes, workers, detector, tmp_path):
        data = scan()
        data[2, 3, 4, 5] = 65535
        sender = detector(wire(data))
        with (
            workers.recording(tmp_path) as recording,
            workers.stream(sender.endpoint, **settings(keep_bytes=keep_bytes)) as stream,
        ):
            live = recording.reader(stream.next_reader())
            workers.run_udf(live, SumUDF())
            live.join()
            found = workers.frame_sum(live, [(2, 3), (4, 4)])
            assert found.origins == (("ring",) if keep_bytes else ("recording",))
        wanted = data[2, 3].copy()
        wanted[4, 5] = 0  # it means none
        assert (workers.frame(live, (2, 3)) == wanted).all()
        assert (workers.frame_sum(live, [(2, 3), (4, 4)]).data == wanted + data[4, 4]).all()

    def test_while_it_grows(self, workers, detector, tmp_path):
        data = scan()
        looked = threading.Event()
        sender = detector(halting(wire(data), 30, looked))
        fast = settings(keep_bytes=0, update_seconds=0.02, frames_per_block=4)
        with (
            workers.recording(tmp_path, flush_seconds=0.0) as recording,
            workers.stream(sender.endpoint, **fast) as stream,
        ):
            live = recording.reader(stream.next_reader())
            running = threading.Thread(target=workers.run_udf, args=(live, SumUDF()))
            running.start()
            try:  # the sender must go on whatever is found
                deadline = time.monotonic() + 30
                while not (recording.state and recording.state.safe):
                    assert time.monotonic() < deadline
                    looked.wait(0.01)
                found = workers.frame_sum(live)
                while "recording" not in found.origins:  # the slots are still being worked on
                    assert time.monotonic() < deadline
                    found = workers.frame_sum(live)
                assert recording.state.state == "recording"
                frames = data.reshape(-1, *SIG)[found.positions]
                assert (found.data == frames.sum(axis=0)).all()
            finally:
                looked.set()
            running.join()

    def test_data_sets(self, inline, tmp_path):
        data = scan()
        np.save(tmp_path / "a.npy", data)
        opened = inline.load(tmp_path / "a.npy")
        assert (inline.frame(opened, (3, 3)) == data[3, 3]).all()
        assert (inline.frame(opened.reader(), (3, 3)) == data[3, 3]).all()
        roi = [(1, 1), (4, 7), (5, 7)]
        found = inline.frame_sum(opened, roi)
        assert (found.data == sum(data[at].astype("u8") for at in roi)).all()
        assert found.origins == ("file",)


class TestOverHTTP:
    """From a service that records, and from one that does not."""

    @pytest.mark.parametrize(("keep_mib", "recorded"), [(8, False), (0, True), (0, False)])
    async def test_frames(self, keep_mib, recorded, tmp_path):
        data, bench = scan(), Bench()
        folder = {"enabled": recorded, "directory": str(tmp_path), "min_free_gib": 0}
        buffers = {"keep_mib": keep_mib, "shared_memory_mib": 64, "block_mib": 1}
        sections = {"scan": {"nav_shape": list(NAV)}, "recording": folder, "buffers": buffers}
        async with serving(bench, **sections) as viewer:
            await bench.announce(data)
            await bench.send(0, 48)
            await bench.end()
            done = await viewer.until(lambda seen: seen["state"] == "complete")
            path = f"/api/v1/acquisitions/{done['id']}/frame"
            await viewer.until_recorded() if recorded else None
            one = await viewer.get(f"{path}.npy?at=2,3")
            some = await viewer.get(f"{path}.npy?at=1:4,2:7")
        bench.close()

        if keep_mib or recorded:
            assert (one.array == data[2, 3]).all()
            assert (some.array == data[1:4, 2:7].sum(axis=(0, 1))).all()
            assert one.headers["X-Frames-From"] == ("recording" if recorded else "ring")
        else:
            assert (one.status, some.status) == (410, 410)
