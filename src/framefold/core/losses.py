"""Losses: what was counted between detector and result, for tests, logs, status and files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Losses:
    """Counts of frames by what became of them [frames], and of refused messages [messages].

    Parameters
    ----------
    received : int
        Frames that arrived and found their place.
    duplicate : int
        Frames whose position had already been received; the first one counts.
    nowhere : int
        Frames without a place in the scan: before its start, or beyond its end.
    refused : int
        Messages or frames that did not fit what they claimed, and were put aside on arrival.
    undecodable : int
        Frames that arrived whole but could not be decoded.
    set_aside : int
        Frames given up because working on them killed workers.
    missing : int
        Positions for which no frame came; known at the end.
    """

    received: int = 0
    duplicate: int = 0
    nowhere: int = 0
    refused: int = 0
    undecodable: int = 0
    set_aside: int = 0
    missing: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Losses)))

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)
