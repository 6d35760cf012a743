"""Faults: what goes wrong between a detector and us, on purpose and repeatably."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Order = range | NDArray[np.int64]
"""Frame numbers, one after the other."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What to do to the image messages of a series; headers and ends are left alone.

    Parameters
    ----------
    shuffle : int or None
        Seed of the order in which frames are sent; in order when None.
    drop, duplicate, truncate, corrupt : float
        Probabilities that a message is left out, sent twice, cut short, or has bytes changed.
    seed : int
        Same seed, same faults.
    """

    shuffle: int | None = None
    drop: float = 0.0
    duplicate: float = 0.0
    truncate: float = 0.0
    corrupt: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("drop", "duplicate", "truncate", "corrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, not a probability")

    def order(self, frames: int) -> Order:
        """Frame numbers in the order in which to send them."""
        if self.shuffle is None:
            return range(frames)  # may be thousands of millions: that is how people say endless
        return np.random.default_rng(self.shuffle).permutation(frames)

    def applied(self, messages: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
        """Image messages as they arrive at the other end.

        Parameters
        ----------
        messages : iterable of list of bytes
            Whole messages, each a list of parts.

        Yields
        ------
        list of bytes
            The parts of the next message that comes through.
        """
        chances = (self.drop, self.duplicate, self.truncate, self.corrupt)
        if not any(chances):
            yield from messages
            return
        rng = np.random.default_rng((self.seed, 3))
        for message in messages:
            # drawn for every message alike, so that one kind of fault does not move the others
            drop, duplicate, truncate, corrupt = rng.random(4) < chances
            where, what = rng.random(2)
            parts = list(message)
            longest = max(range(len(parts)), key=lambda i: len(parts[i]))
            if truncate:
                parts[longest] = parts[longest][: int(where * len(parts[longest]))]
            if corrupt and parts[longest]:
                damaged = bytearray(parts[longest])
                damaged[int(where * len(damaged))] ^= 1 + int(what * 255)
                parts[longest] = bytes(damaged)
            if not drop:
                yield parts
                if duplicate:
                    yield parts
