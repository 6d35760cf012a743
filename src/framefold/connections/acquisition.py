"""LiveAcquisition: what a connection receives, as a data set for runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from framefold.connections.acquired import AcquiredReader
from framefold.connections.connection import Connection
from framefold.connections.hooks import Hooks, ReadyForDataEnv
from framefold.connections.nav_shape import determined, is_concrete
from framefold.connections.pending import PendingAcquisition
from framefold.core.acquisition import Acquisition
from framefold.core.losses import Losses
from framefold.core.position_table import whole_numbers
from framefold.core.reader import Ending
from framefold.core.roi import RoiMaker
from framefold.core.scan_rule import ScanRule
from framefold.core.shape import Shape
from framefold.errors import ParameterError, RunFailedError, ScanError, UDFRunCancelled
from framefold.live.announcement import ScanChoice
from framefold.live.shared_table import with_shared_table

log = logging.getLogger(__name__)


class Controller(Protocol):
    """Commands a detector, for an acquisition that we start ourselves."""

    def arm(self, nav_shape: tuple[int, ...] | None) -> int | None:
        """Apply the settings and arm; the number of the series that comes, where it has one."""

    def disarm(self) -> None:
        """Have the detector give up the series."""


class LiveAcquisition:
    """What a connection receives, as a data set.

    With a pending acquisition it is that one, and can be run once. Otherwise each run waits for
    the next one; a controller, where given, arms the detector for it.

    Parameters
    ----------
    conn : Connection
    nav_shape : tuple of int or None
        Scan shape, with at most two ``-1``; None to have it found out.
    frames_per_partition : int or None
        Frames handed to a worker at a time; None for what suits.
    controller : Controller or None
    pending_aq : PendingAcquisition or None
    hooks : Hooks
    rule : ScanRule or None
        What else was said of the scan.
    """

    array_backends = ("numpy",)

    def __init__(
        self,
        conn: Connection,
        nav_shape: tuple[int, ...] | None,
        frames_per_partition: int | None,
        controller: Controller | None,
        pending_aq: PendingAcquisition | None,
        hooks: Hooks,
        rule: ScanRule | None = None,
    ) -> None:
        self._conn = conn
        self._rule = with_shared_table(rule or ScanRule(nav_shape, repeats="axis"))
        self._hint = nav_shape
        self._frames_per_partition = frames_per_partition
        self._controller = controller
        self._pending = pending_aq
        self._hooks = hooks
        self._known: Acquisition | None = None
        self._reader: AcquiredReader | None = None
        if pending_aq is not None:
            self._settle(pending_aq)

    def _settle(self, pending: PendingAcquisition) -> tuple[int, ...]:
        scan = determined(pending, self._rule, self._hooks)
        self._known = pending.acquisition(scan)
        return scan.shape

    @property
    def nav_shape(self) -> tuple[int, ...] | None:
        """Scan shape; None while it is not known."""
        if self._known is not None:
            return self._known.nav_shape
        return self._hint if is_concrete(self._hint) else None

    @property
    def acquisition(self) -> Acquisition:
        """What is known of the measurement.

        Raises
        ------
        RunFailedError
            If it was not announced yet.
        """
        if self._known is None:
            raise RunFailedError(
                "nothing is known of this acquisition before the detector announces it; give "
                "pending_aq=conn.wait_for_acquisition(), or ask once it runs"
            )
        return self._known

    @property
    def shape(self) -> Shape:
        """Scan and detector; raises as `acquisition`."""
        sig = self.acquisition.sig_shape
        return Shape((*self.acquisition.nav_shape, *sig), len(sig))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type; raises as `acquisition`."""
        return self.acquisition.dtype

    raw_dtype = dtype

    @property
    def roi(self) -> RoiMaker:
        """Makes selections: ``aq.roi[3:7, 9:12]`` is a mask with these positions True."""
        return RoiMaker(self.nav_shape or self.acquisition.nav_shape)

    @property
    def losses(self) -> Losses:
        """What was counted in the run that began last."""
        return Losses() if self._reader is None else self._reader.losses()

    @property
    def ending(self) -> Ending | None:
        """How the run that began last ended; None before the first."""
        return None if self._reader is None else self._reader.ending()

    def reader(self) -> AcquiredReader:
        """The frames; waits for the detector's announcement.

        Raises
        ------
        RunFailedError
            If the connection is closed, or a pending acquisition was run or is over.
        UDFRunCancelled
            If the connection is closed while we wait.
        """
        self._conn.check_open()
        pending = self._pending
        armed = pending is None and self._controller is not None
        try:
            if pending is None:
                pending = self._announced()
            shape = self._known.nav_shape if self._pending and self._known else None
            shape = shape or self._settle(pending)
            rule = self._rule
            each = rule.frames_per_position
            choice = ScanChoice(
                shape if each == 1 else shape[:-1],  # the last one counts the frames at each
                rule.sync_offset,
                self._frames_per_partition,
                scan_order=rule.order,
                flyback=rule.flyback,
                lead_in=rule.lead_in,
                frames_per_position=None if each == 1 else each,
                positions=rule.positions,
            )
            reader = self._conn.take(pending, choice)
        except BaseException:
            self._given_up(armed)
            raise
        self._known = reader.acquisition
        self._reader = AcquiredReader(reader, self, self._hooks, lambda: self._given_up(armed))
        return self._reader

    def _announced(self) -> PendingAcquisition:
        """Arm, say that we listen, and wait for the detector to announce the series."""
        self._conn.wait_ready()
        series = None
        if self._controller is not None:
            series = self._controller.arm(self.nav_shape_to_arm())
        self._hooks.on_ready_for_data(ReadyForDataEnv(self))
        while (pending := self._conn.next_pending(None)) is not None:
            if series is None or pending.series == series:
                return pending
            self._conn.leave(pending)  # of before we armed
        raise UDFRunCancelled("the connection was closed before a series was announced")

    def nav_shape_to_arm(self) -> tuple[int, ...] | None:
        """The scan shape that a controller needs to know beforehand.

        Raises
        ------
        ScanError
            If it has ``-1``: who arms decides how many frames come.
        """
        if self._hint is not None and not is_concrete(self._hint):
            raise ScanError(
                f"nav_shape={self._hint}: an acquisition that we arm ourselves needs it whole"
            )
        return self._hint

    def _given_up(self, armed: bool) -> None:
        if armed and self._controller is not None:
            try:
                self._controller.disarm()
            except RunFailedError as error:
                # why we gave up is more to the point
                log.warning("detector not disarmed error=%s", error)


def make_acquisition(
    conn: Connection,
    nav_shape: Sequence[int] | None = None,
    frames_per_partition: int | None = None,
    controller: Controller | None = None,
    pending_aq: PendingAcquisition | None = None,
    hooks: Hooks | None = None,
    *,
    sync_offset: int = 0,
    scan_order: Literal["raster", "snake"] | None = None,
    flyback: int | None = None,
    lead_in: int | None = None,
    frames_per_position: int = 1,
    positions: ArrayLike | None = None,
) -> LiveAcquisition:
    """What a connection receives, as a data set for ``run_udf`` and ``run_udf_iter``.

    Parameters
    ----------
    conn : Connection
        What ``make_connection(...).open(...)`` gave.
    nav_shape : sequence of int, optional
        Scan shape; up to two axes may be ``-1``. When left out, the hook
        ``on_determine_nav_shape`` is asked, then the source, and then it is guessed, with a
        warning.
    frames_per_partition : int, optional
        Frames handed to a worker at a time; what suits when left out. Results move sooner
        where frames come slowly.
    controller : Controller, optional
        Arms the detector when a run begins, e.g. ``conn.get_active_controller(...)``.
    pending_aq : PendingAcquisition, optional
        What ``conn.wait_for_acquisition()`` gave; otherwise each run waits for the next one.
    hooks : Hooks, optional
        What is to be done meanwhile.
    sync_offset : int
        Frames to skip at the start, or positions to leave blank there (negative).
    scan_order : str, optional
        ``"raster"`` or ``"snake"``.
    flyback, lead_in : int, optional
        Frames behind each line, and before the first one, that belong to no position.
    frames_per_position : int
        Frames at each position, one after another; one more navigation axis counts them.
    positions : array-like of int, optional
        Where each frame belongs, instead of any order: flat positions, or indices along the axes.

    Returns
    -------
    LiveAcquisition

    Raises
    ------
    ParameterError
        If something of it is of the wrong kind.
    ScanError
        If the scan does not go with the frames that a pending acquisition promises, or with
        ``positions``.
    """
    if not isinstance(conn, Connection):
        raise ParameterError(f"conn={conn!r}: give what make_connection(...).open(...) returns")
    if hooks is not None and not isinstance(hooks, Hooks):
        raise ParameterError(f"hooks={hooks!r}: give an object of a class derived from Hooks")
    if frames_per_partition is not None and frames_per_partition < 1:
        raise ParameterError(f"frames_per_partition={frames_per_partition}: give 1 or more")
    if pending_aq is not None and controller is not None:
        raise ParameterError("a pending acquisition is armed already: leave the controller out")
    shape = None if nav_shape is None else tuple(int(n) for n in nav_shape)
    if shape is not None and (not shape or any(n < 1 and n != -1 for n in shape)):
        raise ScanError(f"nav_shape={shape}: axes are 1 or longer, or -1 to be worked out")
    if shape is not None and shape.count(-1) > 2:
        raise ScanError(f"nav_shape={shape}: at most two axes can be worked out")
    rule = ScanRule(
        shape,
        sync_offset,
        order=scan_order,
        flyback=flyback,
        lead_in=lead_in,
        frames_per_position=frames_per_position,
        repeats="axis",
        positions=None if positions is None else whole_numbers(positions),
    )
    return LiveAcquisition(
        conn, shape, frames_per_partition, controller, pending_aq, hooks or Hooks(), rule
    )
