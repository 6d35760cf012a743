"""Story: how a recording went, as its master file tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from framefold.formats import recording_names as names


@dataclass(frozen=True, slots=True)
class Story:
    """How a recording went, so far.

    Parameters
    ----------
    state : str
        One of `framefold.formats.recording_names`.
    reason : str
        The same in a sentence.
    started, ended : float
        Times [s since the epoch]; ``ended`` is 0 while it lasts.
    losses : mapping of str to int
        What was counted between detector and ring.
    files : tuple of int
        Numbers of the data files there are.
    present : ndarray of uint8, shape (positions,), or None
        1 where there is a frame; None while it lasts.
    """

    state: str = names.RECORDING
    reason: str = "still being recorded"
    started: float = 0.0
    ended: float = 0.0
    losses: Mapping[str, int] = field(default_factory=dict)
    files: tuple[int, ...] = ()
    present: NDArray[np.uint8] | None = None
