"""The options that all simulated detectors have on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from framefold.faults.options import FAULT_OPTIONS, number_or
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
        type=number_or("max", float),
        metavar="N|max",
        default="1000",
        show_default=True,
        help="frames per second",
    ),
    click.option(
        "--scans",
        type=number_or("endless", int),
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
