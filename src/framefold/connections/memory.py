"""A detector in memory: an array that arrives frame by frame, for tests and tutorials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.connections.connection import Connection
from framefold.connections.memory_reader import MemoryReader
from framefold.connections.pending import PendingAcquisition
from framefold.errors import ParameterError, RunFailedError
from framefold.live.announcement import Announcement, ScanChoice
from framefold.live.settings import StreamSettings


class MemoryConnector:
    """Opens connections to arrays.

    Parameters
    ----------
    open_stream : callable
        Not used: nothing is listened to.
    """

    def __init__(self, open_stream: Callable[..., object]) -> None:
        del open_stream

    def open(
        self,
        data: ArrayLike,
        extra_kwargs: Mapping[str, Any] | None = None,
        *,
        sig_dims: int = 2,
        arrivals: Sequence[int] | None = None,
        **settings: Any,
    ) -> MemoryConnection:
        """A detector that sends an array.

        Parameters
        ----------
        data : array-like
            Scan axes first, detector axes last.
        extra_kwargs : mapping, optional
            ``sig_dims`` for those who give it here.
        sig_dims : int
            How many of the last axes belong to the detector.
        arrivals : sequence of int, optional
            Numbers of the frames in the order in which they arrive; those left out are lost.
        **settings
            The fields of `framefold.live.settings.StreamSettings` that say how frames are kept:
            ``ring_bytes``, ``block_bytes``, ``frames_per_block``.

        Raises
        ------
        ParameterError
            If that is no detector's data.
        """
        for name, value in (extra_kwargs or {}).items():
            if name != "sig_dims":
                raise ParameterError(f"extra_kwargs: {name!r} is not known here; sig_dims is")
            sig_dims = value
        array = np.asarray(data)
        if array.dtype.kind not in "uif" or not 0 < sig_dims < array.ndim:
            raise ParameterError(
                f"an array of {array.dtype} {array.shape} with sig_dims={sig_dims} holds no "
                "frames; give numbers, scan axes first"
            )
        try:
            made = StreamSettings("memory", **settings)
        except TypeError as error:
            raise ParameterError(f"memory settings: {error}") from error
        return MemoryConnection(array, sig_dims, arrivals, made)


class MemoryConnection(Connection):
    """A connection to an array; each acquisition sends it from the beginning.

    Parameters
    ----------
    array : ndarray
    sig_dims : int
    arrivals : sequence of int or None
    settings : StreamSettings
    """

    def __init__(
        self,
        array: NDArray[Any],
        sig_dims: int,
        arrivals: Sequence[int] | None,
        settings: StreamSettings,
    ) -> None:
        super().__init__()
        self._nav, self._sig = array.shape[:-sig_dims], array.shape[-sig_dims:]
        frames = math.prod(self._nav)
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        self._frames = np.ascontiguousarray(native.reshape(frames, *self._sig))
        self._arrivals: Iterable[int] = range(frames) if arrivals is None else tuple(arrivals)
        if any(not 0 <= number < frames for number in self._arrivals):
            raise ParameterError(f"arrivals: frames are numbered from 0 to {frames - 1}")
        self._settings = settings
        self._series = 0
        self._pending: PendingAcquisition | None = None
        self._closed = False

    def next_pending(self, timeout: float | None) -> PendingAcquisition | None:  # noqa: ARG002
        """See `Connection.next_pending`; there is one at once."""
        if self._closed:
            return None
        if self._pending is None:
            self._series += 1
            said = Announcement(
                ident=self._series,
                series=f"{self._series}",
                number=self._series,
                sig_shape=self._sig,
                dtype=self._frames.dtype,
                frames=len(self._frames),
            )
            self._pending = PendingAcquisition(said, repr(self), self._nav)
        return self._pending

    def take(self, pending: PendingAcquisition, choice: ScanChoice) -> MemoryReader:
        """See `Connection.take`."""
        if self._closed or pending is not self._pending:
            raise RunFailedError(f"series {pending.series} is over; wait for the next one")
        self._pending = None
        return MemoryReader(self._frames, self._arrivals, pending, choice, self._settings)

    def leave(self, pending: PendingAcquisition) -> None:
        """See `Connection.leave`."""
        if pending is self._pending:
            self._pending = None

    def wait_ready(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        """See `Connection.close`; a run that goes on has all it needs."""
        self._closed = True

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def __repr__(self) -> str:
        shape = (*self._nav, *self._sig)
        return f"<connection to an array {shape} {self._frames.dtype}>"
