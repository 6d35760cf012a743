"""A client of an application around a run that tests can move on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from framefold.http.app import make_app
from http_runs import FakeHistory, FakeRun


@pytest.fixture
def run() -> Iterator[FakeRun]:
    made = FakeRun()
    yield made
    made.folding.shutdown(wait=True)


@pytest.fixture
def new_run() -> Callable[[str], FakeRun]:
    return FakeRun


@pytest.fixture
def history(run: FakeRun) -> FakeHistory:
    return FakeHistory(run)


@pytest.fixture
async def client(history: FakeHistory) -> AsyncIterator[TestClient]:
    app = make_app(
        history,
        lambda: {"source": {"state": "listening", "rate": float("inf")}},
        max_response_bytes=20_000,
        page_title="<Lab> & Co",
    )
    server = TestServer(
        app
    )  # which cancels the handlers of clients that go away, as serving() does
    await server.start_server()
    async with TestClient(server) as made:
        yield made
