"""``framefold run``: run UDFs on a recorded file and keep the results."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from framefold import __version__
from framefold.api import Context
from framefold.build import make_pipeline
from framefold.cli.recording_options import recording_options
from framefold.config import PipelineConfig, make_config, read_config
from framefold.core.snapshot import RunState, Snapshot
from framefold.engine.run import Run
from framefold.errors import ConfigError, ParameterError
from framefold.formats import open_dataset
from framefold.representations.hdf5 import write_results


def parse_udf(text: str) -> dict[str, Any]:
    """What ``--udf`` says, as an entry of a pipeline: ``[NAME=]UDF[,PARAM=VALUE...]``.

    Values are JSON, or text where they are none.

    Raises
    ------
    ParameterError
        If a parameter has no value.
    """
    head, _, rest = text.partition(",")
    name, _, udf = head.rpartition("=")
    params: dict[str, Any] = {}
    while rest:
        key, equals, after = rest.partition("=")
        if not equals or not key or "," in key:
            raise ParameterError(f"--udf {text!r}: {rest.split(',')[0]!r} is not like PARAM=VALUE")
        params[key], rest = _value(after)
    return {"name": name or udf.rpartition(":")[2], "udf": udf, "params": params}


def _value(text: str) -> tuple[Any, str]:
    """The value that a text begins with, and what follows behind the next comma."""
    try:
        # first, since the commas of [1,2] do not end it
        value, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        value, end = None, -1
    if end < 0 or text[end : end + 1] not in ("", ","):
        value, _, rest = text.partition(",")
        return value, rest
    return value, text[end + 1 :]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--udf",
    "udfs",
    multiple=True,
    metavar="[NAME=]UDF[,PARAM=VALUE...]",
    help="A UDF to run; repeatable. `framefold udf` lists them; module:Class works too.",
)
@click.option(
    "-p",
    "--pipeline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with [[pipeline]] entries.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="HDF5 file for the results.")
@click.option("--overwrite", is_flag=True, help="Replace an existing output file.")
@recording_options
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
@click.option("--inline", is_flag=True, help="Work in this process, for debugging.")
@click.option(
    "--ordered", is_flag=True, help="Merge in the order of the scan: the same bits always."
)
@click.option("--no-dry-run", is_flag=True, help="Do not try users' UDFs on made-up frames first.")
@click.option("--json", "as_json", is_flag=True, help="Report for programs.")
def command(
    path: Path, udfs: tuple[str, ...], pipeline: Path | None, output: Path | None,
    overwrite: bool, opening: dict[str, Any], workers: int | None, inline: bool, ordered: bool,
    no_dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run UDFs on a recorded file.

    For example: framefold run scan.h5 --udf sum --udf bf=virtual_detector,shape=disk,r=12
    -o results.h5
    """
    checked = _pipeline(udfs, pipeline)
    named = make_pipeline(checked)
    if output is not None:
        _check_output(output, overwrite=overwrite)
    dataset = open_dataset(path, **{**_scan(pipeline), **opening})
    quiet = as_json or bool(click.get_current_context().find_root().params.get("quiet"))
    with Context.inline() if inline else Context(workers=workers) as ctx:
        run = Run(dataset.reader(), named, ctx.pool, ordered=ordered, dry_run=not no_dry_run)
        snapshot = _drive(run, inline=inline, quiet=quiet)
    provenance = {
        "framefold": __version__,
        "file": str(path.resolve()),
        "udfs": {e.name: {"udf": e.udf, "params": e.params} for e in checked},
    }
    if output is not None:
        write_results(output, snapshot, provenance, overwrite=overwrite)
    _report(snapshot, run, output, as_json)
    if snapshot.failures or snapshot.state is RunState.FAILED:
        sys.exit(1)


def _pipeline(udfs: tuple[str, ...], path: Path | None) -> tuple[PipelineConfig, ...]:
    """What is to be run, checked.

    Raises
    ------
    FramefoldError
        If it is nothing, or cannot be understood.
    """
    entries = [parse_udf(text) for text in udfs]
    if path is not None:
        entries += [entry.model_dump() for entry in read_config(path).pipeline]
    if not entries:
        raise ConfigError("nothing to run: give --udf or --pipeline (`framefold udf` lists UDFs)")
    return make_config({"schema": 1, "pipeline": entries}, "--udf").pipeline


def _scan(path: Path | None) -> dict[str, Any]:
    """What a pipeline file says of the scan; options on the command line win over it."""
    if path is None:
        return {}
    said = read_config(path).scan
    told = {
        "nav_shape": said.nav_shape,
        "sync_offset": said.sync_offset,
        "scan_order": said.order,
        "flyback": said.flyback,
        "lead_in": said.lead_in,
        "frames_per_position": said.frames_per_position,
        "repeats": said.repeats,
    }
    return {name: value for name, value in told.items() if value is not None}


def _check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse a file that could not be written, before hours are spent on what goes into it.

    Raises
    ------
    ConfigError
    """
    if output.is_dir():
        raise ConfigError(f"--output {output} is a directory; name a file in it")
    if output.exists() and not overwrite:
        raise ConfigError(f"--output {output} exists; --overwrite replaces it")
    folder = output.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"--output {output}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"--output {output}: the folder {folder} may not be written to")


def _drive(run: Run, *, inline: bool, quiet: bool) -> Snapshot:
    with tqdm(total=run.fold.wanted, unit="frame", disable=quiet or None) as bar:
        if inline:
            for _ in run.steps():
                bar.update(run.fold.merged - bar.n)
        else:
            run.start()
            seen = 0
            try:
                while not run.state.is_final:
                    seen = run.wait_for_blocks(seen)
                    bar.update(run.fold.merged - bar.n)
                run.join()
            except KeyboardInterrupt:
                run.cancel(at_once=True)
                run.join()
                raise
        bar.update(run.fold.merged - bar.n)
    return run.latest


def _report(snapshot: Snapshot, run: Run, output: Path | None, as_json: bool) -> None:
    facts = {
        "state": snapshot.state.value,
        "reason": snapshot.reason,
        "merged": snapshot.merged,
        "wanted": snapshot.wanted,
        "losses": snapshot.losses.as_dict(),
        "failures": [{"udf": f.udf, "error": f.error} for f in snapshot.failures],
        "output": None if output is None else str(output),
        **run.statistics(),
        "report": run.report().as_dict(),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    click.echo(
        f"{snapshot.state.value}: {snapshot.merged} of {snapshot.wanted} positions, "
        f"{facts['frames_per_second']} frames/s; {snapshot.reason}"
    )
    for name, channels in snapshot.results.items():
        for key, channel in channels.items():
            click.echo(f"  {name}.{key}: {channel.kind} {channel.data.dtype} {channel.data.shape}")
    for failure in snapshot.failures:
        click.echo(f"  {failure.udf} failed: {failure.error}", err=True)
    if output is not None:
        click.echo(f"results in {output}")
    if click.get_current_context().find_root().params.get("verbose"):
        click.echo(str(run.report()), err=True)
