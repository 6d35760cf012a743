"""Report: where the time of a run went, by UDF and hook; always kept, nearly free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape

from framefold.core.tally import SHARED, Key, Spent

EVERYBODY = "all"
"""Owner of what all UDFs of a run share."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Time spent by one owner on one thing.

    Parameters
    ----------
    owner : str
        Name of the UDF, or ``"all"``.
    what : str
        The hook, or the step: ``read and decode``, ``correct``, ``convert``, ``idle`` ...
    count : int
        How often.
    seconds : float
        In all, over all workers [s].
    longest : float
        The longest single time [s].
    """

    owner: str
    what: str
    count: int
    seconds: float
    longest: float


@dataclass(frozen=True, slots=True)
class Report:
    """Where the time of a run went.

    Parameters
    ----------
    lines : tuple of ReportLine
        The most expensive first.
    seconds : float
        How long the run took, by the wall [s].
    frames : int
        Frames in the results.
    pixel_bytes : int
        Decoded pixels that were read [bytes].
    """

    lines: tuple[ReportLine, ...]
    seconds: float
    frames: int
    pixel_bytes: int

    @classmethod
    def of(
        cls,
        spent: Mapping[Key, Spent],
        names: Sequence[str],
        *,
        seconds: float,
        frames: int,
        frame_bytes: int,
    ) -> Report:
        """A report from tallied times.

        Parameters
        ----------
        spent : mapping of (int, str) to Spent
            Times by number of the UDF and hook.
        names : sequence of str
            What the UDFs are called.
        seconds : float
            How long the run took [s].
        frames : int
            Frames in the results.
        frame_bytes : int
            One decoded frame [bytes].
        """
        lines = [
            ReportLine(
                EVERYBODY if owner == SHARED else names[owner],
                what,
                one.count,
                one.total_ns / 1e9,
                one.longest_ns / 1e9,
            )
            for (owner, what), one in spent.items()
        ]
        lines.sort(key=lambda line: -line.seconds)
        return cls(tuple(lines), seconds, frames, frames * frame_bytes)

    def as_dict(self) -> dict[str, object]:
        """The report as plain values, for JSON."""
        return {
            "seconds": self.seconds,
            "frames": self.frames,
            "pixel_bytes": self.pixel_bytes,
            "lines": [asdict(line) for line in self.lines],
        }

    def __str__(self) -> str:
        rate = self.frames / self.seconds if self.seconds else 0.0
        giga = self.pixel_bytes / self.seconds / 1e9 if self.seconds else 0.0
        head = (
            f"{self.frames} frames in {self.seconds:.3f} s: "
            f"{rate:.0f} frames/s, {giga:.2f} GB/s of pixels"
        )
        rows = [
            f"{line.owner:16} {line.what:20} {line.count:8d} {line.seconds:9.3f} s "
            f"{line.longest * 1e3:9.3f} ms longest"
            for line in self.lines
        ]
        return "\n".join([head, *rows])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(line.owner)}</td><td>{escape(line.what)}</td>"
            f"<td>{line.count}</td><td>{line.seconds:.3f}</td>"
            f"<td>{line.longest * 1e3:.3f}</td></tr>"
            for line in self.lines
        )
        return (
            f"<p>{self.frames} frames in {self.seconds:.3f} s</p><table>"
            "<tr><th>UDF</th><th>what</th><th>count</th><th>total [s]</th>"
            f"<th>longest [ms]</th></tr>{rows}</table>"
        )
