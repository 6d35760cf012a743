"""The options that all simulated detectors have on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from framefold_simulators.series import HEADER_DETAILS

Command = Callable[..., Any]


def _shape(text: str) -> tuple[int, ...]:
    """Numbers with an x between them."""
    try:
        shape = tuple(int(side) for side in text.lower().split("x"))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a shape like 64x64") from error
    if min(shape) < 1:
        raise click.BadParameter(f"{text!r}: sides are 1 or more")
    return shape


def _number_or(word: str, kind: type[int | float]) -> Callable[[str], int | float | None]:
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
        type=_number_or("end", int),
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
"""What may go wrong, with the names of `framefold_simulators.faults.Faults`."""

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--bind", default="tcp://127.0.0.1:0", show_default=True, help="where it sends"),
    click.option("--scan", type=_shape, metavar="NxN", help="scan shape; 64x64, or the file's"),
    click.option(
        "--sig", type=_shape, metavar="NxN", default="128x128", show_default=True, help="detector"
    ),
    click.option("--dtype", type=click.Choice(["uint8", "uint16", "uint32"]), help="pixel type"),
    click.option("--encoding", help="none, lz4 or bslz4 (default); Merlin: none or r64-12"),
    click.option("--block-bytes", default=8192, show_default=True, help="of compressed frames"),
    click.option(
        "--rate",
        type=_number_or("max", float),
        metavar="N|max",
        default="1000",
        show_default=True,
        help="frames per second",
    ),
    click.option(
        "--scans",
        type=_number_or("endless", int),
        metavar="N|endless",
        default="1",
        show_default=True,
        help="how many series",
    ),
    click.option("--pause", default=1.0, show_default=True, help="seconds between series"),
    click.option("--from", "file", help="FILE.npy, FILE.h5 or FILE.h5:/dataset"),
    click.option("--scene", default="", help="seed=0,counts=20,particles=14,deflection=3"),
    click.option("--header-detail", type=click.Choice(HEADER_DETAILS), default="basic"),
    click.option("--appendix", default="", help="text behind the header"),
    click.option("--image-appendix", default="", help="text behind each image"),
    click.option("--channels", default="", help="CBOR: names of images, a,b; threshold_1"),
    click.option("--checksums", is_flag=True, help="plain: with each image, to notice damage"),
    click.option(
        "--trigger-mode",
        type=click.Choice(["exts", "ints", "exte", "inte"]),
        default="exts",
        show_default=True,
    ),
    click.option("--pool", type=click.IntRange(1), help="distinct frames, prepared beforehand"),
    click.option("--api-port", type=click.IntRange(0, 65535), help="for commands; 0: a free one"),
    click.option("--wait-for-arm/--autostart", default=False, help="start a series on PUT arm"),
    click.option("--keep-running", is_flag=True, help="also when the parent process has ended"),
    *FAULT_OPTIONS,
)
