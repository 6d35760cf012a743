"""``framefold compare``: where two result files differ."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from framefold.cli.exit_codes import DIFFERENT, WRONG_USE
from framefold.errors import DataError
from framefold.representations.comparison import compare_results


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--rtol", type=click.FloatRange(0), default=0.0, help="Relative tolerance.")
@click.option("--atol", type=click.FloatRange(0), default=0.0, help="Absolute tolerance.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(first: Path, second: Path, rtol: float, atol: float, as_json: bool) -> None:
    """Show where two result files of `framefold run` differ.

    Values are compared where both files hold them for valid; NaN is equal to NaN. Exit codes:
    0 they are the same, 1 they differ, 2 one of them cannot be read.
    """
    try:
        found = compare_results(first, second, rtol=rtol, atol=atol)
    except DataError as error:  # 1 would say that they differ
        click.echo(f"framefold compare: {error}", err=True)
        sys.exit(WRONG_USE)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        for difference in found.differences:
            click.echo(difference.as_text())
        if not found.differences:
            click.echo(f"the same: {', '.join(found.channels) or 'no channels'}")
    if found.differences:
        sys.exit(DIFFERENT)
