"""``framefold sim``: play a detector; hands over to the simulators' own program."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import click

from framefold.cli.demo import SIMULATORS


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Play a detector over real ZeroMQ: simplon-v1 or simplon-v2 (``--help`` lists options)."""
    if find_spec(SIMULATORS) is None:
        raise click.ClickException("the simulators are not installed")
    # becomes that program: signals and exit code are its own
    os.execv(sys.executable, [sys.executable, "-m", SIMULATORS, *arguments])
