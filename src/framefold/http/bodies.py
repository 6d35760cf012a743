"""Encoded bodies: made once, in a thread, for everybody who asks for the same thing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable

# what a server keeps although nobody may ask again [bytes]
_KEPT_BYTES = 16 << 20

# what the key of a body and the rest of an entry take beside it [bytes]
_ENTRY_BYTES = 1024

# two at a time: encoding must leave the cores to those who fold
_ENCODERS = 2


class Bodies:
    """A small cache of encoded bodies, the least recently used going first.

    Parameters
    ----------
    kept_bytes : int
        How much is kept in all [bytes]; a body of more than a quarter of it is not.
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._making: dict[Hashable, asyncio.Task[bytes]] = {}
        self._encoders = asyncio.Semaphore(_ENCODERS)
        self.hits = 0
        self.made = 0

    async def get(self, key: Hashable, encode: Callable[[], bytes]) -> bytes:
        """The body of that key, encoded now unless it is there or on its way.

        Parameters
        ----------
        key : hashable
            Everything that the body depends on, its version included.
        encode : callable
            Makes it; runs in a thread. What it raises reaches everybody who waits for it.
        """
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            self.hits += 1
            return kept
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, encode))
            self._making[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        else:
            self.hits += 1
        # a client that goes away must not take the body from the others
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, encode: Callable[[], bytes]) -> bytes:
        async with self._encoders:
            body = await asyncio.to_thread(encode)
        self.made += 1
        self._keep(key, body)
        return body

    def _finished(self, key: Hashable, task: asyncio.Task[bytes]) -> None:
        self._making.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, even if all who asked have gone

    def _keep(self, key: Hashable, body: bytes) -> None:
        if len(body) > self._kept_bytes // 4:
            return
        self._kept[key] = body
        self._size += _ENTRY_BYTES + len(body)
        while self._size > self._kept_bytes:
            self._size -= _ENTRY_BYTES + len(self._kept.popitem(last=False)[1])
