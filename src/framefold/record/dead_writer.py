"""Closing a data file for a writer that died, so that everybody may open it."""

from __future__ import annotations

import os
from pathlib import Path

from framefold.errors import DataError
from framefold.formats.unfinished import patches


def close_for_dead_writer(path: str | os.PathLike[str]) -> bool:
    """Mark a file as closed whose writer is gone, and mend what it had half written.

    What a SWMR writer has written is in order at any moment, but for pages of the chunk index
    whose writing a kill has cut in two; the flags say that it is still at work, and the end of the
    file is the one of the beginning. One who could not close it on a full disk has written the end
    that it would have had.

    Parameters
    ----------
    path : path-like
        The file. Nobody may be writing it.

    Returns
    -------
    bool
        Whether something had to be done.

    Raises
    ------
    DataError
        If it is not a file that we wrote, or cannot be written.
    """
    found = patches(path)
    try:
        if found:
            with Path(path).open("r+b") as file:
                # the superblock comes last: whoever dies before that is asked to do it again
                for at, piece in sorted(found.items(), reverse=True):
                    file.seek(at)
                    file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"{path} cannot be mended: {error.strerror}") from error
    return bool(found)
