"""Opening: what an acquisition is to be, before its first frame. Decisions only."""

from __future__ import annotations

from typing import Any

import numpy as np

from framefold.codecs.pixel_masks import told_mask
from framefold.core.acquisition import Acquisition
from framefold.core.pixel_mask import checked_masked
from framefold.core.scan import Scan
from framefold.errors import RingTooSmallError
from framefold.live.assembler import MOST_ROWS, frames_per_block
from framefold.live.ring import COUNTERS_BYTES, RingShape, aligned
from framefold.live.settings import MIB, StreamSettings
from framefold.protocols import Started

SPARE_BYTES = 64 << 10
"""Room beyond a frame's decoded size: incompressible frames grow a little when encoded."""

FEWEST_SLOTS = 3


def ring_shape(size: int, frame_bytes: int, block_bytes: int) -> RingShape:
    """How to cut a ring for frames of some size.

    Parameters
    ----------
    size : int
        Length of the ring's segment [bytes].
    frame_bytes : int
        One decoded frame [bytes].
    block_bytes : int
        What a slot should hold [bytes].

    Raises
    ------
    RingTooSmallError
        If that leaves too few slots to work with; it says how much memory would do.
    """
    head = RingShape(size, MOST_ROWS, 1).table_bytes
    room = max(block_bytes, frame_bytes + frame_bytes // 50 + SPARE_BYTES)
    room = min(room, aligned((size - COUNTERS_BYTES) // FEWEST_SLOTS - head) - 64)
    if room < frame_bytes + SPARE_BYTES:
        needed = COUNTERS_BYTES + FEWEST_SLOTS * (head + frame_bytes * 51 // 50 + 2 * SPARE_BYTES)
        raise RingTooSmallError(
            f"frames of {frame_bytes / MIB:.1f} MiB need a ring of at least "
            f"{-(-needed // MIB)} MiB; it has {size // MIB} MiB (buffers.shared_memory_mib)"
        )
    return RingShape(size, MOST_ROWS, aligned(head + room))


def announced(
    ident: str,
    header: Started,
    sig_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    settings: StreamSettings,
) -> Acquisition:
    """The acquisition that a header announces.

    Parameters
    ----------
    ident : str
        What tells it from all others.
    header : Started
    sig_shape, dtype
        Of the frames; from the header, or from the first frame where that left them open.
    settings : StreamSettings

    Raises
    ------
    ScanError
        If the scan shape is open and the header does not say how many frames come.
    """
    hints = () if header.scan is None else (header.scan,)
    return Acquisition(
        ident=ident,
        source=settings.endpoint,
        scan=settings.rule.fit(header.frames, hints).scan,
        sig_shape=tuple(sig_shape),
        dtype=np.dtype(dtype),
        frames=header.frames,
        metadata={
            "series": header.series,
            "frame_time": header.frame_time,
            "channels": header.channels,
            **header.metadata,
        },
        mask=told_mask(
            header.metadata, tuple(sig_shape), np.dtype(dtype), checked_masked(settings.masked)
        ),
    )


def by_arrival(scan: Scan, wanted: int | None) -> bool:
    """Whether slots collect frames as they come, and not by stretches of positions.

    Parameters
    ----------
    scan : Scan
    wanted : int or None
        How many frames of a stretch somebody wants in a block: the same ones, each time.
    """
    return scan.table is not None and wanted is None


def stretch_of(acquisition: Acquisition, settings: StreamSettings) -> int:
    """How many positions a slot of its ring should collect."""
    return frames_per_block(
        acquisition.frame_bytes,
        wanted=settings.frames_per_block,
        block_bytes=settings.block_bytes,
        frames=acquisition.scan.size,
    )
