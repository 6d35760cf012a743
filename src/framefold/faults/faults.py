"""Faults: what goes wrong between a detector and us, on purpose and repeatably."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Order = range | NDArray[np.int64]
"""Frame numbers, one after the other."""

CHANCES = ("drop", "duplicate", "truncate", "corrupt", "garble", "mislabel", "late")
"""Faults that each image may have."""

MOMENTS = ("stall", "abort", "rearm", "reboot")
"""Faults that happen once in a series."""

_COUNTS = (*MOMENTS, "header_after", "join", "pullers", "lasting")


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong in a series; the one list of options for all simulated detectors.

    Parameters
    ----------
    shuffle : int or None
        Seed of the order in which frames are sent; in order when None.
    within : int or None
        Shuffle only within stretches of so many frames.
    drop, duplicate, truncate, corrupt, garble, mislabel, late : float
        Probabilities that an image message is left out, sent twice, cut short, has a byte of its
        pixels changed, has its beginning made unreadable, names another pixel type than it has,
        or is held back.
    late_by : int or None
        Images that overtake one that is held back; None: it comes after the end of the series.
    miscount : int
        Frames announced beyond those that there are; fewer if negative.
    no_header, no_end : bool
        Leave that message out.
    header_after : int or None
        Send the header only after so many images.
    join : int or None
        The client joins late: neither the header nor the images of so many frames reach it.
    pullers : int
        Other clients that take messages in turn; with one of them every second message is lost.
    stall, abort, rearm, reboot : int or None
        After so many frames: send nothing for a while; end the series; begin the next series,
        without an end of this one; close all connections, and after a while begin again to
        number series. The series that follows ``rearm`` and ``reboot`` goes through.
    lasting : float
        How long a stall or a reboot takes [s].
    only : int or None
        The one series that all this happens in, counted from 1; in all when None.
    seed : int
        Same seed, same faults.

    Raises
    ------
    ValueError
        If a probability or a count is none.
    """

    shuffle: int | None = None
    within: int | None = None
    drop: float = 0.0
    duplicate: float = 0.0
    truncate: float = 0.0
    corrupt: float = 0.0
    garble: float = 0.0
    mislabel: float = 0.0
    late: float = 0.0
    late_by: int | None = 64
    miscount: int = 0
    no_header: bool = False
    no_end: bool = False
    header_after: int | None = None
    join: int | None = None
    pullers: int = 0
    stall: int | None = None
    abort: int | None = None
    rearm: int | None = None
    reboot: int | None = None
    lasting: float = 1.0
    only: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in CHANCES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, not a probability")
        for name in _COUNTS:
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, less than 0")
        for name in ("within", "late_by", "only"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} is {value}, less than 1")

    def order(self, frames: int) -> Order:
        """Frame numbers in the order in which to send them."""
        if self.shuffle is None:
            return range(frames)  # may be thousands of millions: that is how people say endless
        rng = np.random.default_rng(self.shuffle)
        if self.within is None:
            return rng.permutation(frames)
        numbers = np.arange(frames)
        for first in range(0, frames, self.within):
            rng.shuffle(numbers[first : first + self.within])
        return numbers

    def without_moments(self) -> Faults:
        """The same without what happens once, at some moment of a series."""
        return replace(self, stall=None, abort=None, rearm=None, reboot=None)

    def spares(self, taken: int) -> bool:
        """Whether nothing happens in the ``taken``-th series, counted from 1."""
        return self.only is not None and taken != self.only
