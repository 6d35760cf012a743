"""Scans in any order: live, recorded and played again they give the numbers of an offline run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from e2e.wires import wire
from framefold import SumSigUDF, SumUDF, VirtualDetectorUDF
from framefold.errors import ScanError

SIG = (8, 8)
FRAMES = 180
FLAT = np.random.default_rng(5).poisson(4, (FRAMES, *SIG)).astype(np.uint16)
DATA = FLAT.reshape(12, 15, *SIG)
RNG = np.random.default_rng(7)
SHUFFLED = RNG.permutation(FRAMES)
SOME_NOWHERE = np.where(RNG.random(FRAMES) < 0.2, -1, SHUFFLED)
REVISITED = RNG.integers(0, 120, FRAMES)
IRREGULAR = RNG.permutation(400)[:FRAMES]


def udfs() -> list[Any]:
    return [SumSigUDF(), SumUDF(), VirtualDetectorUDF("ring", ri=1.5, ro=3.7)]


def bits(results: Any) -> list[tuple[bytes, bytes]]:
    return [
        (np.asarray(buffer.data).tobytes(), np.asarray(buffer.valid_mask).tobytes())
        for one in results
        for buffer in one.values()
    ]


def offline(ctx: Any, lost: Any = (), **scan: Any) -> Any:
    """What a file with these frames gives; of frames that were lost it has nothing."""
    data = ctx.load("memory", data=FLAT, sig_dims=2, **scan)
    found = data.acquisition.scan
    places = found.own_positions_of(np.asarray(lost, np.int64))
    roi = None
    if len(places[places >= 0]):
        roi = np.ones(found.size, bool)
        roi[places[places >= 0]] = False
        roi = roi.reshape(found.shape)
    return data, ctx.run_udf(data, udfs(), roi=roi)


@pytest.mark.parametrize(
    ("positions", "scan"),
    [
        (SHUFFLED, {"nav_shape": (12, 15)}),
        (np.stack(np.divmod(SHUFFLED, 15), axis=1), {"nav_shape": (12, 15)}),
        (SOME_NOWHERE, {"nav_shape": (12, 15)}),
        (REVISITED, {"nav_shape": (10, 12)}),
        (np.stack(np.divmod(REVISITED, 12), axis=1), {"nav_shape": (3, 10, 12)}),
        (IRREGULAR, {"nav_shape": (20, 20)}),
        (SHUFFLED[:100], {"nav_shape": (12, 15)}),
        (np.concatenate([SHUFFLED, [3, -1, 5]]), {"nav_shape": (12, 15)}),
        (SHUFFLED, {"nav_shape": (12, 15), "sync_offset": 7}),
        (REVISITED, {"nav_shape": (10, 12), "sync_offset": -40}),
        (SHUFFLED, {"nav_shape": (12, 15), "lead_in": 5, "flyback": 0}),
        (SHUFFLED[:90], {"nav_shape": (12, 15), "frames_per_position": 2, "repeats": "axis"}),
        (np.stack(np.divmod(SHUFFLED, 15), axis=1), {}),
    ],
)
class TestLiveEqualsOffline:
    """Bit for bit, whatever comes in whichever order."""

    def test_as_they_were_taken(self, positions, scan, workers, inline, detector):
        data, wanted = offline(inline, positions=positions, **scan)
        sender = detector(wire(DATA))
        with workers.stream(sender.endpoint, positions=positions, **scan) as stream:
            reader = stream.next_reader()
            found = workers.run_udf(reader, udfs())

        assert bits(found) == bits(wanted)
        assert reader.ending().complete
        # counted alike, too
        there, here = offline_losses(inline, data), reader.losses()
        for name in ("received", "duplicate", "flyback", "surplus"):
            assert getattr(here, name) == getattr(there, name), name
        assert reader.ending().losses.missing == there.missing

    def test_shuffled_twice_and_lost(self, positions, scan, workers, inline, detector):
        lost = np.random.default_rng(2).permutation(FRAMES)[:25]
        left = np.setdiff1d(np.arange(FRAMES), lost)
        sent = np.random.default_rng(3).permutation(np.concatenate([left, left[::3]]))
        _, wanted = offline(inline, lost, positions=positions, **scan)
        sender = detector(wire(DATA, order=sent))
        with workers.stream(
            sender.endpoint, positions=positions, idle_seconds=5.0, **scan
        ) as stream:
            found = workers.run_udf(stream.next_reader(), udfs())

        # outside the region of interest that stands for the lost frames nothing is valid either
        for one, other in zip(found, wanted, strict=True):
            for name, buffer in other.items():
                assert (one[name].valid_mask == buffer.valid_mask).all(), name
                valid = np.asarray(buffer.valid_mask)
                assert (one[name].data[valid] == buffer.data[valid]).all(), name


def offline_losses(ctx: Any, data: Any) -> Any:
    reader = data.reader()
    ctx.run_udf(reader, SumSigUDF())
    return reader.losses()


class TestSeries:
    """One table for all series of a stream, of any length."""

    def test_longer_than_a_message(self, workers, detector):
        order = np.random.default_rng(4).permutation(1_000_000)
        wanted = np.zeros(1_000_000, np.uint64)
        wanted[order[:FRAMES]] = FLAT.sum((1, 2))
        sender = detector(wire(DATA, number=1) + wire(DATA, number=2))
        with workers.stream(sender.endpoint, nav_shape=(1000, 1000), positions=order) as stream:
            tables = []
            for _ in range(2):
                reader = stream.next_reader()
                tables.append(reader.acquisition.scan.table)
                found = workers.run_udf(reader, SumSigUDF())
                assert (found["intensity"].data.reshape(-1) == wanted).all()
            assert tables[0] is tables[1] is stream.settings.positions

    @pytest.mark.parametrize("told", ["of the connection", "of the acquisition"])
    def test_connections(self, told, workers, detector):
        order = np.random.default_rng(4).permutation(90_000)
        scan = {"nav_shape": (300, 300), "positions": order}
        on_opening = {"positions": order} if told == "of the connection" else {}
        if on_opening:
            del scan["positions"]
        wanted = np.zeros(90_000, np.uint64)
        wanted[order[:FRAMES]] = FLAT.sum((1, 2))
        sender = detector(wire(DATA, number=1) + wire(DATA, number=2))
        connector = workers.make_connection("dectris")
        with connector.open(address=sender.endpoint, **on_opening) as conn:
            aq = workers.make_acquisition(conn, **scan)
            for _ in range(2):
                *_, last = workers.run_udf_iter(aq, SumSigUDF())
                assert (last.buffers[0]["intensity"].data.reshape(-1) == wanted).all()
            other = last.refold((12, 15), positions=SHUFFLED)

        wanted = np.empty(FRAMES, np.uint64)
        wanted[SHUFFLED] = FLAT.sum((1, 2))
        assert (other.buffers[0]["intensity"].data.reshape(-1) == wanted).all()

    @pytest.mark.parametrize(
        ("scan", "words"),
        [
            ({"nav_shape": (-1, 15)}, "every axis must be told"),
            ({"nav_shape": (12, 15), "scan_order": "snake"}, "no order"),
            ({"nav_shape": (12, 15), "flyback": 1}, "no flyback"),
            ({"nav_shape": (12, 14)}, "has only 168"),
        ],
    )
    def test_that_cannot_be_is_said_before_anything_is_waited_for(self, scan, words, workers):
        """In the words of a file that is opened so."""
        with pytest.raises(ScanError, match=words) as live:
            workers.stream("tcp://127.0.0.1:9", positions=SHUFFLED, **scan)
        with pytest.raises(ScanError) as recorded:
            workers.load("memory", data=FLAT, sig_dims=2, positions=SHUFFLED, **scan)
        with (
            workers.make_connection("memory").open(FLAT) as conn,
            pytest.raises(ScanError) as taken,
        ):
            workers.make_acquisition(conn, positions=SHUFFLED, **scan)

        assert str(live.value) == str(recorded.value) == str(taken.value)


class TestRecordings:
    """What is recorded lies where it belongs."""

    def test_played_again(self, workers, inline, detector, tmp_path):
        _, wanted = offline(inline, nav_shape=(10, 12), positions=REVISITED)
        order = np.random.default_rng(3).permutation(FRAMES)
        sender = detector(wire(DATA, order=order))
        settings = {"nav_shape": (10, 12), "positions": REVISITED}
        with (
            workers.recording(tmp_path) as recording,
            workers.stream(sender.endpoint, **settings) as stream,
        ):
            reader = recording.reader(stream.next_reader())
            found = workers.run_udf(reader, udfs())
            reader.join()
            assert recording.state is not None
            file = recording.state.file
        read = inline.run_udf(inline.load(file), udfs())
        with workers.replay(file, nav_shape=(10, 12)) as stream:
            again = workers.run_udf(stream.next_reader(), udfs())

        assert bits(found) == bits(read) == bits(again) == bits(wanted)
