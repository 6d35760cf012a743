"""Position tables in files: which frame belongs where, one line a frame."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.core.position_table import whole_numbers
from framefold.errors import DataError, ScanError

_MOST_BYTES = 1 << 30
"""A longer file is no table of positions."""

_SLOW_FIRST = (("y", "x"), ("row", "col"), ("row", "column"), ("line", "column"))
"""Names of columns that tell which axis is which."""


def read_positions(
    source: ArrayLike | str | os.PathLike[str] | None,
) -> NDArray[np.int64] | None:
    """A position table from an array, or from a CSV file of it.

    Parameters
    ----------
    source : array-like, path-like or None
        Numbers; or a text file with one frame a line, numbers apart by commas, semicolons, tabs
        or blanks. A first line of names may say ``x,y`` or ``y,x`` (or ``col,row``, ``row,col``);
        without it columns go from the slow axis to the fast one. Lines that begin with ``#``
        are remarks. A NumPy ``.npy`` file does, too.

    Returns
    -------
    ndarray of int64, shape (frames,) or (frames, axes); or None

    Raises
    ------
    DataError
        If there is no such file, or a line of it holds no numbers.
    ScanError
        If they are no whole numbers.
    """
    if source is None:
        return None
    if not isinstance(source, str | os.PathLike):
        return whole_numbers(source)
    path = Path(source)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"position table {path} has more than {_MOST_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"position table {path} cannot be read: {error}") from error
    if content.startswith(b"\x93NUMPY"):
        try:
            return whole_numbers(np.load(path, allow_pickle=False))
        except ValueError as error:
            raise DataError(f"position table {path} is damaged: {error}") from error
    try:
        found = _parsed(path, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"position table {path} is no text: {error}") from error
    try:
        return whole_numbers(found)
    except ScanError as error:
        raise ScanError(f"{path}: {error}") from error


def _parsed(path: Path, text: str) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    turned = False
    for number, line in enumerate(csv.reader(_lines(text)), start=1):
        words = [word.strip() for word in line]
        try:
            rows.append([float(word) for word in words])
        except ValueError as error:
            if rows or number > 1:
                raise DataError(f"line {number} of the position table {path}: {error}") from error
            names = tuple(word.lower() for word in words)
            turned = names[::-1] in _SLOW_FIRST
            if not turned and names not in _SLOW_FIRST and len(names) > 1:
                raise DataError(
                    f"position table {path} has the columns {', '.join(names)}; call them y,x or "
                    "row,col, or give one column"
                ) from error
        else:
            if len(rows[-1]) != len(rows[0]):
                raise DataError(
                    f"line {number} of the position table {path} has {len(rows[-1])} numbers, "
                    f"the first one {len(rows[0])}"
                )
    if not rows:
        raise DataError(f"position table {path} holds no numbers")
    found = np.array(rows)
    if found.shape[1] == 1:
        return found[:, 0]
    return found[:, ::-1] if turned else found


def _lines(text: str) -> list[str]:
    """Lines worth reading, with commas between the numbers."""
    found = []
    for line in text.splitlines():
        kept = line.strip()
        if kept and not kept.startswith("#"):
            if ";" in kept:
                kept = kept.replace(";", ",")
            elif "," not in kept:
                kept = ",".join(kept.split())
            found.append(kept)
    return found
