"""``framefold repair``: finish recordings whose writer died."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from framefold.cli.exit_codes import FAILED
from framefold.errors import FramefoldError
from framefold.formats import recognise
from framefold.record.repair import repair
from framefold.wirelog.finishing import finish_log


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(path_type=Path, exists=True, dir_okay=False))  # fmt: skip
def command(paths: tuple[Path, ...]) -> None:
    """Finish recordings whose writer died: master files (*_master.h5) and wire logs (*.fflog).

    Frames and messages are not touched, and what is finished already stays as it is. Nobody may
    be recording these files. Exit codes: 0 all are well now, 1 some could not be finished.
    """
    failed = False
    for path in paths:
        try:
            if recognise(path)[0] == "wire_log":
                found, what = finish_log(path), "messages"
            else:
                found, what = repair(path), "frames"
        except FramefoldError as error:
            click.echo(f"{path}: {error}", err=True)
            failed = True
            continue
        click.echo(f"{path}: {'nothing to do' if found is None else f'{found} {what}'}")
    if failed:
        sys.exit(FAILED)
