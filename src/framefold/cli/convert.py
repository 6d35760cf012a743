"""``framefold convert``: a recording written anew in another form."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from framefold.cli.recording_options import recording_options
from framefold.conversion import Conversion, convert
from framefold.formats import open_dataset


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--to", "form", help="hdf5 (or nexus), npy or zarr; by the suffix when left out.")
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@click.option("--workers", type=click.IntRange(1), help="Threads that decode.")
@recording_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(
    source: Path,
    target: Path,
    form: str | None,
    overwrite: bool,
    workers: int | None,
    opening: dict[str, Any],
    as_json: bool,
) -> None:
    """Write a recording as HDF5 (NeXus), .npy or Zarr.

    Encoded frames go into HDF5 as they are; what must be decoded is decoded in parallel. HDF5 keeps
    the pixel mask, metadata and calibration, and which positions have no frame.
    """
    data_set = open_dataset(source, **opening)
    hidden = not sys.stderr.isatty()
    with tqdm(total=data_set.acquisition.scan.size, unit="frame", disable=hidden) as bar:

        def told(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = convert(
            data_set, target, form=form, overwrite=overwrite, workers=workers, told=told
        )
    click.echo(json.dumps(found.as_dict(), indent=2) if as_json else as_text(found))
    if found.damaged:
        sys.exit(1)


def as_text(found: Conversion) -> str:
    """What became of it, for people."""
    parts = [
        f"{count} frames {what}"
        for count, what in ((found.carried, "carried over as they are"), (found.decoded, "decoded"))
        if count
    ]
    lines = [f"{found.target}: {found.form}, {', '.join(parts)}, {found.bytes_written} bytes"]
    if found.missing:
        lines.append(f"  {found.missing} positions have no frame")
    if found.damaged:
        lines.append(f"  {found.damaged} frames are damaged and were left out")
    lines += [f"  {note}" for note in found.notes]
    return "\n".join(lines)
