"""Lags: how long the last block was underway in each stage, from its slot to what viewers see."""

from __future__ import annotations

from framefold.core.block import Block
from framefold.engine.worker import BlockResult


class Lags:
    """Keeps the last value of each stage [s]; all times are of the machine's monotonic clock.

    ``slot``: from the first frame of a block to its sealing; ``queue``: until a worker begins with
    it; ``work``: decoding and UDFs; ``merge``: until it is merged; ``published``: from the first
    merge that no snapshot showed to the snapshot that does.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}  # written by: folding thread
        self._unseen: float | None = None

    def folded(self, block: Block, result: BlockResult, now: float) -> None:
        """A block is merged."""
        found = self._seconds
        # blocks of a stream know when they were begun and sealed
        opened, sealed = getattr(block, "opened", 0.0), getattr(block, "sealed", 0.0)
        if sealed:
            found["slot"] = max(0.0, sealed - opened) if opened else 0.0
            found["queue"] = max(0.0, result.began - sealed)
        found["work"] = result.ended - result.began
        found["merge"] = max(0.0, now - result.ended)
        if self._unseen is None:
            self._unseen = now

    def pictured(self, now: float) -> None:
        """A snapshot shows everything that is merged."""
        if self._unseen is not None:
            self._seconds["published"] = now - self._unseen
            self._unseen = None

    def as_dict(self) -> dict[str, float]:
        """The last value of each stage that was passed [s]."""
        return {f"lag_{stage}_s": round(value, 6) for stage, value in self._seconds.copy().items()}
