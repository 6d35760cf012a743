"""PastCache: appends to a file past the kernel's page cache, as long as the disk keeps up.

What a recorder writes nobody reads for a while. Copying it into pages of the kernel, and finding
these, costs 3 to 25 us for 16 kB, and takes the memory from other files; a copy into one buffer
that the disk fetches from costs less than 1 us (Linux 6, ext4, NVMe behind a hypervisor).
But the page cache takes bursts that are faster than the disk. So whoever writes looks at the pace.
"""

from __future__ import annotations

import errno
import logging
import mmap
import os
import time
from collections.abc import Sequence
from pathlib import Path

from framefold.record.disk_pace import DiskPace
from framefold.record.whole_writes import write_at

log = logging.getLogger(__name__)

PAGE = 4096
"""What is written past the cache begins and ends at multiples of that [bytes]."""

LEAST_BYTES = 1 << 20
"""Less than that is not worth waiting for the disk [bytes]."""

_ROOM_BYTES = 1 << 22


class PastCache:
    """Appends to one file; what is not whole pages goes through the cache.

    No page is ever written both ways, so that what is in the cache and what is on the disk cannot
    differ. All that `write` was given is the kernel's, or the disk's, when it returns.

    Parameters
    ----------
    path : Path
        The file.
    descriptor : int
        The same file, open for writing through the cache; stays the caller's.
    pace : DiskPace
        Whether the disk keeps up; shared by all files of a recording.
    """

    def __init__(self, path: Path, descriptor: int, pace: DiskPace) -> None:
        self._cached = descriptor
        self._pace = pace
        self._room: mmap.mmap | None = None  # memory that begins with a page
        self._direct: int | None = None
        try:
            self._direct = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_DIRECT)
        except OSError as error:
            log.info("all goes through the page cache file=%s error=%s", path, error)

    def write(self, pieces: Sequence[bytes | memoryview], at: int) -> int:
        """Write pieces behind one another.

        Parameters
        ----------
        pieces : sequence of bytes or memoryview
        at : int
            Where the first one goes: the end of what was written [bytes].

        Returns
        -------
        int
            The place behind the last one [bytes].

        Raises
        ------
        OSError
            If the disk is full, or gone; some of it may be written then.
        """
        if self._direct is None or not self._pace.keeps_up or _length(pieces) < LEAST_BYTES:
            return write_at(self._cached, pieces, at)
        if self._room is None:
            self._room = mmap.mmap(-1, _ROOM_BYTES)
        room = memoryview(self._room)
        fill = at % PAGE
        first, base = fill, at - fill  # of what is in the room: its first byte, the room's place
        for piece in pieces:
            data = memoryview(piece).cast("B")
            while data:
                step = min(len(data), _ROOM_BYTES - fill)
                room[fill : fill + step] = data[:step]
                data = data[step:]
                fill += step
                if fill == _ROOM_BYTES:
                    self._store(room, base, first, fill)
                    base, first, fill = base + fill, 0, 0
        self._store(room, base, first, fill)
        return base + fill

    def _store(self, room: memoryview, base: int, first: int, stop: int) -> None:
        """Write what is in the room: pages past the cache, what is before and behind them not."""
        low, high = -(-first // PAGE) * PAGE, stop // PAGE * PAGE
        if low >= high or self._direct is None:
            write_at(self._cached, [room[first:stop]], base + first)
            return
        write_at(self._cached, [room[first:low]], base + first)
        done = self._past(room[low:high], base + low)
        write_at(self._cached, [room[low + done : stop]], base + low + done)

    def _past(self, pages: memoryview, at: int) -> int:
        """Write pages past the cache; how many bytes of them."""
        began = time.monotonic()
        done = 0
        step = PAGE
        while step and done < len(pages) and self._direct is not None:
            try:
                # less than a page is left to the cache: it will say what is wrong
                step = os.pwrite(self._direct, pages[done:], at + done) // PAGE * PAGE
                done += step
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                log.info("all goes through the page cache error=%s", error)
                self.close()
        self._pace.took(done, began, time.monotonic())
        return done

    def close(self) -> None:
        """Give back what this has opened."""
        if self._direct is not None:
            os.close(self._direct)
        self._direct = self._room = None


def _length(pieces: Sequence[bytes | memoryview]) -> int:
    return sum(map(len, pieces))
