"""Hooks: what a user wants done at the moments of an acquisition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from framefold.core.losses import Losses
from framefold.core.reader import DataSet, Ending


class Acquiring(DataSet, Protocol):
    """The acquisition that hooks are called for; a `LiveAcquisition`."""

    @property
    def nav_shape(self) -> tuple[int, ...] | None:
        """Scan shape; None while it is not known."""

    @property
    def losses(self) -> Losses:
        """What was counted so far."""


class Moment(Protocol):
    """Results as they are at some moment, computed when they are looked at."""

    @property
    def buffers(self) -> tuple[dict[str, Any], ...]:
        """For each UDF, its result buffers by name."""

    @property
    def damage(self) -> Any:
        """Which scan positions are in `buffers`; nav-shaped bool."""


@dataclass(frozen=True, slots=True)
class ReadyForDataEnv:
    """What `Hooks.on_ready_for_data` gets.

    Parameters
    ----------
    aq : Acquiring
        What waits for the frames.
    """

    aq: Acquiring


@dataclass(frozen=True, slots=True)
class DetermineNavShapeEnv:
    """What `Hooks.on_determine_nav_shape` gets.

    Parameters
    ----------
    nimages : int or None
        Frames that the detector promised; None where it does not tell.
    shape_hint : tuple of int or None
        What was given as ``nav_shape``; may hold ``-1``.
    metadata : mapping
        What the detector said beside that, by its own names.
    """

    nimages: int | None
    shape_hint: tuple[int, ...] | None
    metadata: Any = None


@dataclass(frozen=True, slots=True)
class PartitionEnv:
    """What `Hooks.on_partition` gets.

    Parameters
    ----------
    aq : Acquiring
    partitions : int
        How many were merged, this one included.
    results : Moment
        ``results.buffers`` and ``results.damage``, computed when they are looked at.
    """

    aq: Acquiring
    partitions: int
    results: Moment


@dataclass(frozen=True, slots=True)
class EndEnv:
    """What `Hooks.on_complete` and `Hooks.on_abort` get.

    Parameters
    ----------
    aq : Acquiring
    results : Moment
        All there is.
    ending : Ending
        How the series ended, and what was lost.
    reason : str
        One sentence for people.
    """

    aq: Acquiring
    results: Moment
    ending: Ending
    reason: str


class Hooks:
    """Override what you need; each is called in the thread that waits for the run.

    An exception in one of them ends the run and is raised to whoever waits.
    """

    def on_ready_for_data(self, env: ReadyForDataEnv) -> None:
        """We listen, and a controller, where there is one, has armed the detector: arm it, or
        start the scan. Not called for a pending acquisition: others have armed it.
        """

    def on_determine_nav_shape(self, env: DetermineNavShapeEnv) -> tuple[int, ...] | None:  # noqa: ARG002 - for those who override it
        """The shape of the scan, when ``nav_shape`` left it open; None to leave it to us."""
        return None

    def on_partition(self, env: PartitionEnv) -> None:
        """More of the scan is in the results."""

    def on_complete(self, env: EndEnv) -> None:
        """The run is over, and the series had gone to its end; frames may have been lost."""

    def on_abort(self, env: EndEnv) -> None:
        """The run is over before its end: the series was cut short, the run cancelled, or
        something raised an exception.
        """
