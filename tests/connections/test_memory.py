"""An array that arrives frame by frame, on the way that a detector's frames take."""

from __future__ import annotations

import gc
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.analyses.sumsig import SumSigUDF
from framefold.api import Context
from framefold.errors import ParameterError, RunFailedError, UDFRunCancelled

RNG = np.random.default_rng(2)


@pytest.fixture(scope="module")
def ctx():
    with Context.inline() as made:
        yield made


def rings() -> int:
    gc.collect()
    return Path("/proc/self/maps").read_text().count("memfd:framefold")


class TestFrames:
    """Whatever arrives in whatever order finds its place."""

    @settings(deadline=None, max_examples=30)
    @given(st.data())
    def test_any_order_any_loss_any_ring(self, ctx, data):
        nav = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
        dtype = data.draw(st.sampled_from(["u1", ">u2", "i4", "f4", "f8"]))
        frames = math.prod(nav)
        arrivals = data.draw(st.lists(st.integers(0, frames - 1), max_size=2 * frames))
        stretch = data.draw(st.integers(1, 30))
        array = RNG.integers(0, 100, (*nav, 3, 4)).astype(dtype)
        opened = ctx.make_connection("memory").open(
            array, arrivals=arrivals, ring_bytes=512 << 10, block_bytes=48
        )
        with opened as conn:
            aq = ctx.make_acquisition(conn, frames_per_partition=stretch)
            came = np.zeros(frames, bool)
            came[arrivals] = True
            if came[-1]:
                found, damage = ctx.run_udf(aq, SumSigUDF())["intensity"], None
            else:
                with pytest.raises(UDFRunCancelled) as caught:
                    ctx.run_udf(aq, SumSigUDF())
                found, damage = caught.value.buffers[0]["intensity"], caught.value.damage

        assert np.array_equal(found.raw_data[came], array.sum((-1, -2)).ravel()[came])
        assert np.array_equal(found.valid_mask.ravel(), came)
        assert damage is None or np.array_equal(damage.raw_data, came)
        assert aq.losses.received == came.sum()
        assert aq.losses.duplicate == len(arrivals) - came.sum()

    def test_same_again_and_nothing_left(self, ctx):
        array = RNG.integers(0, 100, (4, 5, 6, 7))
        with ctx.make_connection("memory").open(array, {"sig_dims": 3}) as conn:
            aq = ctx.make_acquisition(conn, nav_shape=(2, -1))
            before = rings()
            for _ in range(3):
                found = ctx.run_udf(aq, SumSigUDF())["intensity"].data
            updates = ctx.run_udf_iter(aq, SumSigUDF())
            next(updates)
            updates.close()

            assert np.array_equal(found, array.sum((1, 2, 3)).reshape(2, 2))
            del updates
            assert rings() == before

    def test_workers_and_a_ring_smaller_than_the_scan(self):
        array = RNG.integers(0, 100, (30, 30, 16, 16)).astype(np.uint16)
        with (
            Context(workers=2) as ctx,
            ctx.make_connection("memory").open(array, ring_bytes=1 << 20) as conn,
        ):
            found = ctx.run_udf(ctx.make_acquisition(conn), SumSigUDF())["intensity"].data

        assert np.array_equal(found, array.sum((2, 3)))


class TestRefusals:
    """What is no detector's data is refused in words."""

    @pytest.mark.parametrize(
        ("data", "how", "words"),
        [
            (np.zeros((2, 3, 4), complex), {}, "holds no frames"),
            (np.zeros((3, 4)), {}, "holds no frames"),
            (np.zeros((2, 3, 4)), {"arrivals": [2]}, "numbered from 0 to 1"),
            (np.zeros((2, 3, 4)), {"extra_kwargs": {"tiles": 1}}, "'tiles' is not known"),
            (np.zeros((2, 3, 4)), {"tiles": 1}, "memory settings"),
        ],
    )
    def test_in_words(self, ctx, data, how, words):
        with pytest.raises(ParameterError, match=words):
            ctx.make_connection("memory").open(data, **how)

    def test_a_pending_one_that_was_left(self, ctx):
        with ctx.make_connection("memory").open(np.zeros((2, 3, 4))) as conn:
            first = conn.wait_for_acquisition()
            second = conn.wait_for_acquisition()
            assert (first.series, second.series) == (1, 2)
            with pytest.raises(RunFailedError, match="series 1 is over"):
                ctx.run_udf(ctx.make_acquisition(conn, pending_aq=first), SumSigUDF())
        assert conn.next_pending(0) is None
