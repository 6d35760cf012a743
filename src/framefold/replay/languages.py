"""The protocols that frames can be played in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from framefold.replay.merlin import as_merlin
from framefold.replay.played_series import PlayedSeries
from framefold.replay.simplon import as_plain, as_v1, as_v2

LANGUAGES: dict[str, Callable[[PlayedSeries], Iterator[Sequence[bytes]]]] = {
    "simplon-v1": as_v1,
    "simplon-v2": as_v2,
    "plain": as_plain,
    "merlin": as_merlin,
}
"""Protocol -> what makes its messages."""
