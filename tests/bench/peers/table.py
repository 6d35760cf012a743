"""Samples -> a markdown table: who is how fast, and whether that is what it is to be."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samples import Sample
from workloads import MORE_IS_BETTER, Row

HEAD = (
    "workload", "ours", "peer", "ratio", "loop", "ours/loop", "CPU ours", "CPU peer", "CPU ratio",
    "rounds", "foreign", "right", "asked", "reached",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of one row.

    Parameters
    ----------
    cells : tuple of str
        As printed.
    reached : bool or None
        Whether all that is asked is reached; None if something was not measured.
    """

    cells: tuple[str, ...]
    reached: bool | None


def pairs(ours: dict[int, float], others: dict[int, float]) -> list[tuple[float, float]]:
    """Values of the same round."""
    return [(ours[n], others[n]) for n in sorted(ours.keys() & others.keys())]


def ratio(both: Sequence[tuple[float, float]], more_is_better: bool) -> float | None:
    """How many times better the first ones are: the median over rounds."""
    if not both:
        return None
    return statistics.median(a / b if more_is_better else b / a for a, b in both)


def line(row: Row, samples: Sequence[Sample]) -> Line:
    """One row of the table from all samples."""

    def of(side: str, group: str, case: str) -> list[Sample]:
        return [s for s in samples if (s.side, s.group, s.case) == (side, group, case)]

    def values(found: list[Sample], metric: str) -> dict[int, float]:
        return {s.round: s.values[metric] for s in found if metric in s.values}

    ours, peer = (of(side, row.group, row.case) for side in ("ours", "peer"))
    loop = of("loop", *(row.loop or (row.group, row.case)))
    better = row.metric in MORE_IS_BETTER
    mine, theirs, plain = (values(found, row.metric) for found in (ours, peer, loop))
    against = ratio(pairs(mine, theirs), better)
    against_loop = ratio(pairs(mine, plain), better)
    cpu = [values(found, "cpu_us") for found in (ours, peer)]
    cpu_ratio = ratio(pairs(*cpu), more_is_better=False)
    asked = [f"{row.times:g}x"]
    verdicts: list[bool | None] = [None if against is None else against >= row.times]
    if row.at_most is not None:
        metric, limit = row.at_most
        found = values(ours, metric)
        asked.append(f"at most {limit:g} {_UNITS[metric]}")
        verdicts.append(statistics.median(found.values()) <= limit if found else None)
    if row.of_loop is not None:
        asked.append("faster than the loop" if row.of_loop == 1 else f"{row.of_loop:g} of the loop")
        verdicts.append(None if against_loop is None else against_loop >= row.of_loop)
    wrong = [s for s in ours if s.error or s.right is False]
    looked = [s for s in ours if s.right is not None]
    reached = None if None in verdicts else all(verdicts)
    if wrong:
        reached = False
    cells = (
        row.text,
        _median(mine, row.metric),
        _median(theirs, row.metric),
        "" if against is None else f"{against:.2f}",
        _median(plain, row.metric),
        "" if against_loop is None else f"{against_loop:.2f}",
        *(_median(one, "cpu_us") for one in cpu),
        "" if cpu_ratio is None else f"{cpu_ratio:.2f}",
        str(len(pairs(mine, theirs))),
        f"{max((s.foreign_s for s in (*ours, *peer, *loop)), default=0):.2f} s",
        wrong[0].error or "NO" if wrong else "yes" if looked else "",
        ", ".join(asked),
        {True: "yes", False: "no", None: ""}[reached],
    )
    return Line(cells, reached)


_UNITS = {
    "fps": "frames/s", "gbps": "GB/s", "latency_ms": "ms", "stream_ms": "ms", "pss_mb": "MB",
    "us_frame": "us a frame", "cpu_us": "us CPU a frame",
}  # fmt: skip


def _median(found: dict[int, float], metric: str) -> str:
    if not found:
        return ""
    value = statistics.median(found.values())
    digits = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {_UNITS[metric].removesuffix(' a frame').removesuffix(' CPU')}"


def markdown(rows: Iterable[Row], samples: Sequence[Sample]) -> str:
    """The table; rows of which nothing was measured are left out."""
    lines = [line(row, samples) for row in rows if _has(row, samples)]
    table = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    for one in lines:
        table.append("| " + " | ".join(cell.replace("|", "/") for cell in one.cells) + " |")
    reached = sum(one.reached is True for one in lines)
    table += ["", f"{reached} of {len(lines)} rows reach what is asked."]
    return "\n".join(table)


def _has(row: Row, samples: Sequence[Sample]) -> bool:
    return any((s.group, s.case) == (row.group, row.case) for s in samples)
