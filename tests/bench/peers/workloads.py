"""What is measured against the peers, with which commands, and what it is to reach.

A *group* is one start of each program, with several *cases* in it; a *round* of a group runs all
its *sides* one after another: ours, the peer, the plain loop. So the rounds are paired samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Side = Literal["ours", "peer", "loop"]
Metric = Literal["fps", "latency_ms", "stream_ms", "us_frame", "cpu_us", "pss_mb", "gbps"]

MORE_IS_BETTER = ("fps", "gbps")


@dataclass(frozen=True, slots=True)
class Group:
    """What is started together.

    Parameters
    ----------
    name, family : str
        What it is called in results, and after ``--only``.
    script : str
        Of the harness, or of this folder.
    options : tuple of str
        For all sides.
    peer, loop : tuple of str or None
        What the other sides are started with besides; None for no such side.
    ours : tuple of str
        Likewise for our side.
    """

    name: str
    family: str
    script: str
    options: tuple[str, ...]
    ours: tuple[str, ...] = ()
    peer: tuple[str, ...] | None = None
    loop: tuple[str, ...] | None = None

    @property
    def sides(self) -> tuple[Side, ...]:
        """Who runs, in this order."""
        if self.script == "decode.py":
            return ("ours",)  # both in one process, in turns
        if self.script == "bare_read.py":
            return ("loop",)
        found: list[Side] = ["ours"]
        if self.peer is not None:
            found.append("peer")
        if self.loop is not None:
            found.append("loop")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    text : str
        The work.
    group, case : str
        Whose samples.
    times : float
        How many times better than the peer it is to be.
    metric : str
        What is compared.
    at_most : tuple of (str, float) or None
        A metric of ours and its limit.
    of_loop : float or None
        The share of the plain loop's rate that is to be reached.
    loop : tuple of (str, str) or None
        Group and case of the plain loop's samples, where they are others.
    """

    text: str
    group: str
    case: str
    times: float
    metric: Metric = "fps"
    at_most: tuple[Metric, float] | None = None
    of_loop: float | None = None
    loop: tuple[str, str] | None = None


def _live(
    name: str, family: str, udfs: str, frames: int, side: int, *more: str, repeats: int = 1
) -> Group:
    options = ["--workers", "2", "--frames", str(frames), "--height", str(side)]
    options += ["--width", str(side), "--udfs", udfs, "--repeats", str(repeats), *more]
    return Group(
        name,
        family,
        "peer_live.py",
        tuple(options),
        ("--impl", "adapter:ours"),
        ("--impl", "libertem-live"),
    )


def _files(
    name: str,
    family: str,
    dataset: str,
    udfs: str,
    executors: tuple[str, str] = ("processes", "pipelined"),
    loop: tuple[str, ...] | None = ("--impl", "numba", "--executor", "loop", "--workers", "2"),
) -> Group:
    ours, theirs = executors
    return Group(
        name,
        family,
        "peer_offline.py",
        ("--datasets", dataset, "--udfs", udfs, "--repeats", "1"),
        ("--impl", "adapter:ours", "--executor", ours, "--workers", "2"),
        ("--impl", "libertem", "--executor", theirs, "--workers", "2"),
        loop,
    )


SINGLE = "sum,sumsig,mask1,com"
_SLOW = ("--pace", "sleep", "--rates", "1000,2500", "--nav", "32,64")
_NUMPY = ("--impl", "numpy", "--executor", "loop", "--workers", "1")

GROUPS: tuple[Group, ...] = (
    _live("live256", "live", SINGLE, 16384, 256),
    _live("live256-masks", "live", "mask16,all5", 16384, 256),
    _live("live512", "live", f"{SINGLE},mask16,all5", 4096, 512, "--pool", "256"),
    _live("live192", "live", f"{SINGLE},mask16,all5", 16384, 192),
    _live("live32", "live", "sumsig", 65536, 32, repeats=3),
    _files("raw", "offline", "big_raw", "sum,sumsig,stddev,com"),
    _files("raw-masks", "offline", "big_raw", "mask16,all4"),
    _files("bslz4", "offline", "big_h5_bslz4", "sum,all4"),
    _files("file-raw", "recorded", "big_raw", SINGLE),
    _files("file-bslz4", "recorded", "big_h5_bslz4", SINGLE),
    Group("h5py", "offline", "bare_read.py", ("--repeats", "3")),
    _files("tiny", "tiny", "tiny_256", "pynoop,pyframe", ("inline", "inline"), _NUMPY),
    _files("tiny-2", "tiny", "tiny_256", "pynoop,pyframe", loop=None),
    Group("decode", "decode", "decode.py", ()),
    _live("latency", "latency", "sumsig,all5", 2048, 256, *_SLOW),
    _live("fixed", "latency", "sumsig", 1024, 32, repeats=5),
    _live("memory", "memory", "sum,all5", 16384, 256),
)

_NAMES = {
    "sum": "Sum",
    "sumsig": "SumSig",
    "mask1": "1 mask",
    "com": "CoM",
    "mask16": "16 masks",
    "all5": "all five",
    "stddev": "StdDev",
    "all4": "all four",
}


def _rows(
    text: str, group: str, udfs: str, times: float, of_loop: float | None = None
) -> list[Row]:
    return [Row(f"{text}, {_NAMES[u]}", group, u, times, of_loop=of_loop) for u in udfs.split(",")]


ROWS: tuple[Row, ...] = (
    Row("live 256x256 bslz4, Sum", "live256", "sum", 3.5, at_most=("cpu_us", 60)),
    *_rows("live 256x256 bslz4", "live256", "sumsig,mask1,com", 3.5),
    Row("live 256x256 bslz4, 16 masks", "live256-masks", "mask16", 4.5),
    Row("live 256x256 bslz4, all five", "live256-masks", "all5", 5, at_most=("cpu_us", 130)),
    *_rows("live 512x512 bslz4", "live512", f"{SINGLE},mask16", 3.5),
    *_rows("live 512x512 bslz4", "live512", "all5", 5),
    *_rows("live 192x192 bslz4", "live192", f"{SINGLE},mask16", 3.5),
    *_rows("live 192x192 bslz4", "live192", "all5", 5),
    *_rows("live 32x32 bslz4", "live32", "sumsig", 2),
    *_rows("raw 256x256", "raw", "sum,sumsig,stddev,com", 3, 0.9),
    *_rows("raw 256x256", "raw-masks", "mask16,all4", 2.5, 1),
    Row("HDF5 bslz4 256x256, Sum; loop: h5py reads", "bslz4", "sum", 4, of_loop=1,
        loop=("h5py", "read")),
    *_rows("HDF5 bslz4 256x256", "bslz4", "all4", 4),
    *_rows("recorded, raw 256x256", "file-raw", SINGLE, 2, 0.8),
    *_rows("recorded, HDF5 bslz4 256x256", "file-bslz4", SINGLE, 3),
    Row("32x32 frames, process_frame: pass", "tiny", "pynoop", 5, at_most=("us_frame", 2)),
    Row("32x32 frames, frame.sum()", "tiny", "pyframe", 5, at_most=("us_frame", 6)),
    Row("the same with 2 workers: pass", "tiny-2", "pynoop", 5),
    Row("the same with 2 workers: frame.sum()", "tiny-2", "pyframe", 5),
    Row("decode bslz4 uint16, sparse", "decode", "sparse", 1.3, "gbps"),
    Row("decode bslz4 uint16, dense", "decode", "dense", 1.3, "gbps"),
    Row("latency at 1000 frames/s, SumSig", "latency", "sumsig@1000", 2, "latency_ms"),
    Row("latency at 2500 frames/s, SumSig", "latency", "sumsig@2500", 2, "latency_ms"),
    Row("latency at 1000 frames/s, all five", "latency", "all5@1000", 2, "latency_ms"),
    Row("latency at 2500 frames/s, all five", "latency", "all5@2500", 2, "latency_ms"),
    Row("a live run of 1024 frames of 32x32", "fixed", "sumsig", 2, "stream_ms",
        at_most=("stream_ms", 15)),
    Row("memory, live 256x256 at full speed", "memory", "", 3, "pss_mb"),
)  # fmt: skip
"""What is to be reached, on one machine, in one run, with 2 workers."""


def chosen(names: Sequence[str]) -> tuple[Group, ...]:
    """The groups of these names or families, all for none.

    Raises
    ------
    SystemExit
        If there is no such name.
    """
    known = {g.name for g in GROUPS} | {g.family for g in GROUPS}
    for name in names:
        if name not in known:
            raise SystemExit(f"--only {name}: give some of {', '.join(sorted(known))}")
    return tuple(g for g in GROUPS if not names or g.name in names or g.family in names)
