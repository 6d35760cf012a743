"""Records of the harness's scripts as samples: one case of one side in one round."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workloads import Group


@dataclass(frozen=True, slots=True)
class Sample:
    """One case of one side in one round.

    Parameters
    ----------
    group, case, side : str
    round : int
    values : dict of str to float
        By metric.
    foreign_s : float
        CPU that others took meanwhile [s].
    right : bool or None
        Whether the results were; None where nobody looked.
    error : str or None
        Why there are no values.
    """

    group: str
    case: str
    side: str
    round: int
    values: Mapping[str, float] = field(default_factory=dict)
    foreign_s: float = 0.0
    right: bool | None = None
    error: str | None = None


def of_record(record: Mapping[str, Any], group: Group, side: str, number: int) -> Sample | None:
    """A sample, if the record is one of a measurement."""
    kind = record["kind"]
    if kind not in ("live", "offline", "decode"):
        return None
    case = record["udf"]
    if record.get("rate"):
        case += f"@{record['rate']:.0f}"
    who = record.get("side", side)
    if "error" in record:
        return Sample(group.name, case, who, number, error=record["error"])
    values = {
        name: record[known_as]
        for name, known_as in {
            "fps": "fps", "us_frame": "us_frame", "cpu_us": "cpu_us_frame", "gbps": "gbps",
        }.items()
        if known_as in record
    }  # fmt: skip
    right: bool | None = None
    if kind == "live":
        values["latency_ms"] = 1e3 * record["latency_s"]
        streams = sorted(record["stream_s"])
        values["stream_ms"] = 1e3 * streams[len(streams) // 2]
        told = [ok for ok in record["ok"] if ok is not None]
        right = all(told) if told else None
    elif who == "ours":
        right = True  # the adapter raises otherwise
    foreign = max((sum(one) for one in record.get("foreign_cpu_s", ())), default=0.0)
    return Sample(group.name, case, who, number, values, foreign, right)


def append(path: Path, samples: list[Sample]) -> None:
    """Keep samples, one a line."""
    with path.open("a") as out:
        for sample in samples:
            out.write(json.dumps({name: getattr(sample, name) for name in Sample.__slots__}) + "\n")


def read(path: Path) -> Iterator[Sample]:
    """What was kept."""
    if path.exists():
        with path.open() as lines:
            for line in lines:
                yield Sample(**json.loads(line))
