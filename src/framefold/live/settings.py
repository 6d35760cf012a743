"""What a stream is told: where to listen, how the scan runs, how much memory it may have."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


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
    ring_bytes : int
        Shared memory for frames on their way [bytes].
    block_bytes : int
        Decoded frames that are worth keeping together: about what the caches hold [bytes].
    frames_per_block : int or None
        Frames handed to a worker at a time; None for "auto".
    update_seconds : float
        How often results should move [s]; a slot older than that goes as it is.
    idle_seconds : float or None
        Silence after which an acquisition is taken for over [s]; None to wait for ever.
    log_level : str
        From which level on the receiver logs to stderr.
    """

    endpoint: str
    protocol: str = "auto"
    channel: str | None = None
    nav_shape: tuple[int, ...] | None = None
    sync_offset: int = 0
    ring_bytes: int = 256 * MIB
    block_bytes: int = 8 * MIB
    frames_per_block: int | None = None
    update_seconds: float = 0.25
    idle_seconds: float | None = 30.0
    log_level: str = "WARNING"
