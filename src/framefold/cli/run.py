"""``framefold run``: run UDFs on recorded files and keep the results."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from framefold.api import Context
from framefold.batch import (
    Job,
    Manner,
    Outcome,
    Recipe,
    State,
    Verdict,
    make_jobs,
    run_file,
    table,
    verdict,
)
from framefold.build.pipeline import make_pipeline
from framefold.build.settings import checked_positions
from framefold.cli.exit_codes import FAILED, INTERRUPTED, NOTHING_TO_DO, OK, SOME_FAILED
from framefold.cli.recording_options import recording_options
from framefold.cli.run_report import report
from framefold.config import PipelineConfig, make_config, read_config
from framefold.errors import ConfigError, FramefoldError, ParameterError
from framefold.formats.source_identity import SourceIdentity
from framefold.representations.calibration import Step
from framefold.representations.result_file import Making

log = logging.getLogger(__name__)

_CODES = {
    Verdict.ALL_GOOD: OK,
    Verdict.ALL_FAILED: FAILED,
    Verdict.SOME_FAILED: SOME_FAILED,
    Verdict.NOTHING_TO_DO: NOTHING_TO_DO,
}


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
@click.argument("paths", nargs=-1, metavar="PATH...", type=click.Path(path_type=Path))
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
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="HDF5 file for the results; of several recordings a folder for one file each.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing output files.")
@click.option(
    "--resume",
    is_flag=True,
    help="Skip recordings whose result file is complete and made in the same way.",
)
@click.option(
    "--again",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="RESULTS",
    help="Do what made this result file once more; PATH is where the recording is now.",
)
@recording_options
@click.option("--scan-step", metavar="STEP", help="From position to position, e.g. 0.5nm.")
@click.option("--pixel-size", metavar="STEP", help="From pixel to pixel, e.g. 0.1,0.1mrad.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
@click.option("--inline", is_flag=True, help="Work in this process, for debugging.")
@click.option(
    "--ordered", is_flag=True, help="Merge in the order of the scan: the same bits always."
)
@click.option("--no-dry-run", is_flag=True, help="Do not try users' UDFs on made-up frames first.")
@click.option("--json", "as_json", is_flag=True, help="Report for programs.")
def command(
    paths: tuple[Path, ...], udfs: tuple[str, ...], pipeline: Path | None, output: str | None,
    overwrite: bool, resume: bool, again: Path | None, opening: dict[str, Any],
    scan_step: str | None, pixel_size: str | None, workers: int | None, inline: bool,
    ordered: bool, no_dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run UDFs on recorded files.

    For example: framefold run scan.h5 --udf sum --udf bf=virtual_detector,shape=disk,r=12
    -o results.h5

    Exit codes: 0 all well, 1 it failed (of several: all of them), 2 wrong use, 3 some of several
    failed, 4 nothing to do (--resume), 130 interrupted.
    """
    own = Recipe((), _plain(opening), ordered, _step(scan_step), _step(pixel_size))
    expected: SourceIdentity | None = None
    if again is not None:
        if udfs or pipeline or own != Recipe(()):
            raise click.UsageError("--again takes UDFs and options from the result file")
        recipe, made_of = _made_by(again)
        if not paths:
            paths, expected = (Path(made_of.path),), made_of
    elif not paths:
        raise click.UsageError("Missing argument 'PATH'.")
    else:
        opening = {**_scan(pipeline, own.opening), **own.opening}
        recipe = replace(own, pipeline=_pipeline(udfs, pipeline), opening=opening)
    make_pipeline(recipe.pipeline)  # what is wrong with it is wrong for all files
    jobs = _jobs(paths, output, replacing=overwrite or resume, resume=resume, as_json=as_json)
    manner = Manner(resume, overwrite, not no_dry_run, expected)
    quiet = as_json or bool(click.get_current_context().find_root().params.get("quiet"))
    with Context.inline() if inline else Context(workers=workers) as ctx:
        if len(jobs) > 1:
            code = _many(jobs, recipe, ctx, manner, quiet=quiet, as_json=as_json)
        else:
            with _bar(quiet=quiet) as bar:
                done = run_file(jobs[0], recipe, ctx, told=_telling(bar), manner=manner)
            report(done, as_json)
            code = _CODES[verdict([done.outcome])]
    sys.exit(code)


def _jobs(
    paths: Sequence[Path], output: str | None, *, replacing: bool, resume: bool, as_json: bool
) -> tuple[Job, ...]:
    """What is run, and where the results go."""
    if output is None:
        if resume:
            raise click.UsageError("--resume needs --output: it looks at the result files there")
        if len(paths) > 1 and not as_json:
            raise ConfigError("several recordings: give --output FOLDER for their result files")
        return make_jobs(paths, None, folder=False, replace=False)
    folder = len(paths) > 1 or output.endswith("/") or Path(output).is_dir()
    return make_jobs(paths, Path(output), folder=folder, replace=replacing)


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


def _scan(path: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a pipeline file says of the scan; options on the command line win over it.

    Raises
    ------
    ConfigError
        If it names a position table that is none.
    """
    if path is None:
        return {}
    said = read_config(path).scan
    if "positions" not in options:
        checked_positions(said)  # while it is known who named it
    told = {
        "nav_shape": said.nav_shape,
        "sync_offset": said.sync_offset,
        "scan_order": said.order,
        "flyback": said.flyback,
        "lead_in": said.lead_in,
        "frames_per_position": said.frames_per_position,
        "repeats": said.repeats,
        "positions": said.positions,
    }
    return {name: value for name, value in told.items() if value is not None}


def _many(
    jobs: Sequence[Job], recipe: Recipe, ctx: Context, manner: Manner, *,
    quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run one recording after another; one that fails does not keep the others from their turn."""
    outcomes: list[Outcome] = []
    code = None
    for number, job in enumerate(jobs, start=1):
        with _bar(quiet=quiet, desc=f"{number}/{len(jobs)} {job.source.name}") as bar:
            try:
                outcomes.append(
                    run_file(job, recipe, ctx, told=_telling(bar), manner=manner).outcome
                )
            except KeyboardInterrupt:
                code = INTERRUPTED
                break
            except FramefoldError as error:
                outcomes.append(Outcome(job.source, job.target, State.FAILED, str(error)))
            except Exception as error:
                # whatever a file makes a reader or a UDF do: the next file is another one
                log.exception("not run path=%s error=%s", job.source, error)
                reason = f"{type(error).__name__}: {error}"
                outcomes.append(Outcome(job.source, job.target, State.FAILED, reason))
    if code is None:
        code = _CODES[verdict(outcomes)]
    if as_json:
        files = [one.as_dict() for one in outcomes]
        click.echo(json.dumps({"files": files, "exit_code": code}))
    elif outcomes:
        click.echo(table(outcomes))
    if code == INTERRUPTED:
        click.echo(f"interrupted: {len(jobs) - len(outcomes)} recordings are not done", err=True)
    return code


def _bar(*, quiet: bool, desc: str | None = None) -> Any:
    return tqdm(unit="frame", desc=desc, disable=quiet or None)


def _telling(bar: Any) -> Any:
    """What tells a bar how far a run has come."""

    def told(merged: int, wanted: int) -> None:
        bar.total = wanted
        bar.update(merged - bar.n)

    return told


def _made_by(path: Path) -> tuple[Recipe, SourceIdentity]:
    """How a result file was made, and from which recording."""
    facts = Making.read(path).facts
    return Recipe.of_dict(facts.get("recipe"), str(path)), SourceIdentity.of_dict(
        facts.get("source")
    )


def _step(said: str | None) -> Step | None:
    return None if said is None else Step.parsed(said)


def _plain(opening: dict[str, Any]) -> dict[str, Any]:
    """Options as a result file keeps them: without what goes without saying, paths whole."""
    told = {name: value for name, value in opening.items() if (name, value) != ("format", "auto")}
    if "positions" in told:
        told["positions"] = str(Path(told["positions"]).absolute())
    return told
