"""LiberTEM's dumps: messages are put together again from their parts."""

import numpy as np
import pytest

from e2e.wires import wire
from framefold.errors import DataError
from framefold.formats import inspect_file, open_dataset
from framefold.replay.source import ReplaySource
from shared_workers import SharedWorkers

NAV = (4, 5)


def counts():
    return np.random.default_rng(3).integers(0, 900, (*NAV, 6, 8)).astype("u2")


def dump(path, messages):
    with path.open("wb") as file:
        for parts in messages:
            for part in parts:
                file.write(len(part).to_bytes(8, "little", signed=True) + part)
    return path


class TestZmqDump(SharedWorkers):
    examples = 2
    options = {"nav_shape": NAV}

    @pytest.fixture(params=["none", "basic", "all"])
    def recording(self, tmp_path, request):
        messages = wire(counts(), "simplon-v1", header_detail=request.param)
        return dump(tmp_path / "a.dat", messages), counts()


class TestMessages:
    """As they were sent."""

    def test_bit_for_bit(self, tmp_path):
        messages = wire(counts(), "simplon-v1", header_detail="all")
        path = dump(tmp_path / "a.dat", messages)
        found = ReplaySource(str(path)).messages()
        assert [[bytes(part) for part in parts] for parts, _ in found] == messages

    def test_length_before_a_part(self, tmp_path):
        path = dump(tmp_path / "a", [[b"abc"]])
        assert path.read_bytes() == bytes.fromhex("0300000000000000 616263")

    def test_end_of_a_former_series_first_and_cut_off(self, tmp_path):
        messages = [*wire(counts()[:1], "simplon-v1", number=3)[-1:],
                    *wire(counts(), "simplon-v1", number=4)]  # fmt: skip
        path = dump(tmp_path / "a", messages)
        path.write_bytes(path.read_bytes()[:-400])
        found = inspect_file(path, nav_shape=NAV)

        assert found.format == "zmq_dump"
        assert any("cut off" in problem for problem in found.problems)
        assert open_dataset(path, nav_shape=NAV).frames >= 15

    def test_something_else(self, tmp_path):
        (tmp_path / "a").write_bytes((20).to_bytes(8, "little") + b'{"htype":"other-1"}     ' * 9)
        with pytest.raises(DataError, match="no known format"):
            open_dataset(tmp_path / "a")
