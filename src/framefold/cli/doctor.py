"""``framefold doctor``: whether what a configuration needs is there, in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click

from framefold import kernels
from framefold.build.settings import worker_count
from framefold.cli import doctor_checks as checks
from framefold.cli.doctor_checks import ERROR, OK, Verdict
from framefold.cli.exit_codes import FAILED
from framefold.config import Config, read_config
from framefold.registry import load_target

WARM = ("framefold.codecs:warm", "framefold.kernels.warm:warm")
MIB = 1 << 20


def warm() -> None:
    """Fill the cache of compiled kernels."""
    for target in WARM:
        load_target(target)()


def verdicts(config: Config, api: str | None, *, warming: bool) -> Iterator[Verdict]:
    """All checks, one after another."""
    server = config.server
    ring = config.buffers.shared_memory_mib * MIB
    yield checks.http_port(server.host, server.port)
    for name, source in config.sources.items():
        yield checks.stream(name, source.stream)
    if api is not None:
        base = api if re.match(r"https?://", api) else f"http://{api}"
        yield from checks.rest_api(base.rstrip("/"))
    stolen = checks.last_acquisition(server.host, server.port)
    if stolen is not None:
        yield stolen
    if config.scan.positions is not None:
        yield checks.positions(config.scan)
    yield checks.shared_memory(ring)
    yield checks.limits(worker_count(config), ring)
    yield checks.disk(config)
    cache = Path(kernels.__file__).parent / "__pycache__"
    yield checks.kernels(warm if warming else None, cache)


@click.command()
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file; what holds without one is looked at when left out.",
)  # fmt: skip
@click.option("--api", help="HOST[:PORT] or URL where a DECTRIS detector takes commands.")
@click.option("--warm", "warming", is_flag=True, help="Compile the kernels now.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(path: Path | None, api: str | None, warming: bool, as_json: bool) -> None:
    """Look whether what is needed is there: ports, stream, REST, memory, limits, clock, disk.

    A line each: OK; WAITING for somebody else or for knowledge; ERROR, with what to do. The exit
    code is 1 with an ERROR.
    """
    config = Config() if path is None else read_config(path)
    found = []
    for verdict in verdicts(config, api, warming=warming):
        found.append(verdict)
        if not as_json:
            click.echo(f"{verdict.verdict:8} {verdict.what}: {verdict.told}")
    failed = any(verdict.verdict == ERROR for verdict in found)
    if as_json:
        well = all(verdict.verdict == OK for verdict in found)
        worst = ERROR if failed else OK if well else checks.WAITING
        click.echo(json.dumps({"verdict": worst, "checks": [v.as_dict() for v in found]}))
    if failed:
        raise SystemExit(FAILED)
