"""Snapshot: an immutable, numbered picture of all results of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.losses import Losses


class RunState(Enum):
    """The life of a run; it never goes back."""

    WAITING = "waiting"
    """There are no workers for it yet."""
    ARMED = "armed"
    """Everything is ready; no frame yet."""
    RUNNING = "running"
    """Frames come."""
    FINISHING = "finishing"
    """All frames have come; the last ones are being worked on."""
    COMPLETE = "complete"
    """All promised frames were received, as far as the scan has a place for them."""
    ABORTED = "aborted"
    """It ended before its time, or frames were lost; what there is stays."""
    FAILED = "failed"
    """It could not go on; what there is stays."""

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self in (RunState.COMPLETE, RunState.ABORTED, RunState.FAILED)


@dataclass(frozen=True, slots=True)
class Channel:
    """One result array at one version.

    Parameters
    ----------
    kind : str
        ``"nav"``, ``"sig"`` or ``"single"``.
    data : ndarray
        Read-only. nav: ``nav_shape + extra_shape``; sig: ``sig_shape + extra_shape``;
        single: as declared.
    valid : ndarray of bool
        Read-only; same shape as ``data``; where the values mean something.
    extra_shape : tuple of int
        The axes the UDF added.
    version : int
        Number of the snapshot in which this channel last changed.
    """

    kind: str
    data: NDArray[Any]
    valid: NDArray[np.bool_]
    extra_shape: tuple[int, ...]
    version: int

    @property
    def valid_fraction(self) -> float:
        """Share of the values that mean something, 0 to 1."""
        return float(np.count_nonzero(self.valid)) / self.valid.size if self.valid.size else 1.0


@dataclass(frozen=True, slots=True)
class UDFFailure:
    """A UDF that raised; the others of the run went on.

    Parameters
    ----------
    udf : str
        Its name in the run.
    error : str
        Type and message of what it raised.
    traceback : str
        Where, as text.
    """

    udf: str
    error: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All results of a run at one version; never changes once made.

    Parameters
    ----------
    version : int
        Grows by at least 1 with every snapshot in which something moved.
    acquisition : Acquisition
        What was measured.
    state : RunState
        How far the run has come.
    reason : str
        Why it ended as it did, or empty.
    results : mapping of str to mapping of str to Channel
        UDF name in the run -> channel name -> array.
    coverage : ndarray of uint8, shape nav_shape
        A `PositionState` for each position; read-only.
    merged, wanted : int
        Positions in the results, and positions selected.
    losses : Losses
        What was counted on the way.
    failures : tuple of UDFFailure
        UDFs that raised.
    created : float
        Wall-clock time [s since the epoch].
    report : mapping of str to float
        How long the last block was underway in each stage [s].
    """

    version: int
    acquisition: Acquisition
    state: RunState
    reason: str
    results: Mapping[str, Mapping[str, Channel]]
    coverage: NDArray[np.uint8]
    merged: int
    wanted: int
    losses: Losses
    failures: tuple[UDFFailure, ...] = ()
    created: float = 0.0
    report: Mapping[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Merged positions over wanted ones, 0 to 1."""
        return self.merged / self.wanted if self.wanted else 1.0
