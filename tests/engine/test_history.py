"""The last runs are kept, newest first."""

from __future__ import annotations

from engine.made_blocks import Values, reader
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
