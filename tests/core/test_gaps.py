"""Gaps tell whether somebody else takes frames, and say nothing where chance lost them."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.core.gaps import shared_among, told


class TestSharing:
    """A stream that is shared out has gaps of one length."""

    @pytest.mark.parametrize("clients", [2, 3, 4])
    def test_in_turn(self, clients):
        assert shared_among(np.arange(1, 400, clients)) == clients

    def test_and_some_lost_besides(self):
        numbers = np.delete(np.arange(0, 4000, 2), [70, 900])

        assert shared_among(numbers) == 2

    def test_from_the_middle_on(self):
        assert shared_among(np.concatenate([np.arange(300), np.arange(301, 600, 2)])) == 2

    @pytest.mark.parametrize("seed", range(20))
    def test_losses_by_chance_are_none(self, seed):
        rng = np.random.default_rng(seed)
        numbers = np.flatnonzero(rng.random(2000) > rng.choice([0.01, 0.3, 0.5, 0.7]))

        assert shared_among(numbers) is None

    @pytest.mark.parametrize("numbers", [[], [3], [1, 3, 5], range(1000)])
    def test_nothing_to_say(self, numbers):
        assert told(np.array(list(numbers), np.int64)) == ""

    def test_in_words(self):
        assert told(np.arange(0, 200, 2)).startswith("only every second frame came: another")
        assert "2 other programs take" in told(np.arange(0, 200, 3))
