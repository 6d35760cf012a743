"""``framefold udf``: list the UDFs that configurations and commands can name."""

from __future__ import annotations

import json

import click

from framefold import analyses


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """List the UDFs that can be named."""
    names = analyses.UDFS.names()
    if as_json:
        click.echo(json.dumps({name: analyses.UDFS.target(name) for name in names}))
        return
    for name in names:
        kind = analyses.UDFS.load(name)
        first = (kind.__doc__ or "").strip().splitlines()
        click.echo(f"{name:18} {first[0] if first else ''}")
