"""The model of the live line, on cases whose outcome is known without it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scaling_model import Costs, Layout, bounds, layouts, simulate

COSTS = Costs(
    sender_us=5,
    receiver_us=4,
    worker_us=50,
    worker_block_us=200,
    main_block_us=100,
    frame_bytes=11_000,
    memory_bytes_s=1e11,
)
ROOMY = Layout(cores=64, workers=8)


def test_one_worker_is_the_limit():
    found = simulate(COSTS, replace(ROOMY, workers=1))
    assert found.frames_s == pytest.approx(1e6 / (50 + 200 / 64), rel=0.02)
    assert found.busiest == "worker"
    assert found.busy["worker"] > 0.98


def test_workers_add_up():
    one, eight = (simulate(COSTS, replace(ROOMY, workers=n)).frames_s for n in (1, 8))
    assert eight == pytest.approx(8 * one, rel=0.05)


def test_then_the_receiver_is():
    found = simulate(COSTS, replace(ROOMY, workers=40))
    assert found.frames_s == pytest.approx(1e6 / 4, rel=0.05)
    assert found.busiest == "receiver"


def test_two_receivers_share_every_block():
    found = simulate(COSTS, replace(ROOMY, workers=40, receivers=2))
    assert found.frames_s == pytest.approx(2e6 / 4, rel=0.05)


def test_then_the_main_process_is():
    costs = replace(COSTS, main_block_us=1000)
    found = simulate(costs, replace(ROOMY, workers=40))
    assert found.frames_s == pytest.approx(1e6 / (1000 / 64), rel=0.05)
    assert found.busiest == "main"


def test_two_cores_for_everybody():
    layout = Layout(cores=2, workers=2, remote_sender=False)
    found = simulate(COSTS, layout)
    assert found.frames_s == pytest.approx(bounds(COSTS, layout)["cores"], rel=0.05)


def test_memory_slows_everybody():
    costs = replace(COSTS, memory_bytes_s=1e9)
    found = simulate(costs, replace(ROOMY, workers=40))
    assert found.frames_s == pytest.approx(1e9 / 33_000, rel=0.05)


def test_a_slow_wire():
    found = simulate(COSTS, replace(ROOMY, wire_bytes_s=1.25e8))
    assert found.frames_s == pytest.approx(1.25e8 / 11_000, rel=0.05)
    assert found.busiest == "wire"


def test_a_ring_of_one_slot_is_no_pipeline():
    found = simulate(COSTS, replace(ROOMY, slots=1))
    block_us = 64 * (4 + 50) + 200 + 100
    assert found.frames_s == pytest.approx(64e6 / block_us, rel=0.02)


def test_layouts_end_with_all_cores():
    assert [one.workers for one in layouts(16)] == [1, 2, 4, 8, 14]
    assert [one.workers for one in layouts(16, receivers=2)][-1] == 13


@settings(max_examples=60, deadline=None)
@given(
    costs=st.builds(
        Costs,
        *(st.floats(0.5, 500) for _ in range(5)),
        st.floats(100, 1e6),
        st.floats(1e9, 1e12),
    ),
    layout=st.builds(
        Layout,
        st.integers(1, 20),
        st.integers(1, 20),
        st.integers(1, 3),
        st.integers(1, 256),
        st.integers(1, 64),
        st.booleans(),
        st.floats(1e8, 1e11),
    ),
)
def test_never_faster_than_any_bound(costs, layout):
    found = simulate(costs, layout, blocks=40)
    assert found.frames_s <= min(bounds(costs, layout).values()) * 1.000001
    assert all(0 <= share <= 1.000001 for share in found.busy.values())
