"""``framefold udf check``: whether a UDF keeps the rules, before it is let loose on data."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from framefold.analyses import make_udf
from framefold.analyses.pick import PickUDF
from framefold.api import Context
from framefold.cli.run import parse_udf
from framefold.errors import ParameterError
from framefold.formats import open_dataset
from framefold.testing import CHECKS, ContractBroken, Trial
from framefold.testing.udf_tests import small_scan

MOST_BYTES = 16 << 20
"""How much of a recording is used: enough to be cut in many ways, little enough to be quick."""


@click.command()
@click.argument("udf", metavar="UDF[,PARAM=VALUE...]")
@click.option("--on", "path", type=click.Path(), help="A recording; its first frames are used.")
@click.option(
    "--order-matters",
    "ordered",
    multiple=True,
    metavar="RESULT",
    help="A result that depends on the order of frames by intention; repeatable.",
)
@click.option("--rtol", default=1e-5, show_default=True, help="How far floats may differ.")
@click.option("--seed", default=0, show_default=True, help="Of the random cuts.")
def command(udf: str, path: str | None, ordered: tuple[str, ...], rtol: float, seed: int) -> None:
    """Check that a UDF gives the same however a scan is cut, ordered, selected and lost.

    UDF is a name that `framefold udf` lists, or MODULE:CLASS (the module is also looked for in
    the current folder). Without --on it is run on a small made-up scan.
    """
    entry = parse_udf(udf)
    if os.curdir not in sys.path and "" not in sys.path:
        sys.path.insert(0, "")
    make = partial(_made, entry["udf"], entry["params"])
    data, sig_dims = (small_scan(seed), 2) if path is None else beginning(Path(path))
    trial = Trial(make, data, sig_dims, rtol, ordered, seed)
    broken = 0
    for name, check in CHECKS.items():
        try:
            check(trial)
        except ContractBroken as found:
            broken += 1
            click.echo(f"{name:18} BROKEN\n  {found}")
        else:
            click.echo(f"{name:18} ok")
    if broken:
        raise click.ClickException(f"{entry['udf']} breaks {broken} of {len(CHECKS)} rules")


def _made(name: str, params: dict[str, Any]) -> Any:
    try:
        return make_udf(name, params)
    except (ImportError, AttributeError) as error:
        raise ParameterError(f"{name}: {error}; give MODULE:CLASS of an importable module") from (
            error
        )


def beginning(path: Path) -> tuple[NDArray[Any], int]:
    """The first frames of a recording, as a small scan.

    Parameters
    ----------
    path : Path
        Anything `open_dataset` reads.

    Returns
    -------
    data : ndarray, shape nav + sig
        At most 5 positions along each axis of the scan, and 16 MiB.
    sig_dims : int
    """
    dataset = open_dataset(path)
    facts = dataset.acquisition
    most = max(2, MOST_BYTES // max(1, facts.frame_bytes))
    nav: tuple[int, ...] = ()
    for length in reversed(facts.nav_shape):
        taken = max(1, min(5, length, most))
        nav, most = (taken, *nav), most // taken
    roi = np.zeros(facts.nav_shape, bool)
    roi[tuple(slice(0, n) for n in nav)] = True
    with Context.inline() as context:
        frames: Any = context.run_udf(dataset, PickUDF(), roi=roi)
    return frames["intensity"].data.reshape(*nav, *facts.sig_shape), len(facts.sig_shape)
