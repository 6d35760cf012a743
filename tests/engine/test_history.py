"""The last runs are kept, newest first."""

from __future__ import annotations

from engine.made_blocks import MadeReader, Values, blocks, reader
from framefold.core.losses import Losses
from framefold.engine.history import History
from framefold.engine.pool import InlinePool
from framefold.engine.run import Run


def run(ident: str) -> Run:
    return Run(reader(1), {"v": Values()}, InlinePool(), ident=ident)


class TestHistory:
    """A history forgets the oldest runs."""

    def test_newest_first(self):
        history = History()
        for ident in "abc":
            history.add(run(ident))

        assert [one.ident for one in history.runs()] == ["c", "b", "a"]
        assert history.get("latest").ident == "c"
        assert history.get("a").ident == "a"

    def test_what_is_not_kept_is_not_found(self):
        history = History(keep=2)
        assert history.get("latest") is None
        for ident in "abc":
            history.add(run(ident))

        assert history.get("a") is None
        assert [one.ident for one in history.runs()] == ["c", "b"]

    def test_a_run_of_the_same_name_is_the_newest(self):
        history = History()
        for ident in "aba":
            history.add(run(ident))

        assert history.get("latest").ident == "a"
        assert len(history.runs()) == 2

    def test_one_is_always_kept(self):
        history = History(keep=0)
        history.add(run("a"))

        assert history.get("latest").ident == "a"


class TestTotals:
    """What came of all runs, also of those that are forgotten, and of the one that goes on."""

    def test_only_grow(self):
        history = History(keep=1)
        seen = [history.totals()]
        for ident in "abca":
            one = run(ident)
            history.add(one)
            seen.append(history.totals())
            for _ in one.steps():
                seen.append(history.totals())
            seen.append(history.totals())
        merged = [total.merged for total in seen]

        assert merged == sorted(merged)
        assert merged[-1] == 4 * one.fold.merged > 0
        assert seen[-1].blocks == 4
        assert seen[-1].runs == {"complete": 4, "aborted": 0, "failed": 0}
        assert sum(seen[-2].runs.values()) == 3

    def test_what_was_lost(self):
        history = History()
        for _ in range(2):
            one = Run(MadeReader(blocks(1), 5), {"v": Values()}, InlinePool(), ident="same")
            history.add(one)
            list(one.steps())
        lost = history.totals().losses

        assert lost == Losses(missing=6)
