"""KeptSlots: slots that were processed and stay a while, for whoever looks at a frame. No I/O."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from framefold.live.block import SlotBlock

SHARE = 2
"""No more than one of so many slots is kept from the receiver, full or not."""

Key = tuple[int, int]  # series, and number of the block in it


class KeptSlots:
    """Which slots of a ring can be looked into, and which may be filled again.

    Every method that could free slots gives their numbers; the caller tells the receiver.

    Parameters
    ----------
    most_bytes : int
        How much is kept at most, of what frames take in their slots [bytes].
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        # held by: whoever changes anything of the following
        self._changed = threading.Condition()
        self._out: dict[Key, SlotBlock] = {}  # with processing
        self._kept: dict[Key, SlotBlock] = {}  # came back
        self._due: dict[Key, SlotBlock] = {}  # to be freed as soon as nobody looks
        self._kept_bytes = 0
        self._looks: Counter[Key] = Counter()
        self._recalled = False
        self._closed = False

    def begin(self) -> None:
        """A series begins: slots of the ring as it is cut now may be kept."""
        with self._changed:
            self._recalled = False

    def hand_out(self, series: int, block: SlotBlock) -> None:
        """A block goes to processing."""
        with self._changed:
            self._out[series, block.ident] = block

    def take_back(self, series: int, block: SlotBlock, slots: int) -> list[int]:
        """A block comes back; the slots that are free now.

        Parameters
        ----------
        series : int
        block : SlotBlock
        slots : int
            How many the ring has.
        """
        with self._changed:
            key = (series, block.ident)
            self._out.pop(key, None)
            self._kept[key] = block
            self._kept_bytes += block.used
            if self._recalled or self._closed:
                return self._freed(0, 0)
            return self._freed(slots // SHARE, self._most_bytes)

    @property
    def count(self) -> int:
        """How many came back and are kept."""
        with self._changed:
            return len(self._kept) + len(self._due)

    def recall(self) -> list[int]:
        """The receiver wants all slots, to cut the ring anew; nothing more is kept until then."""
        with self._changed:
            self._recalled = True
            return self._freed(0, 0)

    def _freed(self, most_slots: int, most_bytes: int) -> list[int]:
        found = []
        while len(self._kept) > most_slots or self._kept_bytes > most_bytes:
            # by their numbers: an old block may come back late, after newer ones
            key = min(self._kept)
            block = self._kept.pop(key)
            self._kept_bytes -= block.used
            if self._looks[key]:
                self._due[key] = block
            else:
                found.append(block.slot)
        return found

    def look(self, series: int) -> list[SlotBlock]:
        """The blocks of a series that are there, the newest first; they stay until `leave`."""
        with self._changed:
            if self._closed:
                return []
            there = {**self._kept, **self._out}
            found = sorted((key for key in there if key[0] == series), reverse=True)
            self._looks.update(found)
            return [there[key] for key in found]

    def leave(self, series: int, blocks: Sequence[SlotBlock]) -> list[int]:
        """What was looked at may go; the slots that are free now."""
        found = []
        with self._changed:
            for block in blocks:
                key = (series, block.ident)
                self._looks[key] -= 1
                if self._looks[key]:
                    continue
                del self._looks[key]
                if key in self._due:
                    found.append(self._due.pop(key).slot)
            self._changed.notify_all()
        return found

    def close(self) -> None:
        """The ring goes away: wait for those who look into it, and let in nobody else."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._looks)
