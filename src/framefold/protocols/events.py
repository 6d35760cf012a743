"""What messages tell, whatever the language: a series starts, a frame arrives, a series ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from framefold.core.encoding import Encoding
from framefold.core.scan_shapes import Guess

Part = bytes | memoryview
"""One ZeroMQ frame of a message; a memoryview is contiguous and of single bytes."""


@dataclass(frozen=True, slots=True)
class Started:
    """A series was announced.

    Parameters
    ----------
    series : str
        Identity of the series: what all its messages carry.
    number : int
        The detector's running number of the series; 0 where it tells none.
    sig_shape : tuple of int or None
        Rows and columns [pixels]; None when the announcement does not tell.
    dtype : numpy.dtype or None
        Pixel type, machine byte order; None when the announcement does not tell.
    frames : int or None
        Frames promised; an upper bound, detectors are stopped early.
    channels : tuple of str
        Names of the images in each message; empty where the protocol has one unnamed.
    frame_time : float or None
        Time from frame to frame [s].
    metadata : mapping
        What the announcement held beside that, by the detector's own names; ``"notes"``,
        where present, is a tuple of sentences on what in it could not be used.
    scan : Guess or None
        How the scan runs, where the announcement tells.
    """

    series: str
    number: int
    sig_shape: tuple[int, ...] | None
    dtype: np.dtype[Any] | None
    frames: int | None
    channels: tuple[str, ...] = ()
    frame_time: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    scan: Guess | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """One frame came in.

    Parameters
    ----------
    series : str
        Identity of the series it says it belongs to.
    frame : int
        Its number in the series, from 0.
    payload : memoryview
        The encoded pixels; shares memory with the message part where the protocol allows.
    encoding : Encoding
        How to decode them.
    sig_shape : tuple of int
        Rows and columns [pixels].
    dtype : numpy.dtype
        Pixel type, machine byte order.
    """

    series: str
    frame: int
    payload: memoryview
    encoding: Encoding
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """A series is over, whether complete or not: few messages tell.

    Parameters
    ----------
    series : str
        Identity of the series.
    reason : str
        What the message called it, and what else it told.
    """

    series: str
    reason: str


Event = Started | Arrived | Ended
