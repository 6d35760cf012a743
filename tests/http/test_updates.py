"""Requests that wait for a run leave nothing behind."""

from __future__ import annotations

import gc
import weakref

import pytest

from framefold.http.updates import Updates
from http_runs import FakeRun


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


async def test_a_run_that_was_watched_goes_when_nobody_needs_it(no_collector):
    """At once: results that wait for the collector of rings add up to much memory."""
    updates = Updates()
    run = FakeRun()
    gone = weakref.ref(run)

    await updates.until(run, lambda snapshot: snapshot.version > 1, within=0.01)
    assert updates.watched == 0
    del run

    assert gone() is None
