"""Runs, snapshots and channels as plain facts for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import quote

import numpy as np

from framefold import representations
from framefold.core.coverage import PositionState, counted
from framefold.core.snapshot import Channel, Snapshot
from framefold.http.plain import timestamp
from framefold.http.ports import Run

API = "/api/v1"
COVERAGE = "coverage"
"""Last part of the path of the coverage of a run."""


@cache
def installed_version() -> str:
    """Version of this program."""
    try:
        return version("framefold")
    except PackageNotFoundError:
        return "unknown"  # run from a source tree that was never installed


def acquisition_path(ident: str) -> str:
    """Path of an acquisition."""
    return f"{API}/acquisitions/{quote(ident, safe='')}"


def summary(run: Run, snapshot: Snapshot) -> dict[str, object]:
    """One acquisition in a list: what it is, how far it is, what was lost."""
    path = acquisition_path(run.ident)
    return {
        **snapshot.acquisition.described(),
        # the run's identity is the one in paths; a measurement may be processed more than once
        "id": run.ident,
        "acquisition_id": snapshot.acquisition.ident,
        "name": run.name,
        "state": snapshot.state.value,
        "reason": snapshot.reason,
        "version": snapshot.version,
        "merged": snapshot.merged,
        "wanted": snapshot.wanted,
        "fraction": snapshot.fraction,
        "losses": snapshot.losses.as_dict(),
        "failures": failures(snapshot),
        "created": timestamp(snapshot.created),
        "templates": {"frame": f"{path}/frame?at={{at}}"},
        "links": {"self": path, "results": f"{path}/results", "coverage": f"{path}/{COVERAGE}"},
    }


def details(run: Run, snapshot: Snapshot) -> dict[str, object]:
    """One acquisition with everything known of it."""
    return {
        **summary(run, snapshot),
        "positions": counted(snapshot.coverage),
        "statistics": run.statistics(),
        "report": snapshot.report,
        "metadata": snapshot.acquisition.metadata,
    }


def failures(snapshot: Snapshot) -> list[dict[str, str]]:
    """UDFs that raised."""
    return [{"udf": f.udf, "error": f.error, "traceback": f.traceback} for f in snapshot.failures]


def results(run: Run, snapshot: Snapshot) -> dict[str, object]:
    """All channels of an acquisition with their versions and addresses."""
    path = acquisition_path(run.ident)
    channels = [
        {
            "udf": udf,
            "channel": name,
            **_channel(channel, f"{path}/results/{quote(udf, safe='')}/{quote(name, safe='')}"),
        }
        for udf, group in snapshot.results.items()
        for name, channel in group.items()
    ]
    return {
        "acquisition": run.ident,
        "name": run.name,
        "version": snapshot.version,
        "state": snapshot.state.value,
        "complete": snapshot.state.is_final,
        "fraction": snapshot.fraction,
        "results": channels,
        "coverage": {
            **_channel(coverage_channel(snapshot), f"{path}/{COVERAGE}"),
            "states": {state.name.lower(): int(state) for state in PositionState},
        },
        "failures": failures(snapshot),
    }


def coverage_channel(snapshot: Snapshot) -> Channel:
    """The coverage of a snapshot as if it were a result: a `PositionState` per position."""
    states = snapshot.coverage.reshape(snapshot.acquisition.nav_shape)
    known = np.broadcast_to(np.True_, states.shape)
    return Channel("nav", states, known, (), snapshot.version)


def _channel(channel: Channel, path: str) -> Mapping[str, object]:
    return {
        "kind": channel.kind,
        "shape": channel.data.shape,
        "extra_shape": channel.extra_shape,
        "dtype": channel.data.dtype.newbyteorder("<").str,
        "version": channel.version,
        "valid_fraction": channel.valid_fraction,
        "links": {name: f"{path}.{name}" for name in representations.names()},
    }
