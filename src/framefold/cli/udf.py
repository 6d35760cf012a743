"""``framefold udf``: the UDFs that configurations and commands can name, and what they take."""

from __future__ import annotations

import inspect
import json
from enum import Enum
from functools import partial
from typing import Any

import click

from framefold import analyses
from framefold.registry import load_target


class UDFNames(click.Group):
    """A group whose subcommands are ``check`` and every name of a UDF."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """What ``check`` is, or a command that tells about one UDF."""
        if cmd_name == "check":
            # late: it brings the formats, which listing names has no use for
            found: click.Command = load_target("framefold.cli.udf_check:command")
            return found
        if cmd_name == "list":
            return click.Command("list", callback=partial(list_names, ctx), help="List the names.")
        json_option = click.Option(["--json", "as_json"], is_flag=True, help="For programs.")
        return click.Command(cmd_name, params=[json_option], callback=partial(tell, cmd_name, ctx))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Those that are no names."""
        return ["check", "list"]


@click.group(cls=UDFNames, invoke_without_command=True, subcommand_metavar="[NAME | check UDF]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:  # noqa: ARG001 - read from the context
    """List the UDFs that can be named; with NAME, tell what one of them is and takes.

    `framefold udf check UDF` tests whether a UDF keeps the rules.
    """
    if ctx.invoked_subcommand is None:
        list_names(ctx)


def list_names(ctx: click.Context) -> None:
    """Print every name and what it stands for."""
    names = analyses.UDFS.names()
    if ctx.params.get("as_json", False):
        click.echo(json.dumps({name: analyses.UDFS.target(name) for name in names}))
        return
    for each in names:
        about = (inspect.getdoc(analyses.UDFS.load(each)) or "").partition("\n")[0]
        click.echo(f"{each:18} {about}")


def tell(name: str, ctx: click.Context, as_json: bool) -> None:
    """Say what one UDF is and takes."""
    kind = analyses.UDFS.load(name)
    facts = {"name": name, "parameters": _parameters(kind), "about": inspect.getdoc(kind) or ""}
    as_json = as_json or ctx.params.get("as_json", False)
    click.echo(json.dumps(facts) if as_json else _as_text(facts))


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
