"""What ``framefold run`` says of one recording at the end."""

from __future__ import annotations

import json
from typing import Any

import click

from framefold.batch import FileRun, Outcome
from framefold.engine.run import Run


def report(done: FileRun, as_json: bool) -> None:
    """Say how a run went, for people or for programs."""
    outcome, run = done.outcome, done.run
    if run is None:
        facts = {"state": outcome.state.value, "reason": outcome.reason,
                 "output": str(outcome.target)}  # fmt: skip
        click.echo(json.dumps(facts) if as_json else f"skipped: {outcome.reason}; {outcome.target}")
        return
    if as_json:
        click.echo(json.dumps(_facts(run, outcome)))
        return
    snapshot = run.latest
    click.echo(
        f"{snapshot.state.value}: {snapshot.merged} of {snapshot.wanted} positions, "
        f"{outcome.frames_per_second} frames/s; {snapshot.reason}"
    )
    for name, channels in snapshot.results.items():
        for key, channel in channels.items():
            click.echo(f"  {name}.{key}: {channel.kind} {channel.data.dtype} {channel.data.shape}")
    for failure in snapshot.failures:
        click.echo(f"  {failure.udf} failed: {failure.error}", err=True)
    if outcome.target is not None:
        click.echo(f"results in {outcome.target}")
    if click.get_current_context().find_root().params.get("verbose"):
        click.echo(str(run.report()), err=True)


def _facts(run: Run, outcome: Outcome) -> dict[str, Any]:
    snapshot = run.latest
    return {
        "state": snapshot.state.value,
        "reason": snapshot.reason,
        "merged": snapshot.merged,
        "wanted": snapshot.wanted,
        "losses": snapshot.losses.as_dict(),
        "failures": [{"udf": f.udf, "error": f.error} for f in snapshot.failures],
        "output": None if outcome.target is None else str(outcome.target),
        **run.statistics(),
        "report": run.report().as_dict(),
    }
