"""What the comparison with the peers prints, from samples as they are kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import compare
import samples
import table
from samples import Sample
from workloads import GROUPS, ROWS, Group, Row, chosen

LIVE = next(group for group in GROUPS if group.name == "live256")
ROW = Row("some work", "live256", "sum", 3, at_most=("cpu_us", 60), of_loop=0.9)


def sample(side, number, fps, *, cpu=50.0, right=True, error=None):
    values = {} if error else {"fps": fps, "cpu_us": cpu}
    return Sample("live256", "sum", side, number, values, 0.0, right, error)


class TestRatio:
    """The median over rounds of what one is to the other in the same round."""

    def test_rates(self):
        assert table.ratio([(4.0, 1.0), (9.0, 3.0), (100.0, 1.0)], True) == 4.0

    def test_times(self):
        assert table.ratio([(1.0, 4.0), (3.0, 9.0), (1.0, 100.0)], False) == 4.0

    def test_of_nothing(self):
        assert table.ratio([], True) is None

    def test_only_rounds_of_both(self):
        assert table.pairs({0: 1.0, 2: 2.0, 3: 3.0}, {1: 9.0, 2: 8.0, 3: 7.0}) == [
            (2.0, 8.0),
            (3.0, 7.0),
        ]


class TestLine:
    """A row says yes only if everything that is asked was measured, right and reached."""

    def line(self, *found):
        return table.line(ROW, found)

    def test_reached(self):
        found = self.line(sample("ours", 0, 40), sample("peer", 0, 10), sample("loop", 0, 44))
        assert found.reached is True
        assert found.cells[-1] == "yes"

    @pytest.mark.parametrize(
        ("ours", "peer", "loop"), [(29, 10, 30), (40, 10, 45)], ids=["peer", "loop"]
    )
    def test_too_slow(self, ours, peer, loop):
        found = self.line(sample("ours", 0, ours), sample("peer", 0, peer), sample("loop", 0, loop))
        assert found.reached is False

    def test_too_dear(self):
        found = self.line(
            sample("ours", 0, 40, cpu=61), sample("peer", 0, 10), sample("loop", 0, 40)
        )
        assert found.reached is False

    def test_wrong(self):
        found = self.line(
            sample("ours", 0, 40, right=False), sample("peer", 0, 10), sample("loop", 0, 40)
        )
        assert found.reached is False
        assert "NO" in found.cells

    def test_failed(self):
        found = self.line(
            sample("ours", 0, 40),
            sample("ours", 1, 0, error="it fell over"),
            sample("peer", 0, 10),
            sample("loop", 0, 40),
        )
        assert found.reached is False
        assert "it fell over" in found.cells

    def test_peer_was_not_measured(self):
        assert self.line(sample("ours", 0, 40), sample("loop", 0, 40)).reached is None


class TestSamples:
    """Records of the harness become samples, and samples are kept."""

    record = {
        "kind": "live",
        "udf": "sum",
        "rate": 1000.0,
        "fps": 900,
        "latency_s": 0.01,
        "stream_s": [3.0, 1.0, 2.0],
        "cpu_us_frame": 40.0,
        "ok": [True, True],
        "foreign_cpu_s": [[0.1, 0.0], [0.2, 0.1]],
    }

    def test_of_a_stream(self):
        found = samples.of_record(self.record, LIVE, "ours", 3)
        assert (found.case, found.round, found.right) == ("sum@1000", 3, True)
        assert found.values == {
            "fps": 900,
            "cpu_us": 40.0,
            "latency_ms": 10.0,
            "stream_ms": 2000.0,
        }
        assert found.foreign_s == pytest.approx(0.3)

    def test_wrong_once_is_wrong(self):
        found = samples.of_record({**self.record, "ok": [True, False]}, LIVE, "peer", 0)
        assert found.right is False

    def test_nobody_looked(self):
        assert samples.of_record({**self.record, "ok": [None]}, LIVE, "peer", 0).right is None

    def test_of_something_else(self):
        assert samples.of_record({"kind": "live_startup"}, LIVE, "ours", 0) is None

    def test_kept(self, tmp_path):
        path = tmp_path / "kept.jsonl"
        one = samples.of_record(self.record, LIVE, "ours", 3)
        samples.append(path, [one])
        samples.append(path, [one])
        assert list(samples.read(path)) == [one, one]


class TestWorkloads:
    """Every row is measured by some group."""

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text)
    def test_group_of_row(self, row):
        (group,) = [group for group in GROUPS if group.name == row.group]
        udf = row.case.partition("@")[0]
        assert group.script == "decode.py" or udf in ",".join(group.options)
        assert row.of_loop is None or row.loop or group.loop

    def test_chosen(self):
        assert {group.name for group in chosen(["tiny", "raw"])} == {"tiny", "tiny-2", "raw"}
        assert chosen([]) == GROUPS
        with pytest.raises(SystemExit, match="live"):
            chosen(["lvie"])

    def test_rounds_count_when_whole(self):
        group = Group("live256", "live", "peer_live.py", (), peer=())
        found = [sample("ours", 0, 1), sample("peer", 0, 1), sample("ours", 1, 1)]
        assert compare.rounds_of(group, found) == (1, 2)
        assert compare.rounds_of(group, []) == (0, 0)
