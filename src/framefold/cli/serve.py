"""``framefold serve``: process a detector's stream and serve the results."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from framefold.build import Service
from framefold.config import Config, ServerConfig, WorkersConfig, read_config


def announce(address: str) -> None:
    """Tell where to look."""
    click.echo(f"framefold: results at {address}  (Ctrl-C ends)")


def overridden(config: Config, host: str | None, port: int | None, workers: int | None) -> Config:
    """A configuration with what the command line says instead."""
    server: dict[str, Any] = config.server.model_dump()
    if host is not None:
        server["host"] = host
    if port is not None:
        server["port"] = port
    return config.model_copy(
        update={
            "server": ServerConfig.model_validate(server),
            "workers": config.workers if workers is None else WorkersConfig(count=workers),
        }
    )


@click.command()
@click.option(
    "-c", "--config", "path", required=True,
    type=click.Path(path_type=Path, dir_okay=False), help="TOML file; see configs/.",
)  # fmt: skip
@click.option("--source", help="Which of the configured sources to listen to.")
@click.option("--host", help="Address to listen on instead of the configured one.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes any free one.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
def command(
    path: Path, source: str | None, host: str | None, port: int | None, workers: int | None
) -> None:
    """Process a detector's stream and serve the results over HTTP, until Ctrl-C."""
    config = overridden(read_config(path), host, port, workers)
    asyncio.run(Service(config, source).run(announce=announce))
