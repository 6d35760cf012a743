"""PartitionResult: what one partition adds to a run, on its way from worker to main side."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from framefold.core.tally import Key, Spent


@dataclass(frozen=True)
class UDFError:
    """What a UDF raised, in a form that can always travel.

    Parameters
    ----------
    exception : BaseException or None
        The exception itself; None on the other side if it cannot be pickled.
    type_name, message, traceback : str
        The same as text.
    hook : str
        Method of the UDF that was called, if that is known.
    """

    exception: BaseException | None
    type_name: str
    message: str
    traceback: str
    hook: str = ""

    @classmethod
    def of(cls, error: BaseException, hook: str = "") -> Self:
        """The error of an exception that is being handled."""
        text = "".join(traceback.format_exception(error))
        return cls(error, type(error).__name__, str(error), text, hook)

    def __reduce__(self) -> tuple[object, ...]:
        try:
            payload = cloudpickle.dumps(self.exception)
        except Exception:  # noqa: BLE001 - users' exceptions may hold anything; the text remains
            payload = None
        facts = (self.type_name, self.message, self.traceback, self.hook)
        return (_received, (payload, *facts))


def _received(
    payload: bytes | None, type_name: str, message: str, traceback_text: str, hook: str
) -> UDFError:
    exception: BaseException | None = None
    if payload is not None:
        try:
            exception = cloudpickle.loads(payload)
        except Exception:  # noqa: BLE001 - e.g. a constructor that wants more; the text remains
            exception = None
    if exception is not None:
        # the frames stay behind in the worker, their text does not
        exception.add_note(f"\nin a worker:\n{traceback_text}")
    return UDFError(exception, type_name, message, traceback_text, hook)


@dataclass(frozen=True, eq=False)
class PartitionResult:
    """What the UDFs made of one partition.

    Parameters
    ----------
    start : int
        Number of the first frame among the selected ones.
    count : int
        How many frames [frames].
    results : tuple of (mapping of str to ndarray, or UDFError)
        One entry for each UDF: its arrays, private ones included; or why there are none.
    spent : mapping of (int, str) to Spent
        Where time went, by number of the UDF and hook.
    numbers : ndarray of int64, shape (count,), or None
        Number of each frame among the selected ones, where there are holes between them.
    """

    start: int
    count: int
    results: tuple[Mapping[str, NDArray[Any]] | UDFError, ...]
    spent: Mapping[Key, Spent] = field(default_factory=dict)
    numbers: NDArray[np.int64] | None = None

    @property
    def rows(self) -> slice | NDArray[np.int64]:
        """Where its rows are in a nav buffer of the run, as an index."""
        return slice(self.start, self.start + self.count) if self.numbers is None else self.numbers
