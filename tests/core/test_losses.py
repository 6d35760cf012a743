"""Losses add up by kind."""

from __future__ import annotations

from dataclasses import fields

from framefold.core.losses import Losses


class TestLosses:
    """Losses of two parts are those of the whole."""

    def test_sum(self):
        one = Losses(**{f.name: n for n, f in enumerate(fields(Losses))})

        assert one + one == Losses(**{f.name: 2 * n for n, f in enumerate(fields(Losses))})
        assert one + Losses() == one

    def test_by_name(self):
        assert Losses(missing=3).as_dict()["missing"] == 3
        assert set(Losses().as_dict().values()) == {0}
