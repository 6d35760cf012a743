"""Detector languages, sans I/O: message parts in, events out; one file each."""

from __future__ import annotations

from framefold.errors import ProtocolError
from framefold.protocols.base import WireProtocol
from framefold.protocols.events import Arrived, Ended, Event, Part, Started
from framefold.registry import Registry

__all__ = ["Arrived", "Ended", "Event", "Part", "Started", "WireProtocol", "protocols", "recognise"]

protocols = Registry(
    "protocol",
    {
        "simplon-v1": "framefold.protocols.simplon_v1:SimplonV1",
        "simplon-v2": "framefold.protocols.simplon_v2:SimplonV2",
        "jungfraujoch": "framefold.protocols.jungfraujoch:Jungfraujoch",
        "merlin": "framefold.protocols.merlin:Merlin",
        "plain": "framefold.protocols.plain:Plain",
    },
    "framefold.protocols",
)


def recognise(first_part: Part, channel: str | None = None) -> WireProtocol:
    """A new protocol object for a connection whose first message begins with this part.

    Parameters
    ----------
    first_part : bytes or memoryview
        First part of the first message.
    channel : str or None
        Which of several images in a message to take; the first one by default.

    Raises
    ------
    ProtocolError
        ``"unknown-protocol"`` if no known language begins so.
    """
    languages = [protocols.load(name) for name in protocols.names()]
    best = max(languages, key=lambda language: language.certainty(first_part))
    if best.certainty(first_part):
        found: WireProtocol = best(channel=channel)
        return found
    start = bytes(first_part[:16]).hex(" ") or "nothing"
    known = ", ".join(protocols.names())
    raise ProtocolError("unknown-protocol", f"a message that begins with {start} (known: {known})")
