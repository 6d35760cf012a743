"""Comparison of two result files: where their values, and what they hold for valid, differ."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.representations.result_file import channels, opened

_BYTES = 32 << 20
"""How much of an array is looked at in one go [bytes]."""

_COVERAGE = "entry/coverage/state"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a channel differs.

    Parameters
    ----------
    udf, channel : str
        Which; ``"coverage"`` stands for the state of the positions.
    what : str
        ``"values"``, ``"valid"`` (what means something), ``"shape"``, ``"dtype"``, or ``"absent"``.
    detail : str
        In words, where there is no number.
    places : int
        Positions, pixels or values that differ.
    of : int
        Of how many.
    largest : float or None
        The largest difference; None where it is none of numbers.
    where : tuple of int or None
        Index of it in the array.
    values : tuple of str
        What the files hold there.
    """

    udf: str
    channel: str
    what: str
    detail: str = ""
    places: int = 0
    of: int = 0
    largest: float | None = None
    where: tuple[int, ...] | None = None
    values: tuple[str, ...] = ()

    def as_text(self) -> str:
        """The facts in a line."""
        name = f"{self.udf}.{self.channel}: {self.what}"
        if self.detail:
            return f"{name}: {self.detail}"
        told = f"{name}: {self.places} of {self.of} places differ"
        if self.where is None:
            return told
        size = "" if self.largest is None else f" by {self.largest:.6g}"
        at = ", ".join(map(str, self.where))
        return f"{told}, most{size} at [{at}]: {' against '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out of comparing two result files.

    Parameters
    ----------
    channels : tuple of str
        Those that are in both.
    differences : tuple of Difference
        None if the files say the same.
    """

    channels: tuple[str, ...]
    differences: tuple[Difference, ...]

    def as_dict(self) -> dict[str, object]:
        """The facts as plain values, for JSON; numbers that JSON does not know as text."""
        told = []
        for difference in self.differences:
            facts = asdict(difference)
            if difference.largest is not None and not math.isfinite(difference.largest):
                facts["largest"] = str(difference.largest)
            told.append(facts)
        return {"same": not told, "channels": list(self.channels), "differences": told}


def compare_results(
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
) -> Comparison:
    """Compare two result files, channel by channel.

    Values are compared where both files hold them for valid; NaN is equal to NaN.

    Parameters
    ----------
    first, second : path-like
        The files.
    rtol, atol : float
        Values a and b are the same if ``|a - b| <= atol + rtol * max(|a|, |b|)``. With either of
        them, other types of the same values are no difference.

    Raises
    ------
    DataError
        If one of them is no result file.
    """
    with opened(first) as a, opened(second) as b:
        ours, theirs = channels(a), channels(b)
        differences = [
            Difference(name[0], name[1], "absent", f"only in {os.fspath(path)}")
            for mine, other, path in ((ours, theirs, first), (theirs, ours, second))
            for name in mine
            if name not in other
        ]
        both = [name for name in ours if name in theirs]
        for name in both:
            differences += _channel(name, ours[name], theirs[name], rtol, atol)
        differences += _coverage(a, b)
    return Comparison(tuple(".".join(name) for name in both), tuple(differences))


def _channel(
    name: tuple[str, str], a: h5py.Group, b: h5py.Group, rtol: float, atol: float
) -> Iterator[Difference]:
    mine, other = a["data"], b["data"]
    if mine.shape != other.shape:
        yield Difference(*name, "shape", f"{mine.shape} against {other.shape}")
        return
    if mine.dtype != other.dtype and not (rtol or atol):
        yield Difference(*name, "dtype", f"{mine.dtype} against {other.dtype}")
    extra = len(a.attrs["extra_shape"]) if a.attrs["kind"] != "single" else 0
    valid, values = _Tally(mine.shape, extra), _Tally(mine.shape, extra)
    for at, box in _boxes(mine):
        known, theirs = np.asarray(a["valid"][box]), np.asarray(b["valid"][box])
        valid.note(at, known != theirs, None, known, theirs)
        left, right = _values(mine, box), _values(other, box)
        apart, size = _apart(left, right, rtol, atol)
        differs = apart & known & theirs
        values.note(at, differs, size, left, right)
    for what, tally in (("valid", valid), ("values", values)):
        if tally.places:
            yield tally.difference(name, what)


def _coverage(a: h5py.File, b: h5py.File) -> Iterator[Difference]:
    name = ("coverage", "state")
    mine, other = a[_COVERAGE], b[_COVERAGE]
    if mine.shape != other.shape:
        yield Difference(*name, "shape", f"{mine.shape} against {other.shape}")
        return
    tally = _Tally(mine.shape, 0)
    left, right = mine[()], other[()]
    tally.note(0, np.asarray(left != right), None, left, right)
    if tally.places:
        yield tally.difference(name, "values")


class _Tally:
    """Counts places that differ, and keeps the largest difference; box after box."""

    def __init__(self, shape: tuple[int, ...], extra: int) -> None:
        self._shape = shape
        self._inner = tuple(range(len(shape) - extra, len(shape)))
        self.places = 0
        self._largest = -1.0
        self._known = False
        self._where: tuple[int, ...] | None = None
        self._values: tuple[str, ...] = ()

    def note(
        self,
        at: int,
        differs: NDArray[np.bool_],
        size: NDArray[np.float64] | None,
        left: NDArray[Any],
        right: NDArray[Any],
    ) -> None:
        """Take in one box that begins at index ``at`` of the first axis."""
        if not differs.any():
            return
        places = differs.any(axis=self._inner) if self._inner else differs
        self.places += int(np.count_nonzero(places))
        weight = np.where(differs, 0.0 if size is None else size, -1.0)
        index = np.unravel_index(int(weight.argmax()), weight.shape)
        if float(weight[index]) <= self._largest:
            return
        self._largest, self._known = float(weight[index]), size is not None
        plain = tuple(int(i) for i in index)
        self._where = (plain[0] + at, *plain[1:]) if plain else ()
        self._values = (str(left[index]), str(right[index]))

    def difference(self, name: tuple[str, str], what: str) -> Difference:
        """What was counted."""
        outer = self._shape[: len(self._shape) - len(self._inner)]
        largest = self._largest if self._known else None
        return Difference(
            *name, what, "", self.places, math.prod(outer), largest, self._where, self._values
        )


def _boxes(dataset: h5py.Dataset) -> Iterator[tuple[int, Any]]:
    """An array in boxes along its first axis, none much larger than what is looked at at once."""
    if not dataset.ndim:
        yield 0, ()
        return
    row = max(1, dataset.dtype.itemsize * math.prod(dataset.shape[1:]))
    depth = max(1, _BYTES // row)
    for at in range(0, dataset.shape[0], depth):
        yield at, slice(at, at + depth)


def _values(dataset: h5py.Dataset, box: Any) -> NDArray[Any]:
    text = h5py.check_string_dtype(dataset.dtype) is not None
    return np.asarray(dataset.asstr()[box] if text else dataset[box])


def _apart(
    left: NDArray[Any], right: NDArray[Any], rtol: float, atol: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64] | None]:
    """Which values differ, and by how much; None where they are no numbers."""
    if left.dtype.kind not in "biufc" or right.dtype.kind not in "biufc":
        return np.asarray(left != right), None
    with np.errstate(all="ignore"):  # inf - inf, and what overflows, are dealt with below
        size = _size(left, right)
        same = (left == right) | ((left != left) & (right != right))
        # NaN against a number, and infinities of both signs, are as far apart as can be
        size = np.where(same, 0.0, np.where(np.isnan(size), np.inf, size))
        largest = np.maximum(np.abs(left), np.abs(right)) if rtol else 0.0
        allowed = atol + rtol * np.where(np.isfinite(largest), largest, 0.0)
    return np.asarray(~same & (size > allowed)), size


def _size(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """Absolute differences, exact for integers of one type until they become floats."""
    if left.dtype == right.dtype and left.dtype.kind in "iu":
        high, low = np.maximum(left, right), np.minimum(left, right)
        # modulo 2**64 this is right for signed types, too
        return np.asarray(high.astype(np.uint64) - low.astype(np.uint64), dtype=np.float64)
    wide = np.result_type(left, right, np.float64)
    return np.asarray(np.abs(left.astype(wide) - right.astype(wide)), dtype=np.float64)
