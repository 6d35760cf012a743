"""``framefold serve``: process a detector's stream and serve the results."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import click

from framefold.build.service import Service
from framefold.config import Config, make_config, read_config


def announce(address: str) -> None:
    """Tell where to look."""
    click.echo(f"framefold: results at {address}  (Ctrl-C ends)")


def announce_token(token: str, file: Path | None) -> None:
    """Tell who may change what is recorded: on a terminal, or where it can be found nowhere else.

    What is no terminal is a log, as a rule, which more people read than should know it.
    """
    if file is not None:
        click.echo(f"framefold: the token for control is in {file}")
    if file is None or sys.stdout.isatty():
        click.echo(f"framefold: for control, send  Authorization: Bearer {token}")


def overridden(
    config: Config,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    level: str | None = None,
    control: bool | None = None,
) -> Config:
    """A configuration with what the command line says instead."""
    server = {"host": host, "port": port, "control": control}
    said: dict[str, Any] = {
        "server": {key: value for key, value in server.items() if value is not None},
        "workers": {} if workers is None else {"count": workers},
        "logging": {} if level is None else {"level": level},
    }
    values = config.model_dump(by_alias=True)
    for section, replaced in said.items():
        values[section] |= replaced
    return make_config(values, "command line")


def level_asked_for() -> str | None:
    """What ``-v`` or ``-q`` in front of the command ask for; None if neither is there."""
    given = click.get_current_context().find_root().params
    if given.get("quiet"):
        return "ERROR"
    levels = (None, "INFO", "DEBUG")
    return levels[min(int(given.get("verbose", 0)), 2)]


@click.command()
@click.option(
    "-c", "--config", "path", required=True,
    type=click.Path(path_type=Path, dir_okay=False), help="TOML file; see configs/.",
)  # fmt: skip
@click.option("--source", help="Which of the configured sources to listen to.")
@click.option("--host", help="Address to listen on instead of the configured one.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes any free one.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
@click.option(
    "--control", is_flag=True,
    help="Whoever has the token, told at the start, may switch recording.",
)  # fmt: skip
def command(
    path: Path,
    source: str | None,
    host: str | None,
    port: int | None,
    workers: int | None,
    control: bool,
) -> None:
    """Process a detector's stream and serve the results over HTTP, until Ctrl-C."""
    config = overridden(read_config(path), host, port, workers, level_asked_for(), control or None)
    logging.getLogger().setLevel(config.logging.level)
    service = Service(config, source)
    asyncio.run(service.run(announce=announce, announce_token=announce_token))
