"""DiskPace: whether a disk takes what comes without the page cache in between. No I/O."""

from __future__ import annotations

SURE_BYTES = 64 << 20
"""Nothing is concluded from less [bytes]."""

MARGIN = 1.25
"""So many times as fast as frames come a disk must be. One that holds everybody up seems to be just
as fast as frames come, since no more of them can."""


class DiskPace:
    """How fast a disk is while it is waited for, against how fast there is something to write."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._nbytes = 0
        self._seconds = 0.0
        self._keeps_up = True

    @property
    def keeps_up(self) -> bool:
        """False for good once it did not."""
        return self._keeps_up

    def took(self, nbytes: int, began: float, ended: float) -> None:
        """Some bytes were waited for.

        Parameters
        ----------
        nbytes : int
            How many [bytes].
        began, ended : float
            From when to when, by the same clock [s].
        """
        if self._began is None:
            self._began = began
        self._nbytes += nbytes
        self._seconds += ended - began
        if self._nbytes >= SURE_BYTES and self._seconds * MARGIN > ended - self._began:
            self._keeps_up = False
