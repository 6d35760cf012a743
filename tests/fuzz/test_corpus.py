"""Messages that once did something of their own do it still; and new ones, some thousands."""

from __future__ import annotations

import pytest

from fuzz.fuzz import CORPUS, attack, read
from fuzz.fuzz_targets import targets

TARGETS = targets()


@pytest.mark.parametrize("name", sorted(TARGETS))
class TestTargets:
    """All that reads bytes from a network."""

    def test_corpus(self, name):
        lines = (CORPUS / f"{name}.txt").read_text().splitlines()
        assert lines
        for line in lines:
            outcome, message = read(line)
            assert TARGETS[name].make()(message) == outcome

    def test_new_cases(self, name):
        outcomes, _, wrong = attack(TARGETS[name], 2000, seed=1)

        assert wrong == ""
        assert outcomes.total() == 2000
        assert len(outcomes) > 1
