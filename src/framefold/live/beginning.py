"""Beginning: from a header to the collection of its frames; who or what it has to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.errors import ScanError
from framefold.live.announcement import Announcement, ScanChoice
from framefold.live.assembler import Assembler, FreeSlots
from framefold.live.collection import Collection
from framefold.live.opening import announced, by_arrival, ring_shape, stretch_of
from framefold.live.settings import StreamSettings
from framefold.protocols import Started


@dataclass(frozen=True, slots=True)
class _Described:
    """A header, and what frames it means."""

    header: Started
    sig_shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


class Beginning:
    """Cuts the ring for one acquisition after the other.

    Every method that goes on with a beginning gives its collection, or None while that waits, and
    raises `FramefoldError` if there can be none; it is over then.

    Parameters
    ----------
    settings : StreamSettings
    path : str
        The ring's segment, as workers attach to it.
    memory : ndarray of uint8
        The ring.
    tell : callable
        Is given each announcement: a verb and its facts.

    Raises
    ------
    RingTooSmallError
        If no frame at all would fit into the ring.
    """

    def __init__(
        self,
        settings: StreamSettings,
        path: str,
        memory: NDArray[np.uint8],
        tell: Callable[..., None],
    ) -> None:
        self._settings = settings
        self._path = path
        self._memory = memory
        self._tell = tell
        self._shape = ring_shape(len(memory), 0, settings.block_bytes)
        self.free = FreeSlots(self._shape.slots)
        """Slots that nobody uses."""
        self._held: tuple[Announcement, _Described] | None = None  # waits to be taken
        self._opening: Acquisition | None = None  # waits for all slots to be cut anew
        self._scan_settings = settings  # of the series at hand

    @property
    def is_held(self) -> bool:
        """Whether a series waits for somebody to take it."""
        return self._held is not None

    @property
    def waits_for_slots(self) -> bool:
        """Whether an acquisition waits for slots that belong to the one before."""
        return self._opening is not None

    def announce(
        self, number: int, header: Started, sig_shape: tuple[int, ...], dtype: np.dtype[np.generic]
    ) -> Collection | None:
        """A series begins.

        Parameters
        ----------
        number : int
            Its number among the receiver's series.
        header : Started
        sig_shape, dtype
            Of the frames; from the header, or from the first frame where that left them open.
        """
        described = _Described(header, sig_shape, dtype)
        if not self._settings.hold:
            return self._choose(described)
        found = Announcement(
            number, header.series, header.number, sig_shape, dtype, header.frames,
            header.channels, header.frame_time, header.metadata, header.scan,
        )  # fmt: skip
        self._held = (found, described)
        self._tell("announced", found)
        return None

    def held_as(self, ident: int) -> bool:
        """Whether this is the series that waits to be taken."""
        return self._held is not None and self._held[0].ident == ident

    def take(self, choice: ScanChoice) -> Collection | None:
        """Somebody takes the series that is held."""
        assert self._held is not None
        (_, described), self._held = self._held, None
        self._scan_settings = self._settings.chosen(choice)
        return self._choose(described)

    def leave(self) -> None:
        """Nobody takes the series that is held."""
        self._held = None

    def withdraw(self, reason: str) -> None:
        """The series is over before it began; who was to take it is told why."""
        held, self._held = self._held, None
        self._opening = None
        if held is not None:
            self._tell("withdrawn", held[0].ident, reason)

    def _choose(self, described: _Described) -> Collection | None:
        header, settings = described.header, self._scan_settings
        ident = f"{header.series}-{time.time_ns():x}"
        acquisition = announced(ident, header, described.sig_shape, described.dtype, settings)
        shape = ring_shape(len(self._memory), acquisition.frame_bytes, settings.block_bytes)
        if shape != self._shape and not self.free.all_back:
            self._opening = acquisition  # slots still out belong to the old cut
            self._tell("recall")
            return None
        return self._begun(acquisition)

    def resume(self) -> Collection | None:
        """Slots came back: go on if these were all that was waited for."""
        if self._opening is None or not self.free.all_back:
            return None
        acquisition, self._opening = self._opening, None
        return self._begun(acquisition)

    def _begun(self, acquisition: Acquisition) -> Collection:
        shape = ring_shape(len(self._memory), acquisition.frame_bytes, self._settings.block_bytes)
        if shape != self._shape:
            self._shape, self.free = shape, FreeSlots(shape.slots)
        stretch = stretch_of(acquisition, self._scan_settings)
        scan = acquisition.scan
        try:
            assembler = Assembler(
                scan, stretch, shape, self.free, self._memory, acquisition.frames,
                by_arrival=by_arrival(scan, self._scan_settings.frames_per_block),
            )  # fmt: skip
        except (MemoryError, OverflowError) as error:
            raise ScanError(
                f"a scan of {scan.size} positions is more than memory holds; give nav_shape"
            ) from error
        return Collection(
            acquisition, assembler, shape, self._path,
            may_go_early=self._scan_settings.frames_per_block is None,
        )  # fmt: skip
