"""Scripts hear of mistakes before a frame is read, and may do without."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.made_blocks import InOrder, MadeReader, Misspelt, Values, reader
from framefold.api import Context
from framefold.errors import MissingNameError


@pytest.fixture(scope="module", params=["inline", "processes"])
def ctx(request: pytest.FixtureRequest) -> Iterator[Context]:
    """Both kinds of contexts."""
    with Context.inline() if request.param == "inline" else Context(workers=2) as made:
        yield made


class Marks(Values):
    """Leaves a mark for each process that works on frames of ones."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder=folder)

    def process_frame(self, frame: NDArray[Any]) -> None:
        if (frame == 1).all() and not self.meta.coordinates.any():
            (Path(self.params.folder) / str(os.getpid())).touch()
        super().process_frame(frame)


def assert_told(caught: pytest.ExceptionInfo[MissingNameError], source: MadeReader) -> None:
    assert "in process_frame of Misspelt by a dry run" in "".join(caught.value.__notes__)
    assert source.handed == []


def test_run_udf(ctx: Context) -> None:
    source = reader(10)
    with pytest.raises(MissingNameError, match="has no 'w'") as caught:
        ctx.run_udf(source, [Values(), Misspelt()])
    assert_told(caught, source)


def test_run_udf_iter(ctx: Context) -> None:
    source = reader(10)
    with pytest.raises(MissingNameError) as caught:
        next(ctx.run_udf_iter(source, Misspelt()))
    assert_told(caught, source)


def test_awaited(ctx: Context) -> None:
    async def wait(source: MadeReader) -> None:
        await ctx.run_udf(source, Misspelt(), sync=False)

    source = reader(10)
    with pytest.raises(MissingNameError) as caught:
        asyncio.run(wait(source))
    assert_told(caught, source)


def test_the_context_goes_on(ctx: Context) -> None:
    with pytest.raises(MissingNameError):
        ctx.run_udf(reader(10), Misspelt())
    result: Any = ctx.run_udf(reader(10), Values())
    assert (result["v"].data == np.arange(20)).all()


@pytest.mark.parametrize("tried", [True, False])
def test_where_it_is_done(ctx: Context, tmp_path: Path, tried: bool) -> None:
    ctx.run_udf(reader(10), Marks(str(tmp_path)), dry_run=tried)

    pids = {int(mark.name) for mark in tmp_path.iterdir()}
    assert len(pids) == tried
    assert (os.getpid() in pids) == (tried and ctx.pool.in_this_thread)


def test_switched_off(ctx: Context) -> None:
    source = reader(10)
    with pytest.raises(MissingNameError):
        ctx.run_udf(source, Misspelt(), dry_run=False)
    assert source.handed != []


def test_ordered(ctx: Context) -> None:
    result: Any = ctx.run_udf(reader(40), InOrder(), ordered=True)
    assert result["rank"].data.tolist() == np.repeat(np.arange(40), 2).tolist()
    for update in ctx.run_udf_iter(reader(40), InOrder(), ordered=True):
        last = update
    assert last.buffers[0]["rank"].data.tolist() == np.repeat(np.arange(40), 2).tolist()
