"""Results are merged in the order of their blocks, and few of them wait."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.engine.line import Line
from framefold.engine.pool import Outcome
from framefold.engine.worker import BlockResult
from framefold.udf.partial import PartitionResult, UDFError


@dataclass
class Numbered:
    """A block of which only the number matters."""

    ident: int

    def open(self) -> Any:
        raise AssertionError("nobody opens it")


NONE = np.empty(0, np.int64)


def outcome(ident: int, *, lost: bool = False) -> Outcome:
    if lost:
        return Outcome(Numbered(ident), None, "it is gone")
    part = PartitionResult(ident, 1, ({"x": np.full(3, ident)}, UDFError(None, "", "", "")))
    return Outcome(Numbered(ident), BlockResult((part,), NONE, NONE, "", {}))


def idents(found: list[Outcome]) -> list[int]:
    return [one.block.ident for one in found]


class TestLine:
    """Line keeps the order, whatever comes first."""

    @given(st.data())
    def test_any_order_becomes_that_of_joining(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, 12))
        blocks = data.draw(st.permutations(range(count)))
        places = data.draw(st.integers(1, 6))
        lost = data.draw(st.sets(st.sampled_from(blocks)))
        line = Line(places)
        waiting, at_work, merged = list(blocks), [], []
        while waiting or at_work:
            while waiting and len(at_work) + line.held < places:
                at_work.append(waiting.pop(0))
                assert line.join(at_work[-1])
            one = at_work.pop(data.draw(st.integers(0, len(at_work) - 1)))
            merged += idents(line.due(outcome(one, lost=one in lost)))
            assert line.held < places

        assert [b for b in merged if b not in lost] == [b for b in blocks if b not in lost]
        assert sorted(merged) == sorted(blocks)
        assert line.held == 0

    def test_what_waits_has_arrays_of_its_own(self) -> None:
        line = Line(2)
        assert line.join(1)
        assert line.join(2)
        second = outcome(2)
        assert line.due(second) == []
        second.result.parts[0].results[0]["x"][:] = -1  # the worker goes on in its memory

        _, kept = line.due(outcome(1))

        assert (kept.result.parts[0].results[0]["x"] == 2).all()

    def test_a_full_line_is_waited_for(self) -> None:
        line = Line(1)
        assert line.join(1)
        joined: list[bool] = []
        joining = threading.Thread(target=lambda: joined.append(line.join(2)))
        joining.start()
        assert idents(line.due(outcome(1))) == [1]
        joining.join(10)

        assert joined == [True]
        assert idents(line.due(outcome(2))) == [2]

    @pytest.mark.parametrize("early", [True, False])
    def test_a_closed_line(self, early: bool) -> None:
        line = Line(1)
        assert line.join(1)
        joined: list[bool] = []
        joining = threading.Thread(target=lambda: joined.append(line.join(2)))
        if early:
            line.close()
        joining.start()
        line.close()
        joining.join(10)

        assert joined == [False]
        assert idents(line.due(outcome(1))) == [1]  # who stands in it is served
