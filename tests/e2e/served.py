"""A service that processes a detector's stream, the detector, and somebody who looks on."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from e2e.wires import wire
from framefold.build.service import Service
from framefold.config import make_config
from framefold_simulators.sender import Outlet

PATIENCE = 20.0
"""For how long a test waits for what must come [s]."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def array(self) -> NDArray[Any]:
        return np.load(io.BytesIO(self.body), allow_pickle=False)

    @property
    def tag(self) -> str:
        return str(self.headers["ETag"])


class Viewer:
    """Asks over HTTP."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self.address = address
        self._session = session

    async def get(self, path: str, **headers: str) -> Answer:
        """Ask once; underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.get(self.address.rstrip("/") + path, headers=named) as response:
            return Answer(response.status, response.headers, await response.read())

    async def patch(self, path: str, changes: Any, **headers: str) -> Answer:
        """Change something."""
        named = {"Content-Type": "application/merge-patch+json", **headers}
        url, body = self.address.rstrip("/") + path, json.dumps(changes)
        async with self._session.patch(url, data=body, headers=named) as response:
            return Answer(response.status, response.headers, await response.read())

    async def acquisition(self, ident: str = "latest") -> Any:
        """Where an acquisition stands; empty before the first."""
        answer = await self.get(f"/api/v1/acquisitions/{ident}")
        return answer.json if answer.status == 200 else {}

    async def until(self, reached: Any, ident: str = "latest") -> Any:
        """Ask again and again until an acquisition is where it should be."""
        deadline = time.monotonic() + PATIENCE
        while True:
            seen = await self.acquisition(ident)
            if seen and reached(seen):
                return seen
            assert time.monotonic() < deadline, seen

    async def until_recorded(self) -> Any:
        """Until the files of the newest acquisition are finished; how that went."""
        deadline = time.monotonic() + PATIENCE
        while True:
            state = (await self.get("/api/v1/status")).json["recording"]
            if state and state["state"] != "recording":
                return state
            assert time.monotonic() < deadline, state

    async def until_results_kept(self) -> Any:
        """Until the results of the newest acquisition are beside its files; how that went."""
        deadline = time.monotonic() + PATIENCE
        while True:
            state = (await self.get("/api/v1/status")).json["recording"]
            if state and state["results"]:
                return state
            assert time.monotonic() < deadline, state

    async def until_merged(self, frames: int, before: str = "") -> Any:
        """Until so many frames are in the results of an acquisition other than ``before``."""
        return await self.until(lambda seen: seen["id"] != before and seen["merged"] >= frames)


class Bench:
    """A detector that sends what the test says, when the test says so."""

    def __init__(self) -> None:
        self._outlet = Outlet()
        self._series = 0
        self._messages: list[list[bytes]] = []

    @property
    def endpoint(self) -> str:
        return self._outlet.endpoint

    async def announce(self, data: NDArray[Any], protocol: str = "simplon-v2") -> None:
        """Begin a series; returns when the header is on its way."""
        self._series += 1
        self._messages = wire(data, protocol, number=self._series)
        await self.send_raw(self._messages[0])

    async def send(self, first: int, last: int) -> None:
        """Send the frames from ``first`` up to ``last``, which is not sent."""
        await self.send_raw(*self._messages[1 + first : 1 + last])

    async def end(self) -> None:
        """End the series."""
        await self.send_raw(self._messages[-1])

    async def send_raw(self, *messages: list[bytes]) -> None:
        """Send any messages."""
        sent = await asyncio.to_thread(self._outlet.send, messages)
        assert sent == len(messages)

    def close(self) -> None:
        self._outlet.close(0)


@asynccontextmanager
async def serving(
    bench: Bench, announce_token: list[str] | None = None, **sections: Any
) -> AsyncIterator[Viewer]:
    """A service that runs as a whole, as ``framefold serve`` has it, on a free port.

    The token for control goes to ``announce_token``.
    """
    config = make_config(
        {
            "schema": 1,
            "server": {"port": 0},
            "workers": {"count": 2},
            "sources": {"bench": {"stream": bench.endpoint}},
            "logging": {"level": "ERROR"},
            **sections,
        }
    )
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    tokens: list[str] = [] if announce_token is None else announce_token
    running = asyncio.create_task(
        Service(config).run(
            announce=address.set_result, announce_token=lambda token, _: tokens.append(token)
        )
    )
    await asyncio.wait({running, address}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    try:
        async with aiohttp.ClientSession() as session:
            yield Viewer(address.result(), session)
    finally:
        running.cancel()
        await asyncio.wait({running})
