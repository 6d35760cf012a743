"""``framefold inspect``: what a recorded file is, and whether it is complete."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from framefold.cli.recording_options import recording_options
from framefold.formats import inspect_file


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@recording_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(path: Path, opening: dict[str, Any], as_json: bool) -> None:
    """Say what a recorded file is, and what it lacks.

    Exit codes: 0 for a complete recording, 1 for one with problems or none at all, 2 for a file
    that is not there.
    """
    found = inspect_file(path, **opening)
    click.echo(json.dumps(found.as_dict(), indent=2) if as_json else found.as_text())
    if not path.exists():
        sys.exit(2)
    if found.problems:
        sys.exit(1)
