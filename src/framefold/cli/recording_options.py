"""What may be said of a recording on the command line, alike for every command that opens one."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--format", "format_", default="auto", show_default=True, help="File format."),
    click.option("--nav", help="Scan shape, e.g. 256,256 or 256,-1."),
    click.option("--sig", help="Detector shape (raw files)."),
    click.option("--dtype", help="Pixel type (raw files)."),
    click.option("--ds-path", help="Data set inside an HDF5 file."),
    click.option("--channel", help="Channel, where a file has several."),
    click.option(
        "--sync-offset", type=int, help="Frames to skip at the start; -N leaves N positions blank."
    ),
    click.option(
        "--scan-order", type=click.Choice(["raster", "snake"]), help="How the lines run."
    ),
    click.option(
        "--flyback", type=click.IntRange(0), help="Frames behind each line without a position."
    ),
    click.option(
        "--lead-in", type=click.IntRange(0), help="Frames before the first line."
    ),
    click.option(
        "--frames-per-position", type=click.IntRange(1), help="Frames at each position."
    ),
    click.option(
        "--repeats", type=click.Choice(["sum", "axis"]), help="What becomes of these."
    ),
    click.option("--positions", help="CSV or .npy file: where each frame belongs."),
    click.option(
        "-O", "--option", "more", multiple=True, metavar="NAME=VALUE",
        help="What the format takes beside that, e.g. -O frame_header_bytes=16; repeatable.",
    ),
)  # fmt: skip

_AS_THEY_ARE = (
    "dtype", "ds_path", "channel", "sync_offset", "scan_order", "flyback", "lead_in",
    "frames_per_position", "repeats", "positions",
)  # fmt: skip


def recording_options(function: Function) -> Function:
    """Give a command these options; it gets them as ``opening``, for `open_dataset`."""

    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        nav, sig = given.pop("nav"), given.pop("sig")
        opening = {name: given.pop(name) for name in _AS_THEY_ARE}
        opening["format"] = given.pop("format_")
        opening["nav_shape"] = parse_shape(nav, "--nav")
        opening["sig_shape"] = parse_shape(sig, "--sig")
        opening.update(_parsed(text) for text in given.pop("more"))
        told = {name: value for name, value in opening.items() if value is not None}
        return function(opening=told, **given)

    command: Any = wrapped
    for option in reversed(_OPTIONS):
        command = option(command)
    return command  # type: ignore[no-any-return]  # the same function with options on it


def parse_shape(text: str | None, option: str) -> tuple[int, ...] | None:
    """A shape such as ``64,64`` or ``64x-1``."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.lower().replace("x", ",").split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not like 64,64", param_hint=option) from None


def _parsed(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not like NAME=VALUE", param_hint="--option")
    try:
        return name, json.loads(value)
    except ValueError:  # text needs no quotes
        return name, value
