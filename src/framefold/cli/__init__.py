"""Commands. Each is imported when it is called, so that ``--help`` stays quick."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

import click

from framefold import __version__
from framefold.cli.exit_codes import INTERRUPTED
from framefold.errors import FramefoldError, nearest
from framefold.registry import load_target

PROGRAM = "framefold"

COMMANDS = {
    "demo": ("framefold.cli.demo:command", "Simulated detector, live processing, and a page."),
    "serve": ("framefold.cli.serve:command", "Process a detector's stream and serve the results."),
    "run": ("framefold.cli.run:command", "Run UDFs on a recorded file."),
    "inspect": ("framefold.cli.inspect:command", "Say what a recorded file is, and what it lacks."),
    "convert": ("framefold.cli.convert:command", "Write a recording in another form."),
    "record": ("framefold.cli.record:command", "Log a detector's messages as they come."),
    "replay": ("framefold.cli.replay:command", "Play a recording as if it were measured now."),
    "repair": ("framefold.cli.repair:command", "Finish recordings whose writer died."),
    "compare": ("framefold.cli.compare:command", "Show where two result files differ."),
    "sim": ("framefold.cli.sim:command", "Play a detector (simplon-v1, simplon-v2)."),
    "doctor": ("framefold.cli.doctor:command", "Look whether what is needed is there."),
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


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`framefold COMMAND --help` tells more. Exit codes: 0 all went well, 1 something went "
    "wrong, 2 wrong use, 130 interrupted.",
)
@click.version_option(__version__, message="framefold %(version)s")
@click.option("-v", "--verbose", count=True, help="Say more; twice for everything.")
@click.option("-q", "--quiet", is_flag=True, help="Errors only.")
def group(verbose: int, quiet: bool) -> None:
    """Run user-defined functions on a pixelated detector's frames, live or from a file."""
    levels = [logging.WARNING, logging.INFO, logging.DEBUG]
    level = logging.ERROR if quiet else levels[min(verbose, 2)]
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command; whatever goes wrong in a way we know of becomes a line on stderr.

    Parameters
    ----------
    arguments : list of str or None
        What follows the program's name; the process's own by default.

    Raises
    ------
    SystemExit
        Always: 0 all went well, 1 something went wrong, 2 wrong use, 130 interrupted.
    """
    try:
        code = group.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        code = _refused(error)
    except click.Abort:  # what click makes of Ctrl-C
        click.echo(f"{PROGRAM}: interrupted", err=True)
        code = INTERRUPTED
    except FramefoldError as error:
        click.echo(f"{PROGRAM}: {error}", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _refused(error: click.ClickException) -> int:
    """Say in one line what was wrong with the command line."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    where, hint = PROGRAM, ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        where = error.ctx.command_path
        hint = f" (see `{where} --help`)"
    click.echo(f"{where}: {' '.join(error.format_message().split())}{hint}", err=True)
    return error.exit_code
