"""Timepix3 events, against a plain account of what the packets mean."""

import contextlib
import hashlib
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefold.errors import DataError, FramefoldError, ParameterError
from framefold.formats import inspect_file, open_dataset, tpx3
from recordings_for_tests import delivered
from shared_workers import SharedWorkers

PERIOD = 1 << 34  # of a hit's time


def hit(time, x, y):
    """A hit at a time in units of 1.5625 ns, on a pixel of its chip."""
    fine = -time % 16
    coarse = (time + fine) >> 4
    address = (x // 2) << 9 | (y // 4) << 3 | (x % 2) << 2 | (y % 4)
    spidr, toa = (coarse >> 14) & 0xFFFF, coarse & 0x3FFF
    return 0xB << 60 | address << 44 | toa << 30 | 7 << 20 | fine << 16 | spidr


def pulse(time, digit=0xF):
    return 0x6 << 60 | digit << 56 | ((time // 2) & 0x7FFFFFFFF) << 9


def clock(time):
    ticks = time // 16
    return [0x44 << 56 | (ticks & 0xFFFFFFFF) << 16, 0x45 << 56 | (ticks >> 32) << 16]


def chunk(chip, packets):
    return [0x33585054 | chip << 32 | 8 * len(packets) << 48, *packets]


def written(path, *chunks):
    words = [word for one in chunks for word in one]
    path.write_bytes(np.array(words, dtype="<u8").tobytes())
    return path


def placed(chip, x, y):
    """Column and row in a quad."""
    if chip in (1, 2):
        x, y = 255 - x, 511 - y
    return (x + 256 if chip in (0, 1) else x), y


class TestFrames:
    """A hit belongs to the frame that its time falls into."""

    @settings(max_examples=40, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(data=st.data(), partitions=st.integers(1, 5), chips=st.sampled_from([1, 4]),
           first=st.sampled_from([1000, PERIOD - 20_000, 5 * PERIOD - 7]))  # fmt: skip
    def test_equals_a_plain_count(self, tmp_path, monkeypatch, data, partitions, chips, first):
        monkeypatch.setattr(tpx3, "_STEP", 8)
        frames, length = 6, 10_000
        times = st.integers(first - 3000, first + frames * length + 3000)
        pixel = st.integers(0, 255)
        hits = data.draw(
            st.lists(st.tuples(times, st.integers(0, chips - 1), pixel, pixel), max_size=60)
        )
        hits.sort()
        side = 256 if chips == 1 else 512
        expected = np.zeros((frames, side, side), "u4")
        chunks = [chunk(0, clock(max(0, first - 4000)))]
        chunks += [chunk(chip, []) for chip in range(chips)]
        pulses = [first + i * length for i in range(frames)]
        for i, (time, chip, x, y) in enumerate(hits):
            frame = (time - first) // length
            if 0 <= frame < frames:
                column, row = placed(chip, x, y) if chips == 4 else (x, y)
                expected[frame, row, column] += 1
            chunks.append(chunk(chip, [hit(time, x, y)]))
            while pulses and (i + 1 == len(hits) or pulses[0] <= hits[i + 1][0]):
                chunks.append(chunk(0, [pulse(pulses.pop(0))]))
        chunks.append(chunk(0, [pulse(time) for time in pulses]))
        path = written(tmp_path / "a", *chunks)

        data_set = open_dataset(path, nav_shape=(2, 3), num_partitions=partitions)
        got, seen = delivered(data_set)

        assert data_set.acquisition.sig_shape == (side, side)
        assert (seen == 1).all()
        assert (got == expected).all()

    def test_lines(self, tmp_path):
        lines = [100_000, 200_000]
        hits = [hit(start + 10_000 * i + 5, i, 1) for start in lines for i in range(10)]
        path = written(tmp_path / "a", chunk(0, [pulse(t) for t in lines]), chunk(0, hits))

        data_set = open_dataset(
            path, trigger="line", nav_shape=(-1, 5), frame_time=10_000 * 1.5625e-9
        )
        got, _ = delivered(data_set)

        assert data_set.acquisition.nav_shape == (2, 5)
        # five positions of a line; what comes afterwards is flyback
        assert [frame.nonzero()[1].tolist() for frame in got] == [[i] for i in range(5)] * 2

    def test_frames_of_a_length_without_triggers(self, tmp_path):
        path = written(tmp_path / "a", chunk(0, [hit(800 + 640 * i, i, 0) for i in range(9)]))

        data_set = open_dataset(path, frame_time=2e-6)  # 1280 units
        got, _ = delivered(data_set)

        assert data_set.frames == 5
        assert got.sum(axis=(1, 2)).tolist() == [2, 2, 2, 2, 1]

    def test_other_edges(self, tmp_path):
        chunks = [chunk(0, [pulse(1000, 0xE), hit(1500, 1, 1), pulse(2000, 0xE), pulse(2500, 0xF)])]
        path = written(tmp_path / "a", *chunks)

        assert open_dataset(path, edge="tdc2-rising").frames == 2
        assert open_dataset(path).frames == 1
        with pytest.raises(ParameterError, match="no such trigger"):
            open_dataset(path, edge="tdc2-falling", trigger="frame")
        with pytest.raises(ParameterError, match="did you mean tdc2-rising"):
            open_dataset(path, edge="tdc2-risin")

    def test_one_chip_alone(self, tmp_path):
        path = written(tmp_path / "a", *(chunk(c, [hit(100, c, 2 * c)]) for c in range(4)))

        got, _ = delivered(open_dataset(path, chip=2))

        assert got.shape[1:] == (256, 256)
        assert np.argwhere(got[0]).tolist() == [[4, 2]]

    def test_many_chips_need_a_choice(self, tmp_path):
        path = written(tmp_path / "a", chunk(0, []), chunk(7, [hit(100, 1, 2)]))

        with pytest.raises(DataError, match=r"\[0, 7\]"):
            open_dataset(path)
        assert delivered(open_dataset(path, chip=7))[0].sum() == 1


class TestDamage:
    """Words that make no sense are counted."""

    def test_rubbish_between_chunks(self, tmp_path):
        path = written(
            tmp_path / "a", chunk(0, [hit(100, 1, 1)]), [0, 1], chunk(0, [hit(200, 2, 2)])
        )

        data_set = open_dataset(path)

        assert delivered(data_set)[0].sum() == 2
        assert "2 of 6 words" in data_set.facts.problems[0]

    def test_random_damage(self, tmp_path):
        rng = np.random.default_rng(5)
        chunks = [
            chunk(0, [pulse(1000 * i), hit(1000 * i + 5, i, i), *clock(1000 * i + 9)])
            for i in range(40)
        ]
        whole = written(tmp_path / "a", *chunks).read_bytes()
        for i in range(100):
            content = bytearray(whole)
            for at in rng.integers(0, len(content), 4):
                content[at] = rng.integers(256)
            if i % 4 == 0:
                del content[rng.integers(len(content)) :]
            (tmp_path / "b").write_bytes(content)
            inspect_file(tmp_path / "b").as_text()
            with contextlib.suppress(FramefoldError):
                delivered(open_dataset(tmp_path / "b", nav_shape=5))


@pytest.mark.recordings
class TestRecordings:
    """Real events: as many, on the same pixels, as others find."""

    @pytest.mark.parametrize("number", ["00", "01"])
    def test_hits_of_each_chip(self, recordings, number):
        folder = recordings / "timepix3_tpx3"
        truth = json.loads((folder / "truth.json").read_text())["arrays"][number]
        truth = truth["per_chip_hit_image_256x256"]
        path = folder / f"raw_test_data_{number}.tpx3"

        chips = [delivered(open_dataset(path, chip=chip))[0][0] for chip in range(4)]
        image = np.sum(chips, axis=0, dtype="i8")
        whole, _ = delivered(open_dataset(path))

        assert hashlib.sha256(image.tobytes()).hexdigest() == truth["sha256_i8"]
        assert image.max() == truth["max"]
        assert whole.shape == (1, 512, 512)
        assert whole.sum() == truth["sum"]


class TestConformance(SharedWorkers):
    options = {"nav_shape": (3, 4)}
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path):
        first, length = 1000, 10_000
        rng = np.random.default_rng(2)
        data = np.zeros((12, 256, 256), "u4")
        packets = []
        for frame in range(12):
            packets.append(pulse(first + frame * length))
            times = np.sort(rng.integers(1, length - 1, 30)) + first + frame * length
            columns, rows = rng.integers(0, 256, (2, 30)).tolist()
            for time, x, y in zip(times.tolist(), columns, rows, strict=True):
                packets.append(hit(time, x, y))
                data[frame, y, x] += 1
        path = written(tmp_path / "a.tpx3", chunk(0, packets))
        return path, data.reshape(3, 4, 256, 256)
