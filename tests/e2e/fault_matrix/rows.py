"""The rows of the table of failures: what may go wrong, each with one test."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "failures.md"

Test = TypeVar("Test", bound=Callable[..., object])

SHOWN_BY: dict[str, list[str]] = {}
"""Row -> tests that show it, as they are defined."""


def row(name: str) -> Callable[[Test], Test]:
    """Marks the test of a row."""

    def mark(test: Test) -> Test:
        # a module may be imported once more, by whoever counts
        found = SHOWN_BY.setdefault(name, [])
        if test.__qualname__ not in found:
            found.append(test.__qualname__)
        return test

    return mark


def promised() -> list[str]:
    """The rows that the page of failures has, in its order."""
    text = PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^\| ([^|]+?) \| [^|]+ \|$", text, re.MULTILINE)
    return [name for name in lines if name not in ("failure", "---")]


REQUIRED = (
    "lost frame (id gap)",
    "out of order",
    "duplicated frame",
    "series aborted (early end)",
    "header missing / late",
    "mid-series join",
    "detector restart",
    "second client steals",
    "slow consumer (workers too slow)",
    "frame count < announced",
    "frame count > scan",
    "scan flyback / lead-in frames",
    "sync offset",
    "position stream desync",
    "hot / dead / masked pixels",
    "message corruption (bad JSON/CBOR, short blob)",
    "decompression failure",
    "wrong element type/encoding",
    "worker death (crash, OOM)",
    "UDF raises",
    "merge raises or slow",
    "receiver thread dies",
    "disk full while recording",
    "clock jumps",
    "leftover shared memory after crash",
    "viewer too slow",
    # beyond the table: what the same failures look like from nearer by
    "late frames",
    "mislabelled frames",
    "series re-armed without an end",
    "same series id again",
    "no end message",
    "stream stalls",
    "worker hangs",
    "frame that kills workers",
    "everything at once",
)
"""What the page must have."""
