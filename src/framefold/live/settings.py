"""What a stream is told: where to listen, how the scan runs, how much memory it may have."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from framefold.core.pixel_mask import checked_masked
from framefold.core.position_table import PositionTable, whole_numbers
from framefold.core.scan_rule import ScanRule
from framefold.errors import ConfigError
from framefold.live.announcement import ScanChoice
from framefold.live.ring import COUNTERS_BYTES
from framefold.live.shared_table import with_shared_table

MIB = 1 << 20
PROCESSING = ("lossless", "newest")
TRANSPORTS = ("auto", "zmtp", "libzmq", "mpx")


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Everything a receiver must know before the first message.

    Parameters
    ----------
    endpoint : str
        Where the detector sends, e.g. ``tcp://detector:9999``.
    protocol : str
        A name of the protocol table, or ``"auto"`` to tell by the first message.
    channel : str or None
        Which channel to take where a frame has several; None for the first.
    nav_shape : tuple of int or None
        Scan shape, with at most two ``-1``; None to go by the number of frames promised.
    sync_offset : int
        Frames to skip at the start, or positions to leave blank (negative).
    scan_order : str or None
        ``"raster"`` or ``"snake"``; None for a raster.
    flyback, lead_in : int or None
        Frames behind each line, and before the first one, that belong to no position; None for
        none.
    frames_per_position : int
        Frames at each position, one after another.
    repeats : str
        What becomes of these: ``"axis"``, one more navigation axis; a stream does not sum them.
    ring_bytes : int
        Shared memory for frames on their way [bytes].
    keep_bytes : int
        How much is kept in the ring after it was processed, for whoever looks at a frame, but not
        more than half of the slots; 0 for nothing [bytes].
    block_bytes : int
        Length of a slot of the ring, which collects encoded frames [bytes].
    frames_per_block : int or None
        Frames handed to a worker at a time; None for "auto", by the rate at which they come.
    update_seconds : float
        How often results should move [s]; a slot older than that goes as it is.
    idle_seconds : float or None
        Silence after which an acquisition is taken for over [s]; None or infinity to wait
        for ever.
    log_level : str
        From which level on the receiver logs to stderr.
    hold : bool
        Whether each series waits for `HeldStream.take`, which says how its scan runs, instead of
        being taken as soon as it is announced. Silence counts from its first frame on.
    masked : str
        What stands in the place of pixels that the detector masks: ``"zero"``, ``"repair"`` for
        the mean of their neighbours where the header tells which they are, or ``"raw"``.
    transport : str
        How the connection is read: ZeroMQ's by our own code (``"zmtp"``) or by the library
        (``"libzmq"``), Merlin's over TCP (``"mpx"``); ``"auto"`` for what goes with the protocol,
        and our own code as far as it goes.
    processing : str
        What happens to frames that come faster than they are worked on: ``"lossless"``, the
        detector has to wait, or ``"newest"``, the oldest are let go.
    positions : ndarray of int, PositionTable or None
        Where each frame belongs, as `ScanRule` takes it, instead of any order.

    Raises
    ------
    ConfigError
        If a number is not what a receiver could work with.
    """

    endpoint: str
    protocol: str = "auto"
    channel: str | None = None
    nav_shape: tuple[int, ...] | None = None
    sync_offset: int = 0
    scan_order: Literal["raster", "snake"] | None = None
    flyback: int | None = None
    lead_in: int | None = None
    frames_per_position: int = 1
    repeats: Literal["sum", "axis"] = "sum"
    ring_bytes: int = 256 * MIB
    keep_bytes: int = 64 * MIB
    block_bytes: int = 8 * MIB
    frames_per_block: int | None = None
    update_seconds: float = 0.25
    idle_seconds: float | None = 30.0
    log_level: str = "WARNING"
    hold: bool = False
    masked: str = "zero"
    transport: str = "auto"
    processing: Literal["lossless", "newest"] = "lossless"
    positions: NDArray[np.int64] | PositionTable | None = field(
        default=None, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        checked_masked(self.masked)
        if self.positions is not None and not isinstance(self.positions, PositionTable):
            object.__setattr__(self, "positions", whole_numbers(self.positions))
        if self.frames_per_position > 1 and self.repeats != "axis":
            raise ConfigError(
                f"frames_per_position={self.frames_per_position}: frames of a stream are not "
                'summed; give repeats="axis" for one more navigation axis'
            )
        if self.ring_bytes <= COUNTERS_BYTES:
            raise ConfigError(f"ring_bytes={self.ring_bytes}: a ring needs a MiB at least")
        if self.keep_bytes < 0:
            raise ConfigError(f"keep_bytes={self.keep_bytes}: give 0 or more")
        for name in ("block_bytes", "frames_per_block"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name}={value}: give at least 1")
        if not 0 <= self.update_seconds < math.inf:
            raise ConfigError(
                f"update_seconds={self.update_seconds}: give a number of seconds, 0 or more"
            )
        idle = self.idle_seconds
        if idle is not None and not idle > 0:
            raise ConfigError(
                f"idle_seconds={idle}: give more than 0 seconds, or None to wait for ever"
            )
        if idle == math.inf:
            object.__setattr__(self, "idle_seconds", None)
        if self.processing not in PROCESSING:
            known = ", ".join(PROCESSING)
            raise ConfigError(f"processing={self.processing!r}: give one of {known}")
        if self.transport not in TRANSPORTS:
            known = ", ".join(TRANSPORTS)
            raise ConfigError(f"transport={self.transport!r}: give one of {known}")
        if self.log_level not in logging.getLevelNamesMapping():
            known = ", ".join(logging.getLevelNamesMapping())
            raise ConfigError(f"log_level={self.log_level!r}: give one of {known}")

    def chosen(self, choice: ScanChoice) -> StreamSettings:
        """The settings of one series, for which somebody chose how its scan runs."""
        told = {
            name: value
            for name in ("scan_order", "flyback", "lead_in", "frames_per_position", "positions")
            if (value := getattr(choice, name)) is not None
        }
        return replace(
            self,
            nav_shape=choice.nav_shape,
            sync_offset=choice.sync_offset,
            frames_per_block=choice.frames_per_block or self.frames_per_block,
            repeats="axis",
            **told,
        )

    def laid_out(self) -> StreamSettings:
        """The same settings with the positions a table that is shared, for all series.

        Raises
        ------
        ScanError
            If positions do not go with what else was said of the scan.
        """
        rule = with_shared_table(self.rule)
        return replace(self, nav_shape=rule.nav_shape, positions=rule.positions)

    @property
    def rule(self) -> ScanRule:
        """What was said of the scan."""
        return ScanRule(
            self.nav_shape,
            self.sync_offset,
            order=self.scan_order,
            flyback=self.flyback,
            lead_in=self.lead_in,
            frames_per_position=self.frames_per_position,
            repeats=self.repeats,
            positions=self.positions,
        )
