"""Runs that are watched while they go on, with and without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framefold import Context, SumSigUDF, SumUDF
from framefold.errors import JobCancelledError, ParameterError, UDFRunCancelled
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.udf import UDF

DATA = np.arange(6 * 5 * 4 * 3, dtype=np.uint16).reshape(6, 5, 4, 3)
SUMS = DATA.sum((2, 3))


class Scaled(UDF):
    """Each frame's sum times a parameter."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {"value": self.buffer("nav", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.value[:] = frame.sum() * self.params.factor


class Giving(UDF):
    """Gives up at the third partition."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {"value": self.buffer("nav")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        if self.meta.coordinates[0, 0] >= 4:
            raise JobCancelledError("the beam is off")


@pytest.fixture(scope="module", params=["inline", "workers"])
def ctx(request: pytest.FixtureRequest) -> Iterator[Context]:
    """One context of each kind."""
    with Context.inline() if request.param == "inline" else Context(workers=2) as context:
        yield context


@pytest.fixture
def data() -> MemoryDataSet:
    """Six partitions of five frames."""
    return MemoryDataSet(DATA, num_partitions=6)


class TestRunUdf:
    """Run to the end."""

    def test_one_gives_a_dictionary_several_a_tuple(self, ctx: Context, data: Any) -> None:
        one = ctx.run_udf(data, SumSigUDF())
        several = ctx.run_udf(data, (udf for udf in [SumSigUDF(), SumUDF()]))

        assert isinstance(one, dict)
        assert isinstance(several, tuple)
        assert np.array_equal(one["intensity"].data, SUMS)
        assert np.array_equal(several[1]["intensity"].data, DATA.sum((0, 1)))

    def test_no_udf(self, ctx: Context, data: Any) -> None:
        with pytest.raises(ValueError, match="empty list of UDFs"):
            ctx.run_udf(data, [])

    def test_no_data_set(self, ctx: Context) -> None:
        with pytest.raises(ParameterError, match="is no data set"):
            ctx.run_udf(DATA, SumUDF())  # type: ignore[call-overload]

    @pytest.mark.parametrize("roi", [np.zeros((6, 5), bool), []])
    def test_nothing_selected(self, ctx: Context, data: Any, roi: Any) -> None:
        found = ctx.run_udf(data, SumSigUDF(), roi=roi)["intensity"]

        assert found.raw_data.shape == (0,)
        assert np.isnan(found.data).all()

    def test_backends(self, ctx: Context, data: Any) -> None:
        assert np.array_equal(ctx.run_udf(data, SumSigUDF(), backends="numpy")["intensity"], SUMS)
        with pytest.raises((ValueError, RuntimeError)):
            ctx.run_udf(data, SumSigUDF(), backends=("fortran",))

    def test_cancelled_by_the_source(self, ctx: Context, data: Any) -> None:
        with pytest.raises(UDFRunCancelled, match=r"^UDF run cancelled after \d+ partitions$"):
            ctx.run_udf(data, Giving())

        assert np.array_equal(ctx.run_udf(data, SumSigUDF())["intensity"], SUMS)

    def test_awaited(self, ctx: Context, data: Any) -> None:
        async def main() -> Any:
            return await asyncio.gather(
                ctx.run_udf(data, SumSigUDF(), sync=False),
                ctx.run_udf(data, [SumUDF()], sync=False),
            )

        one, (several,) = asyncio.run(main())

        assert np.array_equal(one["intensity"].data, SUMS)
        assert np.array_equal(several["intensity"].data, DATA.sum((0, 1)))

    def test_awaited_and_failed(self, ctx: Context, data: Any) -> None:
        async def main() -> None:
            await ctx.run_udf(data, Giving(), sync=False)

        with pytest.raises(UDFRunCancelled):
            asyncio.run(main())

    def test_what_is_wrong_is_said_at_once(self, ctx: Context, data: Any) -> None:
        """Not when the answer is awaited."""
        with pytest.raises(ValueError, match="roi"):
            ctx.run_udf(data, SumUDF(), roi=np.zeros(3, bool), sync=False)

    def test_a_cancelled_task_cancels_the_run(self, ctx: Context) -> None:
        slow = MemoryDataSet(DATA, num_partitions=30, tiledelay=0.05)

        async def main() -> None:
            task = asyncio.ensure_future(ctx.run_udf(slow, SumUDF(), sync=False))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

        assert np.array_equal(
            ctx.run_udf(slow, SumSigUDF(), roi=(0, 0))["intensity"].raw_data, SUMS[0, :1]
        )


class TestIterating:
    """One update after another."""

    def test_grows(self, ctx: Context, data: Any) -> None:
        seen = []
        for update in ctx.run_udf_iter(data, SumSigUDF()):
            (found,) = update.buffers
            there = update.damage.data
            assert np.array_equal(np.asarray(found["intensity"])[there], SUMS[there])
            seen.append(int(there.sum()))

        assert len(seen) == 6
        assert seen == sorted(seen)
        assert seen[-1] == 30

    def test_an_update_is_computed_once(self, ctx: Context, data: Any) -> None:
        update = next(iter(ctx.run_udf_iter(data, SumUDF())))

        assert update.buffers is update.buffers
        assert update.damage is update.damage

    def test_nothing_selected_gives_one_update(self, ctx: Context, data: Any) -> None:
        updates = list(ctx.run_udf_iter(data, SumSigUDF(), roi=np.zeros((6, 5), bool)))

        assert len(updates) == 1
        assert updates[0].buffers[0]["intensity"].raw_data.shape == (0,)

    def test_closed(self, ctx: Context, data: Any) -> None:
        updates = ctx.run_udf_iter(data, SumSigUDF())
        first = next(updates)
        updates.close()
        updates.close()

        assert first.damage.data.sum() >= 5
        assert list(updates) == []

    @pytest.mark.parametrize("raised", [(OSError("cup"),), (OSError,), (OSError, OSError("cup"))])
    def test_thrown_into(self, ctx: Context, data: Any, raised: tuple[Any, ...]) -> None:
        updates = ctx.run_udf_iter(data, SumSigUDF())
        next(updates)

        with pytest.raises(OSError, match="cup" if raised != (OSError,) else None):
            updates.throw(*raised)
        assert list(updates) == []

    def test_parameters_before_the_first_update(self, data: Any) -> None:
        """All of the run sees them, where work is done when it is asked for."""
        with Context.inline() as inline:
            updates = inline.run_udf_iter(data, [Scaled(factor=1), SumUDF()])
            updates.update_parameters_experimental([{"factor": 3}, {}])
            for update in updates:
                last = update

        assert np.array_equal(last.buffers[0]["value"].data, 3.0 * SUMS)

    def test_wrong_number_of_patches(self, ctx: Context, data: Any) -> None:
        updates = ctx.run_udf_iter(data, SumUDF())
        with pytest.raises(ParameterError, match="2 patches for 1 UDFs"):
            updates.update_parameters_experimental([{}, {}])
        updates.close()


class TestAsyncIterating:
    """One update after another, in an event loop."""

    def test_updates_stay_as_they_are(self, ctx: Context, data: Any) -> None:
        async def main() -> list[Any]:
            return [update async for update in ctx.run_udf_iter(data, SumSigUDF(), sync=False)]

        updates = asyncio.run(main())

        counts = [int(update.damage.data.sum()) for update in updates]
        assert counts == sorted(counts)
        assert counts[-1] == 30
        for update in updates:
            there = update.damage.data
            values = update.buffers[0]["intensity"].data
            assert np.array_equal(values[there], SUMS[there])
            assert not values[~there].any()

    def test_closed(self, ctx: Context, data: Any) -> None:
        async def main() -> list[Any]:
            updates = ctx.run_udf_iter(data, SumSigUDF(), sync=False)
            await anext(updates)
            await updates.aclose()
            return [update async for update in updates]

        assert asyncio.run(main()) == []

    def test_closed_while_somebody_waits(self, ctx: Context) -> None:
        slow = MemoryDataSet(DATA, num_partitions=30, tiledelay=0.02)

        async def main() -> None:
            updates = ctx.run_udf_iter(slow, SumSigUDF(), sync=False)
            waiting = asyncio.ensure_future(anext(updates))
            await asyncio.sleep(0)
            await updates.aclose()
            await asyncio.wait({waiting}, timeout=30)
            assert waiting.done()
            waiting.exception()  # whether it got an update or the end is a matter of luck

        asyncio.run(main())

    def test_thrown_into(self, ctx: Context, data: Any) -> None:
        async def main() -> None:
            updates = ctx.run_udf_iter(data, SumSigUDF(), sync=False)
            await anext(updates)
            await updates.athrow(OSError("cup"))

        with pytest.raises(OSError, match="cup"):
            asyncio.run(main())

    def test_parameters(self, data: Any) -> None:
        async def main(inline: Context) -> Any:
            updates = inline.run_udf_iter(data, Scaled(factor=1), sync=False)
            await updates.update_parameters_experimental([{"factor": 2}])
            return [update async for update in updates][-1]

        with Context.inline() as inline:
            last = asyncio.run(main(inline))

        assert np.array_equal(last.buffers[0]["value"].data, 2.0 * SUMS)

    def test_what_a_udf_raises(self, ctx: Context, data: Any) -> None:
        async def main() -> None:
            async for _ in ctx.run_udf_iter(data, Scaled(), sync=False):
                pass

        with pytest.raises(AttributeError, match="factor"):
            asyncio.run(main())
