"""``framefold replay``: play a recording, into our own live path or out through a socket."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from framefold.build.service import Service
from framefold.cli.recording_options import recording_options
from framefold.cli.serve import announce, announce_token, level_asked_for, overridden
from framefold.config import Config, make_config, read_config
from framefold.errors import FramefoldError
from framefold.faults.faults import Faults
from framefold.faults.options import fault_options
from framefold.formats import open_dataset
from framefold.replay.pace import Pace
from framefold.replay.push_outlet import PushOutlet
from framefold.replay.receiver import playing
from framefold.replay.source import ReplaySource
from framefold.replay.tcp_outlet import TcpOutlet

# the table itself would have everything imported that makes messages
LANGUAGES = ("simplon-v1", "simplon-v2", "plain", "merlin")


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True))
@click.option("--as", "language", type=click.Choice(LANGUAGES),
              help="Send the frames in this protocol; by default messages go as they came, and "
              "frames as simplon-v2.")  # fmt: skip
@click.option("--bind", metavar="tcp://HOST:PORT",
              help="Send out through a PUSH socket, or as a Merlin over TCP, instead of "
              "processing.")  # fmt: skip
@click.option("--speed", type=click.FloatRange(0, min_open=True),
              help="Times as fast as it was recorded (wire logs).")  # fmt: skip
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Messages per second.")
@click.option("--skip", type=click.IntRange(0), default=0, help="Images left out at the start.")
@click.option("--limit", type=click.IntRange(0), help="Images that are played.")
@click.option("--loop", type=click.IntRange(0), default=1, show_default=True,
              help="How often; 0 without end.")  # fmt: skip
@click.option("-c", "--config", "config", type=click.Path(path_type=Path, dir_okay=False),
              help="TOML file; its sources do not count.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port of the page.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
@fault_options
@click.option("--exit", "until_through", is_flag=True, help="End when the recording is through.")
@recording_options
def command(
    path: Path, language: str | None, bind: str | None, speed: float | None, rate: float | None,
    skip: int, limit: int | None, loop: int, config: Path | None, port: int | None,
    workers: int | None, until_through: bool, opening: dict[str, Any], faults: Faults,
) -> None:  # fmt: skip
    """Play FILE as if its detector sent it now, as fast as it is taken or at a given pace.

    Without --bind it is processed as a live stream is, with results over HTTP, until Ctrl-C.
    With --bind it goes out through a socket, to whoever connects, and the command ends.

    FILE is a wire log, recorded messages, or frames in any format that `framefold run` reads.
    """
    pace = Pace(speed, rate)
    chosen = -1 if limit is None else limit
    source = ReplaySource(str(path), language, pace, skip, chosen, loop, faults, opening)
    if bind is not None:
        _send(source, bind)
        return
    made = _config(source, config)
    made = overridden(made, None, port, workers, level_asked_for())
    service = Service(made, "replay", playing(source.untold()))
    asyncio.run(
        service.run(announce=announce, announce_token=announce_token, until_through=until_through)
    )


def _send(source: ReplaySource, bind: str) -> None:
    with (TcpOutlet if source.transport == "mpx" else PushOutlet)(bind) as outlet:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: outlet.stopping.set())
        click.echo(f"framefold: sending from {outlet.endpoint} once somebody connects", err=True)
        sent = outlet.send(source.messages(), source.pace)
        click.echo(f"framefold: {sent} messages sent", err=True)
        if outlet.stopping.is_set():
            outlet.close(0)


def _config(source: ReplaySource, path: Path | None) -> Config:
    """The configuration with the recording as its only source."""
    values: dict[str, Any] = {"schema": 1}
    if path is not None:
        values = read_config(path).model_dump(by_alias=True)
    # what a page shows as the source: never connected to
    values["sources"] = {"replay": {"stream": f"ipc://replay/{quote(Path(source.path).name)}"}}
    scan = values.setdefault("scan", {})
    if source.is_placed:
        # by their numbers frames are at their positions already, whatever the scan once was
        for name in _ORDER:
            scan.pop(name, None)
    scan |= _told(source)
    if scan.get("nav_shape") is None and not scan.get("positions"):
        scan["nav_shape"] = _known_scan(source)
    return make_config(values, "replay")


_ORDER = ("order", "sync_offset", "flyback", "lead_in", "positions")
_SCAN = (*_ORDER, "nav_shape", "frames_per_position", "repeats")


def _told(source: ReplaySource) -> dict[str, Any]:
    """What options say of the scan, which wins over a configuration."""
    told = {**source.opening, "order": source.opening.get("scan_order")}
    if told.get("positions"):
        told["positions"] = str(Path(told["positions"]).absolute())
    return {name: told[name] for name in _SCAN if told.get(name) is not None}


def _known_scan(source: ReplaySource) -> tuple[int, ...] | None:
    """The scan shape, if the file is sure of it; else the stream's own rule decides."""
    try:
        found = open_dataset(source.path, **source.opening)
    except FramefoldError:
        return None  # whoever plays it says what is wrong
    return found.acquisition.nav_shape if found.facts.nav_confidence == "certain" else None
