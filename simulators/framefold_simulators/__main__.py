"""``python -m framefold_simulators``, and ``framefold sim``, which becomes this program."""

import sys

import click

from framefold_simulators.cli import main


def program() -> int:
    """Play a detector; what is wrong with the command line becomes one line on stderr."""
    try:
        code = main(prog_name="framefold sim", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        where = "framefold sim" if context is None else context.command_path
        hint = "" if context is None else f" (see `{where} --help`)"
        click.echo(f"{where}: {' '.join(error.format_message().split())}{hint}", err=True)
        return error.exit_code
    except click.Abort:
        return 130
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(program())
