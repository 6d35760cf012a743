"""EarlyFrames: frames whose header has not come, kept until it does or it will not. No I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from framefold.protocols.events import Arrived

MOST_FRAMES = 1024
MOST_BYTES = 64 << 20
"""How much is kept: a header is at most overtaken by a few frames."""


class EarlyFrames:
    """Frames of one series that came before anything was known of it."""

    def __init__(self) -> None:
        self.series: str | None = None
        self._frames: deque[Arrived] = deque()
        self._bytes = 0

    def keep(self, frame: Arrived) -> bool:
        """Keep a copy of a frame; one of another series takes the place of all before.

        Returns
        -------
        bool
            Whether there is room for more.
        """
        if frame.series != self.series:
            self.clear()
            self.series = frame.series
        # what it came in is used again for the next messages
        self._frames.append(replace(frame, payload=memoryview(bytes(frame.payload))))
        self._bytes += frame.payload.nbytes
        return len(self._frames) < MOST_FRAMES and self._bytes < MOST_BYTES

    def taken(self) -> list[Arrived]:
        """All that were kept, in the order in which they came; none are left."""
        frames = list(self._frames)
        self.clear()
        return frames

    def clear(self) -> int:
        """Forget them; how many they were."""
        count = len(self._frames)
        self._frames.clear()
        self._bytes, self.series = 0, None
        return count

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def frames(self) -> int:
        """One more than the highest number among them."""
        return 1 + max((frame.frame for frame in self._frames), default=-1)
