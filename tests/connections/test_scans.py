"""How the scan runs may be said of an acquisition, in every way that it may of a file."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.analyses.sumsig import SumSigUDF
from framefold.api import Context
from framefold.connections import Hooks

FLAT = np.random.default_rng(4).integers(0, 1000, (44, 4, 4)).astype(np.uint16)
SUMS = FLAT.sum((1, 2))


@pytest.fixture(scope="module")
def ctx():
    with Context.inline() as made:
        yield made


def sums(ctx, hooks=None, **scan):
    with ctx.make_connection("memory").open(FLAT) as conn:
        aq = ctx.make_acquisition(conn, hooks=hooks, **scan)
        return ctx.run_udf(aq, SumSigUDF())["intensity"].data


class TestScans:
    """The same frames, at other positions."""

    def test_flyback_and_lead_in(self, ctx):
        found = sums(ctx, nav_shape=(-1, 8), flyback=2, lead_in=4)

        assert (found == SUMS[4:].reshape(4, 10)[:, :8]).all()

    def test_snake(self, ctx):
        wanted = SUMS.reshape(4, 11).copy()
        wanted[1::2] = wanted[1::2, ::-1]

        assert (sums(ctx, nav_shape=(4, -1), scan_order="snake") == wanted).all()

    def test_several_frames_at_each_position(self, ctx):
        found = sums(ctx, nav_shape=(2, 11), frames_per_position=2)

        assert (found == SUMS.reshape(2, 11, 2)).all()

    def test_a_table(self, ctx):
        table = np.random.default_rng(1).permutation(44)
        found = sums(ctx, nav_shape=(11, 4), positions=table)

        assert (found.reshape(-1)[table] == SUMS).all()

    def test_the_shape_of_a_hook(self, ctx):
        class Knows(Hooks):
            def on_determine_nav_shape(self, env):
                assert env.nimages == 44
                return (4, 10)

        found = sums(ctx, Knows(), nav_shape=(-1, 10), flyback=1)

        assert (found == SUMS.reshape(4, 11)[:, :10]).all()
