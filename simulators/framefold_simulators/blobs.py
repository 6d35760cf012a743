"""Blobs: encoded frames, made when first asked for and kept."""

from __future__ import annotations

import math
from collections import OrderedDict

from framefold_simulators.encode import BLOCK_BYTES, encoded
from framefold_simulators.sources import Source

_BATCH = 64  # frames encoded together
_KEPT_BYTES = 1 << 30


class Blobs:
    """The encoded frames of a source, by frame number.

    Parameters
    ----------
    source : Source
        The frames.
    codec : str
        A name that `encoded` knows.
    pool : int or None
        Use only so many distinct frames, again and again, and encode them at once; by default
        every position has its own, encoded when first sent.
    block_bytes : int
        Uncompressed block length [bytes].
    """

    def __init__(
        self,
        source: Source,
        codec: str,
        pool: int | None = None,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        frames = math.prod(source.scan)
        self.distinct = frames if pool is None else max(1, min(pool, frames))
        self._source = source
        self._codec = codec
        self._block_bytes = block_bytes
        self._batches: OrderedDict[int, list[bytes]] = OrderedDict()
        self._bytes = 0
        if pool is not None:
            for first in range(0, self.distinct, _BATCH):
                self._batch(first // _BATCH)

    def __getitem__(self, frame: int) -> bytes:
        """The blob of a frame; numbers beyond the scan begin again."""
        position = frame % self.distinct
        return self._batch(position // _BATCH)[position % _BATCH]

    def _batch(self, number: int) -> list[bytes]:
        found = self._batches.get(number)
        if found is None:
            first = number * _BATCH
            frames = self._source.frames(first, min(_BATCH, self.distinct - first))
            found = list(encoded(frames, self._codec, self._block_bytes))
            self._batches[number] = found
            self._bytes += sum(map(len, found))
            while self._bytes > _KEPT_BYTES and len(self._batches) > 1:
                _, oldest = self._batches.popitem(last=False)
                self._bytes -= sum(map(len, oldest))
        return found
