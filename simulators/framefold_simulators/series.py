"""Series: what a simulated detector says of a measurement before its frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

COMPRESSIONS = ("none", "lz4", "bslz4", "r64-1", "r64-6", "r64-12", "r64-24")
HEADER_DETAILS = ("none", "basic", "all")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@lru_cache(maxsize=64)  # each image message has it
def _ulid(epoch_ms: int, number: int) -> str:
    # 48 bits of time, 80 bits that a detector draws by chance and we count, to be repeatable
    value = ((epoch_ms + number) << 80) | number
    return "".join(_CROCKFORD[(value >> 5 * i) & 31] for i in reversed(range(26)))


@dataclass(frozen=True, slots=True)
class Series:
    """One series of images, as the detector announces it.

    Parameters
    ----------
    number : int
        Running number of the series, from 1.
    scan : tuple of int
        Scan shape in positions; announced as triggers (lines) of images.
    sig_shape : tuple of int
        Rows and columns [pixels].
    dtype : numpy.dtype
        Pixel type: uint8, uint16 or uint32.
    compression : str
        ``none``, ``lz4`` or ``bslz4``; ``r64-BITS`` for a Merlin.
    channels : tuple of str
        Names of the images of one exposure (stream v2).
    frame_time : float
        Time from frame to frame [s].
    trigger_mode : str
        ``exts``, ``ints`` (a line per trigger) or ``exte``, ``inte`` (a frame per trigger).
    header_detail : str
        ``none``, ``basic`` or ``all``.
    appendix, image_appendix : str or bytes
        The user's own text behind the header and behind each image; none when empty.
    pixel_mask : ndarray of uint32, shape sig_shape, or None
        Sent with header detail ``all``; all good when None.
    flatfield : ndarray of float32, shape sig_shape, or None
        Sent with header detail ``all``; ones when None.
    frames : int or None
        Frames announced, where it is not the size of the scan.
    checksums : bool
        Whether images carry a checksum of their bytes (plain).
    """

    number: int
    scan: tuple[int, ...]
    sig_shape: tuple[int, int]
    dtype: np.dtype[Any]
    compression: str = "bslz4"
    channels: tuple[str, ...] = ("threshold_1",)
    frame_time: float = 0.001
    trigger_mode: str = "exts"
    header_detail: str = "basic"
    appendix: str | bytes = ""
    image_appendix: str | bytes = ""
    pixel_mask: NDArray[np.uint32] | None = None
    flatfield: NDArray[np.float32] | None = None
    frames: int | None = None
    checksums: bool = False
    epoch_ms: int = field(default=1_700_000_000_000)

    def __post_init__(self) -> None:
        # np.uint16 and "uint16" are what people write
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        if self.compression not in COMPRESSIONS:
            raise ValueError(f"compression {self.compression!r}: one of {', '.join(COMPRESSIONS)}")
        if self.header_detail not in HEADER_DETAILS:
            raise ValueError(
                f"header detail {self.header_detail!r}: one of {', '.join(HEADER_DETAILS)}"
            )

    @property
    def count(self) -> int:
        """Frames that are announced."""
        return math.prod(self.scan) if self.frames is None else self.frames

    @property
    def triggers(self) -> tuple[int, int]:
        """(nimages, ntrigger) that announce `count` frames in this trigger mode."""
        if self.trigger_mode in ("exte", "inte"):
            return 1, self.count
        if len(self.scan) > 1 and self.frames is None:
            return self.scan[-1], math.prod(self.scan[:-1])
        return self.count, 1

    @property
    def unique_id(self) -> str:
        """A 26-character ULID that no other series of a simulator has."""
        return _ulid(self.epoch_ms, self.number)

    @property
    def mask(self) -> NDArray[np.uint32]:
        """The pixel mask that is sent, shape ``sig_shape``."""
        return np.zeros(self.sig_shape, np.uint32) if self.pixel_mask is None else self.pixel_mask

    @property
    def gain(self) -> NDArray[np.float32]:
        """The flat field that is sent, shape ``sig_shape``."""
        return np.ones(self.sig_shape, np.float32) if self.flatfield is None else self.flatfield
