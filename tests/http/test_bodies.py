"""Encoded bodies: made once, kept within bounds, never lost to others by one who leaves."""

from __future__ import annotations

import asyncio
import threading

import pytest

from framefold.errors import ParameterError
from framefold.http.bodies import Bodies


class TestBodies:
    """One encoding for all who ask for the same thing."""

    async def test_those_who_ask_at_once_share_one_encoding(self):
        bodies = Bodies()
        made = await asyncio.gather(*(bodies.get("a", lambda: b"x") for _ in range(9)))

        assert set(made) == {b"x"}
        assert (bodies.made, bodies.hits) == (1, 8)

    async def test_one_who_leaves_does_not_take_it_from_the_others(self):
        bodies, go = Bodies(), threading.Event()

        def encode() -> bytes:
            go.wait(10)
            return b"x"

        leaver = asyncio.create_task(bodies.get("a", encode))
        other = asyncio.create_task(bodies.get("a", encode))
        await asyncio.sleep(0)  # both have asked
        leaver.cancel()
        go.set()

        assert await other == b"x"
        with pytest.raises(asyncio.CancelledError):
            await leaver

    async def test_an_error_reaches_all_and_is_not_kept(self):
        bodies = Bodies()

        def fail() -> bytes:
            raise ParameterError("no")

        for _ in range(2):
            with pytest.raises(ParameterError):
                await bodies.get("a", fail)
        assert await bodies.get("a", lambda: b"x") == b"x"

    async def test_what_is_kept_is_bounded_and_the_oldest_goes_first(self):
        bodies = Bodies(kept_bytes=4 * (25 + 1024))  # an entry takes something beside its body
        for name in "abcde":
            await bodies.get(name, lambda: bytes(25))
        await bodies.get("large", lambda: bytes(1050))
        made = bodies.made
        for name in "bcde":
            await bodies.get(name, lambda: bytes(25))

        assert bodies.made == made
        await bodies.get("large", lambda: bytes(1050))
        await bodies.get("a", lambda: bytes(25))
        assert bodies.made == made + 2
