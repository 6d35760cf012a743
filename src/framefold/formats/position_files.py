"""Position tables in files: which frame belongs where, one line a frame."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.core.position_table import whole_numbers
from framefold.errors import DataError, ScanError

_MOST_BYTES = 1 << 30
"""A longer file is no table of positions."""

_SLOW_FIRST = (("y", "x"), ("row", "col"), ("row", "column"), ("line", "column"))
"""Names of columns that tell which axis is which."""

Line = tuple[int, list[str]]
"""The number of a line in its file, from 1, and the words on it."""


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
    found: NDArray[np.generic]
    if content.startswith(b"\x93NUMPY"):
        try:
            found = np.load(io.BytesIO(content), allow_pickle=False)
        except ValueError as error:
            raise DataError(f"position table {path} is damaged: {error}") from error
    else:
        try:
            found = _parsed(path, content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise DataError(f"position table {path} is no text: {error}") from error
    try:
        return whole_numbers(found)
    except ScanError as error:
        raise ScanError(f"position table {path}: {error}") from error


def _parsed(path: Path, text: str) -> NDArray[np.float64]:
    first = next(_lines(text), None)
    if first is None:
        raise DataError(f"position table {path} holds no numbers")
    number, words = first
    turned = False
    named = not _all_numbers(words)
    if named:
        names = tuple(word.strip("\"'").lower() for word in words)
        turned = names[::-1] in _SLOW_FIRST
        if not turned and names not in _SLOW_FIRST and len(names) > 1:
            raise DataError(
                f"line {number} of the position table {path} names the columns "
                f"{', '.join(names)}; call them y,x or row,col, or give one column"
            )
    found = _at_once(text, number if named else 0)
    if found is None:
        # slower by far, and knows the line that is wrong
        found = _line_by_line(path, islice(_lines(text), int(named), None))
    if found.shape[1] == 1:
        return found[:, 0]
    return found[:, ::-1] if turned else found


def _at_once(text: str, skipped: int) -> NDArray[np.float64] | None:
    """The numbers behind the first lines, if they are written alike; None if not."""
    start = 0
    for _ in range(skipped):
        start = text.index("\n", start) + 1 if "\n" in text[start:] else len(text)
    marks = [mark for mark in ";," if mark in text[start:]]
    if len(marks) > 1 or not text[start:].strip():
        return None
    try:
        return np.loadtxt(io.StringIO(text[start:]), delimiter=marks[0] if marks else None, ndmin=2)
    except ValueError:
        return None


def _line_by_line(path: Path, lines: Iterator[Line]) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    for number, words in lines:
        try:
            rows.append([float(word) for word in words])
        except ValueError as error:
            raise DataError(f"line {number} of the position table {path}: {error}") from error
        if len(rows[-1]) != len(rows[0]):
            raise DataError(
                f"line {number} of the position table {path} has {len(rows[-1])} numbers, "
                f"the first one {len(rows[0])}"
            )
    if not rows:
        raise DataError(f"position table {path} holds no numbers")
    return np.array(rows)


def _lines(text: str) -> Iterator[Line]:
    """Lines worth reading."""
    for number, line in enumerate(io.StringIO(text), start=1):
        kept = line.strip()
        if kept and not kept.startswith("#"):
            if ";" in kept or "," in kept:
                yield number, [word.strip() for word in kept.replace(";", ",").split(",")]
            else:
                yield number, kept.split()


def _all_numbers(words: list[str]) -> bool:
    try:
        return bool([float(word) for word in words])
    except ValueError:
        return False
