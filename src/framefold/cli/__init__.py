"""Commands. Each is imported when it is called, so that ``--help`` stays quick."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from framefold.errors import FramefoldError, nearest
from framefold.registry import load_target

COMMANDS = {
    "demo": ("framefold.cli.demo:command", "Simulated detector, live processing, and a page."),
    "serve": ("framefold.cli.serve:command", "Process a detector's stream and serve the results."),
    "run": ("framefold.cli.run:command", "Run UDFs on a recorded file."),
    "inspect": ("framefold.cli.inspect:command", "Say what a recorded file is, and what it lacks."),
    "sim": ("framefold.cli.sim:command", "Play a detector (simplon-v1, simplon-v2)."),
    "udf": ("framefold.cli.udf:command", "List the UDFs that can be named."),
}
"""Name -> where it lives, and its line in the list. Listed here so that nothing is imported."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = load_target(COMMANDS[cmd_name][0])
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            guess = nearest(args[0], COMMANDS)
            hint = f"; did you mean {guess!r}?" if guess else f" (known: {', '.join(COMMANDS)})"
            ctx.fail(f"no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="framefold", message="framefold %(version)s")
@click.option("-v", "--verbose", count=True, help="Say more; twice for everything.")
@click.option("-q", "--quiet", is_flag=True, help="Errors only.")
def group(verbose: int, quiet: bool) -> None:
    """Run user-defined functions on a pixelated detector's frames, live or from a file."""
    levels = [logging.WARNING, logging.INFO, logging.DEBUG]
    level = logging.ERROR if quiet else levels[min(verbose, 2)]
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; errors we raise on purpose become one line and exit code 1."""
    try:
        return group.main(args=arguments, prog_name="framefold", standalone_mode=True)
    except FramefoldError as error:
        click.echo(f"framefold: {error}", err=True)
        sys.exit(1)
