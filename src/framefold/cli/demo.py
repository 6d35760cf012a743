"""``framefold demo``: a simulated detector over real ZeroMQ, live processing, and a page."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import Any

import click

from framefold.build.service import Service
from framefold.cli.serve import announce
from framefold.config import Config, make_config
from framefold.errors import ConfigError

SIMULATORS = "framefold_simulators"
"""Run as a program, never imported: a detector is another machine."""

SCENE = "seed=5,particles=20,deflection=5"
"""Some nanoparticles that look well."""

_PATIENCE = 5.0  # seconds that a detector has to end by itself


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
    ready = ""
    try:
        ready = str(json.loads(process.stdout.readline())["ready"])
    except (ValueError, KeyError) as error:
        raise ConfigError(
            "the simulated detector did not start, see above; "
            "does `pip install 'framefold[sim]'` help?"
        ) from error
    finally:
        if not ready:  # also when we are interrupted meanwhile
            stop_detector(process)
    return process, ready


def stop_detector(process: subprocess.Popen[str]) -> None:
    """End a simulated detector; returns when it is gone."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def demo_config(
    endpoint: str,
    scan: tuple[int, int],
    sig: tuple[int, int],
    *,
    server: dict[str, Any] | None = None,
    workers: int | None = None,
) -> Config:
    """What the demo runs: bright field, dark field, centre of mass and the sum of all frames.

    Parameters
    ----------
    endpoint : str
        Where the detector sends.
    scan, sig : tuple of int
        Shapes of scan and detector.
    server : dict or None
        What the configuration is to say of the server.
    workers : int or None
        How many; one per core by default.
    """
    height, width = sig
    side = min(height, width)
    centre = {"cx": width / 2, "cy": height / 2}
    # the scene's disk has a radius of side / 9, and wanders
    disk = {"shape": "disk", **centre, "r": round(0.15 * side, 2)}
    ring = {"shape": "ring", **centre, "ri": round(0.17 * side, 2), "ro": side / 2}
    return make_config(
        {
            "schema": 1,
            "server": server or {},
            "workers": {"count": workers or "auto"},
            "sources": {"simulated": {"type": "dectris", "stream": endpoint}},
            "scan": {"nav_shape": list(scan)},
            "pipeline": [
                {"name": "bf", "udf": "virtual_detector", "params": disk},
                {"name": "adf", "udf": "virtual_detector", "params": ring},
                {"name": "com", "udf": "com"},
                {"name": "sum", "udf": "sum"},
            ],
            "logging": {"level": "WARNING"},
        },
        "demo",
    )


@click.command()
@click.option(
    "--protocol",
    type=click.Choice(["simplon-v1", "simplon-v2"]),
    default="simplon-v2",
    show_default=True,
    help="What the detector speaks.",
)
@click.option("--scan", default="128x128", show_default=True, help="Scan shape in positions.")
@click.option("--sig", default="128x128", show_default=True, help="Detector shape in pixels.")
@click.option("--rate", default="2000", show_default=True, help="Frames per second, or max.")
@click.option("--pause", default=3.0, show_default=True, help="Seconds between two scans.")
@click.option("--scans", default="endless", show_default=True, help="How many scans.")
@click.option("--scene", default=SCENE, show_default=True, help="What the detector sees.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the page.")
@click.option(
    "--port", default=8420, show_default=True, type=click.IntRange(0, 65535),
    help="TCP port of the page; 0 takes any free one.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 1024), help="Worker processes.")
def command(
    protocol: str, scan: str, sig: str, rate: str, pause: float, scans: str, scene: str,
    host: str, port: int, workers: int | None,
) -> None:  # fmt: skip
    """A simulated detector over real ZeroMQ, live processing, and a page to look at."""
    nav, frame = _shape(scan, "--scan"), _shape(sig, "--sig")
    # until the service listens to signals itself, SIGTERM is to end us as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        detector, endpoint = start_detector(
            [protocol, "--scan", scan, "--sig", sig, "--rate", rate, "--pause", str(pause),
             "--scans", scans, "--scene", scene]
        )  # fmt: skip
        try:
            server = {"host": host, "port": port}
            config = demo_config(endpoint, nav, frame, server=server, workers=workers)
            asyncio.run(Service(config).run(announce=announce))
        finally:
            stop_detector(detector)
    except KeyboardInterrupt:
        return  # to be ended is what a demo is for


def _shape(text: str, option: str) -> tuple[int, int]:
    try:
        height, width = (int(part) for part in text.split("x"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not like 128x128", param_hint=option) from None
    if height < 1 or width < 1:
        raise click.BadParameter(f"{text!r} has an empty axis", param_hint=option)
    return height, width
