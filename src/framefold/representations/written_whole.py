"""Files that appear whole or not at all: written beside their place, then put there in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from framefold.errors import DataError


def free_place(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Where a new file may go.

    Parameters
    ----------
    path : path-like
        Where it shall go.
    overwrite : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    pathlib.Path
        The same, absolute.

    Raises
    ------
    DataError
        If the file exists, or its folder does not.
    """
    target = Path(path).absolute()
    if target.is_dir():
        raise DataError(f"{target} is a directory; name a file in it")
    if target.exists() and not target.is_file():
        raise DataError(f"{target} is no regular file and is not replaced; choose another name")
    if target.exists() and not overwrite:
        raise DataError(f"{target} exists already; choose another name or allow overwriting")
    if not target.parent.is_dir():
        raise DataError(f"{target} cannot be written: the folder {target.parent} does not exist")
    return target


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file beside the target, put in its place at the end if all went well.

    Parameters
    ----------
    target : Path
        Where the file goes; absolute.

    Raises
    ------
    DataError
        If the folder may not be written to, or the disk is full.
    """
    try:
        # in the same folder, because only there it can be renamed in one step
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".part"
        )
        os.close(handle)
    except OSError as error:
        raise refused(target, error) from error
    fresh = Path(name)
    try:
        yield fresh
        fresh.chmod(_ordinary_mode())  # mkstemp makes it private
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.replace(target)
    except DataError:  # of what was read on the way, not of this file
        raise
    except (OSError, RuntimeError) as error:  # the HDF5 library reports a full disk as either
        raise refused(target, error) from error
    finally:
        fresh.unlink(missing_ok=True)


def _ordinary_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def refused(target: Path, error: OSError | RuntimeError) -> DataError:
    """What to tell of a file that could not be written."""
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC or "No space left" in str(error):
        # the library turns some failed writes into errors without a number
        return DataError(f"{target} cannot be written: the disk is full")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DataError(
            f"{target} cannot be written: the folder {target.parent} may not be written to by "
            "this user; choose another"
        )
    return DataError(f"{target} cannot be written: {error}")
