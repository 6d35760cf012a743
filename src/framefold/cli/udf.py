"""``framefold udf``: the UDFs that configurations and commands can name, and what they take."""

from __future__ import annotations

import inspect
import json
from enum import Enum
from typing import Any

import click

from framefold import analyses


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(name: str | None, as_json: bool) -> None:
    """List the UDFs that can be named; with NAME, tell what one of them is and takes."""
    if name is not None:
        kind = analyses.UDFS.load(name)
        facts = {"name": name, "parameters": _parameters(kind), "about": inspect.getdoc(kind) or ""}
        click.echo(json.dumps(facts) if as_json else _as_text(facts))
        return
    names = analyses.UDFS.names()
    if as_json:
        click.echo(json.dumps({name: analyses.UDFS.target(name) for name in names}))
        return
    for each in names:
        about = (inspect.getdoc(analyses.UDFS.load(each)) or "").partition("\n")[0]
        click.echo(f"{each:18} {about}")


def _parameters(kind: Any) -> dict[str, str]:
    """Name -> default as text, "needed" where there is none."""
    factory = getattr(kind, "with_params", kind)
    return {
        name: _told(known.default)
        for name, known in inspect.signature(factory).parameters.items()
        if known.kind in (known.KEYWORD_ONLY, known.POSITIONAL_OR_KEYWORD)
    }


def _told(default: object) -> str:
    if default is inspect.Parameter.empty:
        return "needed"
    # of a named number, what people can write
    return repr(default.value if isinstance(default, Enum) else default)


def _as_text(facts: dict[str, Any]) -> str:
    taken = ", ".join(f"{key}={value}" for key, value in facts["parameters"].items())
    return f"{facts['name']}({taken})\n\n{facts['about']}"
