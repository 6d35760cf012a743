"""Jobs: which recording goes to which result file; decided before anything is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framefold.errors import ConfigError

SUFFIX = ".results.h5"
"""What result files in a folder are called, behind the recording's name without its own suffix."""


@dataclass(frozen=True, slots=True)
class Job:
    """One recording and the file for its results.

    Parameters
    ----------
    source : Path
        The recording.
    target : Path or None
        Where results go; None if nobody keeps them.
    """

    source: Path
    target: Path | None


def make_jobs(
    sources: Sequence[Path], output: Path | None, *, folder: bool, replace: bool
) -> tuple[Job, ...]:
    """One job for each recording.

    Parameters
    ----------
    sources : sequence of Path
        The recordings.
    output : Path or None
        A file for one recording, or a folder for many; None if results are not kept.
    folder : bool
        Whether ``output`` is a folder; it is made if it is not there.
    replace : bool
        Whether result files may be there already: they are replaced or left as they are.

    Raises
    ------
    ConfigError
        If a result file could not be written, before hours are spent on what goes into it.
    """
    if output is None:
        return tuple(Job(source, None) for source in sources)
    if not folder:
        (source,) = sources
        _check(output, replace=replace)
        return (Job(source, output),)
    if output.exists() and not output.is_dir():
        raise ConfigError(f"--output {output} is a file; for several recordings name a folder")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--output {output} cannot be made: {error}") from error
    jobs: dict[Path, Path] = {}
    for source in sources:
        target = output / f"{source.name.removesuffix(source.suffix)}{SUFFIX}"
        if target in jobs:
            raise ConfigError(
                f"{jobs[target]} and {source} would both become {target}; "
                "run them apart, with a folder for each"
            )
        _check(target, replace=replace)
        jobs[target] = source
    return tuple(Job(source, target) for target, source in jobs.items())


def _check(target: Path, *, replace: bool) -> None:
    if target.is_dir():
        raise ConfigError(f"--output {target} is a directory; name a file in it")
    if target.exists() and not replace:
        raise ConfigError(f"--output {target} exists; --overwrite replaces it")
    folder = target.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"--output {target}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"--output {target}: the folder {folder} may not be written to")
