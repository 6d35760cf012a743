"""Announcement: what a detector said of a series that waits to be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from framefold.core.position_table import PositionTable
from framefold.core.scan_rule import ScanRule
from framefold.core.scan_shapes import Guess


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a detector said of a series, before anybody said how its scan runs.

    Parameters
    ----------
    ident : int
        Its number among the receiver's series; what it is taken by.
    series : str
        The detector's identity of the series.
    number : int
        The detector's running number of the series; 0 where it tells none.
    sig_shape : tuple of int
        Rows and columns [pixels].
    dtype : numpy.dtype
        Pixel type, machine byte order.
    frames : int or None
        Frames promised; an upper bound, detectors are stopped early. None when unknown.
    channels : tuple of str
        Names of the images in each message.
    frame_time : float or None
        Time from frame to frame [s].
    metadata : mapping
        What the announcement held beside that, by the detector's own names.
    scan : Guess or None
        How the scan runs, where the announcement tells.
    """

    ident: int
    series: str
    number: int
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    frames: int | None
    channels: tuple[str, ...] = ()
    frame_time: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    scan: Guess | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScanChoice:
    """How the scan of an announced series runs.

    Parameters
    ----------
    nav_shape : tuple of int or None
        Scan shape, with at most two ``-1``; None to go by the number of frames promised.
    sync_offset : int
        Frames to skip at the start, or positions to leave blank (negative).
    frames_per_block : int or None
        Frames handed to a worker at a time; None for "auto".
    scan_order, flyback, lead_in, frames_per_position, positions
        As in `ScanRule`; frames at one position are not summed. None for what the stream was told.
    """

    nav_shape: tuple[int, ...] | None
    sync_offset: int = 0
    frames_per_block: int | None = None
    scan_order: Literal["raster", "snake"] | None = None
    flyback: int | None = None
    lead_in: int | None = None
    frames_per_position: int | None = None
    positions: NDArray[np.int64] | PositionTable | None = None

    @property
    def rule(self) -> ScanRule:
        """What was said of the scan."""
        return ScanRule(
            self.nav_shape,
            self.sync_offset,
            order=self.scan_order,
            flyback=self.flyback,
            lead_in=self.lead_in,
            frames_per_position=self.frames_per_position or 1,
            repeats="axis",
            positions=self.positions,
        )
