"""Finish logs whose writer died: give them the index they lack."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from framefold.errors import DataError
from framefold.wirelog import layout
from framefold.wirelog.reading import WireLog


def finish_log(path: str | os.PathLike[str]) -> int | None:
    """Append the index to a log that was not closed; nothing that is in it is touched.

    Parameters
    ----------
    path : path-like
        The log. Nobody may be writing it.

    Returns
    -------
    int or None
        How many messages it holds; None if there was nothing to do.

    Raises
    ------
    DataError
        If it is no wire log, or cannot be written.
    """
    log = WireLog(path)
    if log.is_closed:
        return None
    body = log.index.astype("<u8").tobytes()
    count, place = len(log), log.nbytes
    head = bytearray(layout.RECORD_HEAD.pack(layout.INDEX, 0, len(body), 0, 0, 0, 0, count))
    check = zlib.crc32(body, zlib.crc32(head[layout.CHECKED_FROM :]))
    head[4:8] = check.to_bytes(4, "little")
    try:
        with Path(path).open("ab") as file:
            file.write(head + body + layout.TRAILER.pack(place, count, layout.END_MAGIC))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
    return count
