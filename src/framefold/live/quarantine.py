"""Quarantine: the last messages that made no sense, kept so that somebody may look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from framefold.errors import ProtocolError
from framefold.protocols.events import Part

KEPT = 16
"""Messages that are kept."""

KEPT_BYTES = 4096
"""Of each part: what says what it is stands at its beginning [bytes]."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that was refused, the first of its kind in its series.

    Parameters
    ----------
    kind : str
        What was wrong, for programs.
    detail : str
        The same for people.
    parts : tuple of bytes
        Its parts, each cut to `KEPT_BYTES`; none for frames that had no room for a reason.
    lengths : tuple of int
        How long they were [bytes].
    """

    kind: str
    detail: str
    parts: tuple[bytes, ...]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, error: ProtocolError, parts: Sequence[Part]) -> Quarantined:
        """A copy of a message, and why it was refused."""
        # a protocol that makes messages itself may have parts of any kind
        parts = [part for part in parts if isinstance(part, Part)]  # type: ignore[redundant-expr]
        views = [memoryview(part) for part in parts]
        kept = tuple(bytes(view[:KEPT_BYTES]) for view in views)
        return cls(error.kind, error.detail, kept, tuple(view.nbytes for view in views))
