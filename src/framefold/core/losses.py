"""Losses: what was counted between detector and result, for tests, logs, status and files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Losses:
    """Counts of frames by what became of them [frames], and of damaged messages [messages].

    Parameters
    ----------
    received : int
        Frames that arrived and found their place, late ones included.
    missing : int
        Positions for which no frame came; known at the end.
    duplicate : int
        Frames whose position had already been received; the first one counts.
    corrupt : int
        Messages or frames that did not fit what they claimed, and were put aside on arrival.
    late : int
        Frames received out of order, after the frames around them had been handed out; they are
        in the results all the same.
    flyback : int
        Frames that the scan has no position for by its own rule: behind a line, in the lead-in,
        or skipped at the start.
    surplus : int
        Frames beyond the last one that the scan needs.
    undecodable : int
        Frames that arrived whole but could not be decoded.
    dropped : int
        Frames that were let go because there was no room for them.
    stale : int
        Frames of a series that was over already, or that was refused.
    set_aside : int
        Frames given up because working on them killed workers.
    """

    received: int = 0
    missing: int = 0
    duplicate: int = 0
    corrupt: int = 0
    late: int = 0
    flyback: int = 0
    surplus: int = 0
    undecodable: int = 0
    dropped: int = 0
    stale: int = 0
    set_aside: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Losses)))

    @property
    def nowhere(self) -> int:
        """Frames without a place in the scan: flyback and surplus."""
        return self.flyback + self.surplus

    @property
    def refused(self) -> int:
        """What was put aside on arrival: corrupt and stale."""
        return self.corrupt + self.stale

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)
