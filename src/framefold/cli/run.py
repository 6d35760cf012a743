"""``framefold run``: run UDFs on a recorded file and keep the results."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from framefold.api import Context
from framefold.build import make_pipeline
from framefold.config import PipelineConfig, make_config, read_config
from framefold.core.snapshot import RunState, Snapshot
from framefold.engine.run import Run
from framefold.errors import ConfigError, ParameterError
from framefold.formats import open_dataset
from framefold.representations.hdf5 import write_results


def parse_udf(text: str) -> PipelineConfig:
    """What ``--udf`` says: ``[NAME=]UDF[,PARAM=VALUE...]``.

    Values are JSON, or text where they are none.

    Raises
    ------
    ParameterError
        If a parameter has no value.
    """
    head, *rest = text.split(",")
    name, _, udf = head.rpartition("=")
    params: dict[str, Any] = {}
    for item in rest:
        key, equals, value = item.partition("=")
        if not equals:
            raise ParameterError(f"--udf {text!r}: {item!r} is not like PARAM=VALUE")
        try:
            params[key] = json.loads(value)
        except ValueError:
            params[key] = value
    return PipelineConfig(name=name or udf.rpartition(":")[2], udf=udf, params=params)


def parse_shape(text: str | None, option: str) -> tuple[int, ...] | None:
    """A shape such as ``64,64`` or ``64x-1``."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not like 64,64", param_hint=option) from None


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
@click.option("--format", "kind", default="auto", show_default=True, help="File format.")
@click.option("--nav", help="Scan shape, e.g. 256,256 or 256,-1.")
@click.option("--sig", help="Detector shape (raw files).")
@click.option("--dtype", help="Pixel type (raw files).")
@click.option("--ds-path", help="Data set inside an HDF5 file.")
@click.option("--sync-offset", default=0, show_default=True, help="Frames to skip at the start.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
@click.option("--inline", is_flag=True, help="Work in this process, for debugging.")
@click.option("--json", "as_json", is_flag=True, help="Report for programs.")
def command(
    path: Path, udfs: tuple[str, ...], pipeline: Path | None, output: Path | None,
    overwrite: bool, kind: str, nav: str | None, sig: str | None, dtype: str | None,
    ds_path: str | None, sync_offset: int, workers: int | None, inline: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run UDFs on a recorded file."""
    entries = tuple(parse_udf(text) for text in udfs)
    if pipeline is not None:
        entries += read_config(pipeline).pipeline
    if not entries:
        raise ConfigError("nothing to run: give --udf or --pipeline (`framefold udf` lists UDFs)")
    checked = make_config({"schema": 1, "pipeline": [e.model_dump() for e in entries]}).pipeline
    named = make_pipeline(checked)
    if output is not None and output.exists() and not overwrite:
        raise ConfigError(f"{output} exists; --overwrite replaces it")
    options = {
        "nav_shape": parse_shape(nav, "--nav"),
        "sig_shape": parse_shape(sig, "--sig"),
        "dtype": dtype,
        "ds_path": ds_path,
    }
    given = {key: value for key, value in options.items() if value is not None}
    dataset = open_dataset(path, kind, sync_offset=sync_offset, **given)
    with Context.inline() if inline else Context(workers=workers) as ctx:
        run = Run(dataset.reader(), named, ctx.pool)
        snapshot = _drive(run, inline=inline, quiet=as_json)
    provenance = {
        "framefold": version("framefold"),
        "file": str(path.resolve()),
        "udfs": {e.name: {"udf": e.udf, "params": e.params} for e in checked},
    }
    if output is not None:
        write_results(output, snapshot, provenance, overwrite=overwrite)
    _report(snapshot, run, output, as_json)
    if snapshot.failures or snapshot.state is RunState.FAILED:
        sys.exit(1)


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
                run.cancel()
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
