"""``framefold demo``: a simulated detector over real ZeroMQ, live processing, and a page."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import click

from framefold.build import Service
from framefold.cli.serve import announce
from framefold.config import make_config
from framefold.errors import ConfigError

SIMULATORS = "framefold_simulators"
"""Run as a program, never imported: a detector is another machine."""


def start_detector(arguments: list[str]) -> tuple[subprocess.Popen[str], str]:
    """Start a simulated detector.

    Returns
    -------
    tuple
        The process, and where it sends.

    Raises
    ------
    ConfigError
        If it does not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", SIMULATORS, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us: we end it
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        return process, str(json.loads(line)["ready"])
    except (ValueError, KeyError) as error:
        process.terminate()
        process.wait()
        raise ConfigError(
            "the simulated detector did not start: its last words are on stderr; "
            "does `pip install 'framefold[sim]'` help?"
        ) from error


@click.command()
@click.option("--protocol", type=click.Choice(["simplon-v1", "simplon-v2"]), default="simplon-v2")
@click.option("--scan", default="128x128", show_default=True, help="Scan shape in positions.")
@click.option("--sig", default="128x128", show_default=True, help="Detector shape in pixels.")
@click.option("--rate", default="2000", show_default=True, help="Frames per second, or max.")
@click.option("--pause", default=3.0, show_default=True, help="Seconds between two scans.")
@click.option("--scans", default="endless", show_default=True, help="How many scans.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the page.")
@click.option("--port", default=8420, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
def command(
    protocol: str, scan: str, sig: str, rate: str, pause: float, scans: str,
    host: str, port: int, workers: int | None,
) -> None:  # fmt: skip
    """A simulated detector over real ZeroMQ, live processing, and a page to look at."""
    height, width = _shape(sig, "--sig")
    nav = _shape(scan, "--scan")
    detector, endpoint = start_detector(
        [protocol, "--bind", "tcp://127.0.0.1:0", "--scan", scan, "--sig", sig,
         "--rate", rate, "--pause", str(pause), "--scans", scans, "--encoding", "bslz4"]
    )  # fmt: skip
    try:
        disk = {"cx": width / 2, "cy": height / 2, "r": min(height, width) / 8}
        ring = disk | {"ri": min(height, width) / 6, "ro": min(height, width) / 2}
        del ring["r"]
        config = make_config(
            {
                "schema": 1,
                "server": {"host": host, "port": port},
                "workers": {"count": workers or "auto"},
                "sources": {"simulated": {"type": "dectris", "stream": endpoint}},
                "scan": {"nav_shape": list(nav)},
                "pipeline": [
                    {"name": "bf", "udf": "virtual_detector", "params": {"shape": "disk"} | disk},
                    {"name": "adf", "udf": "virtual_detector", "params": {"shape": "ring"} | ring},
                    {"name": "com", "udf": "com"},
                    {"name": "sum", "udf": "sum"},
                ],
                "logging": {"level": "WARNING"},
            },
            "demo",
        )
        asyncio.run(Service(config).run(announce=announce))
    finally:
        detector.terminate()
        detector.wait()
        if detector.stdout is not None:
            detector.stdout.close()


def _shape(text: str, option: str) -> tuple[int, int]:
    try:
        height, width = (int(part) for part in text.split("x"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not like 128x128", param_hint=option) from None
    if height < 1 or width < 1:
        raise click.BadParameter(f"{text!r} has an empty axis", param_hint=option)
    return height, width
