"""``framefold record``: log a detector's messages as they come, without making sense of them."""

from __future__ import annotations

import os
import platform
import signal
import time
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from framefold.errors import DataError
from framefold.live.connecting import connect
from framefold.record.wire_recorder import Until, record_wire
from framefold.wirelog import LogWriter


@click.command()
@click.argument("source", metavar="ENDPOINT")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False),
              help="The log, e.g. scan.fflog; a file that is not there yet.")  # fmt: skip
@click.option("--messages", type=click.IntRange(1), help="Stop after so many messages.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--idle", type=click.FloatRange(0, min_open=True),
              help="Stop after so many seconds without a message, once one came.")  # fmt: skip
@click.option("--zstd", type=click.IntRange(1, 19), metavar="LEVEL",
              help="Compress with Zstandard; compressed frames hardly shrink.")  # fmt: skip
@click.option("--transport", default="auto", show_default=True, help="auto, zmtp or libzmq.")
def command(
    source: str, output: Path, messages: int | None, seconds: float | None, idle: float | None,
    zstd: int | None, transport: str,
) -> None:  # fmt: skip
    """Log the messages of the detector at ENDPOINT bit for bit, with their times, until Ctrl-C.

    For example: framefold record tcp://detector:9999 -o scan.fflog
    """
    wake, told = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.write(told, b"x"))
    facts = {"source": source, "host": platform.node(), "begun": time.time()}
    quiet = bool(click.get_current_context().find_root().params.get("quiet"))
    with (
        connect(source, transport) as found,
        LogWriter(output, facts, zstd) as writer,
        tqdm(unit="message", disable=quiet or None) as bar,
    ):
        try:
            why = record_wire(
                found, writer, Until(messages, seconds, idle), wake, lambda n, _: _show(bar, n)
            )
        except OSError as error:
            raise DataError(
                f"{output}: {error}; the {writer.messages} messages before that are there"
            ) from error
    size = writer.nbytes / 1e6
    click.echo(f"{writer.messages} messages, {size:.1f} MB in {output} ({why})", err=True)


def _show(bar: Any, messages: int) -> None:
    bar.update(messages - bar.n)
