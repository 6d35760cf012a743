"""The options of faults on the command line, alike for simulators and replays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from framefold.faults.faults import Faults

Command = Callable[..., Any]


def number_or(word: str, kind: type[int | float]) -> Callable[[str], int | float | None]:
    """A positive number, or one word that stands for None."""

    def convert(text: str) -> int | float | None:
        if text == word:
            return None
        try:
            number = kind(text)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is neither a number nor {word!r}") from error
        if not 0 < number < float("inf"):
            raise click.BadParameter(f"{text!r}: more than 0")
        return number

    return convert


FAULT_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--shuffle", type=int, metavar="SEED", help="send frames out of order"),
    click.option("--within", type=int, metavar="N", help="... but only within N frames"),
    click.option("--drop", default=0.0, help="probability that a frame is lost"),
    click.option("--duplicate", default=0.0, help="... is sent twice"),
    click.option("--truncate", default=0.0, help="... is cut short"),
    click.option("--corrupt", default=0.0, help="... has a byte of its pixels changed"),
    click.option("--garble", default=0.0, help="... cannot be read at all"),
    click.option("--mislabel", default=0.0, help="... names another pixel type than it has"),
    click.option("--late", default=0.0, help="... is held back"),
    click.option(
        "--late-by",
        type=number_or("end", int),
        metavar="N|end",
        default="64",
        show_default=True,
        help="frames that overtake it; end: it comes after the end of the series",
    ),
    click.option("--miscount", type=int, default=0, help="frames announced beyond what there is"),
    click.option("--no-header", is_flag=True, help="leave the header out"),
    click.option("--no-end", is_flag=True, help="leave the end out"),
    click.option("--header-after", type=int, metavar="N", help="send the header after N frames"),
    click.option("--join", type=int, metavar="N", help="header and N frames are gone already"),
    click.option("--pullers", type=int, default=0, help="other clients that take messages in turn"),
    click.option("--stall", type=int, metavar="N", help="after N frames, send nothing for a while"),
    click.option("--abort", type=int, metavar="N", help="... end the series"),
    click.option("--rearm", type=int, metavar="N", help="... begin the next, without an end"),
    click.option("--reboot", type=int, metavar="N", help="... close all, begin again to count"),
    click.option("--lasting", default=1.0, show_default=True, help="seconds of stall or reboot"),
    click.option("--only", type=int, metavar="N", help="all this in the Nth series alone, from 1"),
    click.option("--seed", default=0, help="of the faults"),
)
"""What may go wrong, with the names of `framefold.faults.faults.Faults`."""


def fault_options(command: Command) -> Command:
    """A command that takes all these options, as one argument ``faults``."""

    @functools.wraps(command)
    def taking(*args: Any, **options: Any) -> Any:
        told = {one.name: options.pop(one.name) for one in fields(Faults)}
        try:
            faults = Faults(**told)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return command(*args, faults=faults, **options)

    decorated: Command = taking
    for option in reversed(FAULT_OPTIONS):
        decorated = option(decorated)
    return decorated
