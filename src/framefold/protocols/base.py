"""WireProtocol: a detector's language, parts in and events out; no socket, clock or thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from framefold.errors import ProtocolError
from framefold.protocols.batch import ImagePattern
from framefold.protocols.events import Event, Part

MAX_PIXELS = 2**31
"""More pixels than this in one frame is nonsense, not a detector."""

MAX_FRAME = 2**53
"""Frame numbers beyond this no longer survive JSON readers that keep numbers as doubles."""


class WireProtocol(ABC):
    """One detector language; an object serves one connection and remembers little.

    Parameters
    ----------
    channel : str or None
        Which of several images in a message to take; the first one by default.
    """

    name: ClassVar[str]
    transport: ClassVar[str] = "auto"
    """How its messages travel, unless told otherwise; see `framefold.live.connecting`."""

    def __init__(self, channel: str | None = None) -> None:
        self.channel = channel

    @classmethod
    @abstractmethod
    def understands(cls, first_part: Part) -> bool:
        """Whether a message that begins with this part may be of this language."""

    @classmethod
    def certainty(cls, first_part: Part) -> int:
        """How sure it is that a message that begins with this part is of this language.

        Returns
        -------
        int
            0 if it is not, or of a relative that is better known; 1 if it may be; 2 if it can be
            of no other.
        """
        return int(cls.understands(first_part))

    @property
    def pattern(self) -> ImagePattern | None:
        """What the images of the series at hand have in common, for reading many at a time.

        None while it is not known, which is for ever where a language offers no such thing.
        """
        return None

    @abstractmethod
    def feed(self, parts: Sequence[Part]) -> tuple[Event, ...]:
        """What one message tells.

        Parameters
        ----------
        parts : sequence of bytes or memoryview
            The parts of one message, in order.

        Returns
        -------
        tuple of Started, Arrived or Ended
            Often one event, sometimes none.

        Raises
        ------
        ProtocolError
            If the message cannot be used; the object stays usable for the next one.
        """


def checked_count(value: object, name: str, limit: int = MAX_FRAME) -> int:
    """``value`` as a whole number from 0 to ``limit``; floats that are whole will do.

    Raises
    ------
    ProtocolError
        ``"bad-value"``, naming ``name``.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
        raise ProtocolError(
            "bad-value", f"{name} is {shown(value)}, not a number from 0 to {limit}"
        )
    return value


def checked_shape(height: object, width: object) -> tuple[int, int]:
    """(rows, columns) if a detector may have them.

    Raises
    ------
    ProtocolError
        ``"bad-shape"`` if a side is not a positive number or there are too many pixels.
    """
    try:
        h = checked_count(height, "height", MAX_PIXELS)
        w = checked_count(width, "width", MAX_PIXELS)
    except ProtocolError as error:
        raise ProtocolError("bad-shape", error.detail) from error
    if not 0 < h * w <= MAX_PIXELS:
        raise ProtocolError("bad-shape", f"{h} rows of {w} pixels; at most {MAX_PIXELS} in all")
    return h, w


def shown(value: object) -> str:
    """``value`` as text for an error message, however long or odd it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of many thousand digits; a deep nest
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def seconds(value: object) -> float | None:
    """``value`` as a time [s] if it is a positive number, else None."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12:
        return float(value)
    return None
