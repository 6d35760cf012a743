"""Many messages at once: where they lie, and which of them are images of the series at hand.

A protocol reads one message at a time, and that is what a message means. On top of that it may
offer an `ImagePattern`, learnt from an image it has read, that knows further images of the same
series by their bytes, many in one call and without a Python object for each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.protocols.events import Arrived


@dataclass(frozen=True, slots=True)
class Messages:
    """Complete messages that lie in one piece of memory.

    Parameters
    ----------
    memory : ndarray of uint8
        What they lie in. It is used again: nothing of it may be kept.
    first : ndarray of int64, shape (messages + 1,)
        The row in ``parts`` where each message begins, and where the last one ends.
    parts : ndarray of int64, shape (n, 2)
        Offset and length of each part [bytes].
    """

    memory: NDArray[np.uint8]
    first: NDArray[np.int64]
    parts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first) - 1

    def copied(self, number: int) -> list[bytes]:
        """The parts of one message, as bytes that may be kept."""
        rows = self.parts[self.first[number] : self.first[number + 1]].tolist()
        return [self.memory[start : start + size].tobytes() for start, size in rows]


@dataclass(frozen=True, slots=True)
class Images:
    """Images that lie in one piece of memory, in the order in which they came.

    Parameters
    ----------
    like : Arrived
        What they have in common; number and payload mean nothing.
    memory : ndarray of uint8
        What they lie in; nothing of it may be kept.
    frames : ndarray of int64, shape (n,)
        Their numbers.
    offsets, lengths : ndarray of int64, shape (n,)
        Where their encoded pixels lie in ``memory`` [bytes].
    """

    like: Arrived
    memory: NDArray[np.uint8]
    frames: NDArray[np.int64]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frames)

    def single(self, number: int) -> Arrived:
        """One of them as the protocol would tell of it; the payload is a view of ``memory``."""
        like, start = self.like, int(self.offsets[number])
        payload = self.memory.data[start : start + int(self.lengths[number])]
        return Arrived(
            like.series,
            int(self.frames[number]),
            payload,
            like.encoding,
            like.sig_shape,
            like.dtype,
        )


class ImagePattern(ABC):
    """What all images of a series have in common, bytes and meaning.

    Parameters
    ----------
    like : Arrived
        An image of the series; its number and its payload do not count.
    """

    def __init__(self, like: Arrived) -> None:
        self.like = Arrived(
            like.series, 0, memoryview(b""), like.encoding, like.sig_shape, like.dtype
        )

    @abstractmethod
    def images(self, messages: Messages) -> Images:
        """The messages at the front that are images of the series.

        Parameters
        ----------
        messages : Messages

        Returns
        -------
        Images
            For the first messages, as many as it is sure of: none that `WireProtocol.feed`
            would not read in exactly this way. It stops at the first other one.
        """
