"""Acquisition: everything known of one measurement before its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from framefold.core.pixel_mask import PixelMask
from framefold.core.scan import Scan


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What is known of a measurement before its frames; immutable.

    Parameters
    ----------
    ident : str
        Tells this measurement from all others, also after a detector restart.
    source : str
        Where it comes from, for people: a path, an endpoint.
    scan : Scan
        Which frame number belongs where.
    sig_shape : tuple of int
        Detector shape in pixels, rows first.
    dtype : numpy.dtype
        Pixel type as recorded, in the machine's byte order.
    frames : int or None
        How many frames were promised; None when unknown.
    metadata : mapping
        What the source said beside that, untouched, for provenance.
    mask : PixelMask
        What the detector says of its own pixels, and what is done with those that are masked.
    """

    ident: str
    source: str
    scan: Scan
    sig_shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    frames: int | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    mask: PixelMask = field(default_factory=PixelMask)

    @property
    def nav_shape(self) -> tuple[int, ...]:
        """Shape of the scan in positions."""
        return self.scan.shape

    @property
    def frame_bytes(self) -> int:
        """Size of one decoded frame in bytes."""
        return int(np.prod(self.sig_shape, dtype=np.int64)) * self.dtype.itemsize

    def described(self) -> Mapping[str, object]:
        """The facts as plain values, for status pages and files."""
        return MappingProxyType(
            {
                "id": self.ident,
                "source": self.source,
                "nav_shape": list(self.nav_shape),
                "sig_shape": list(self.sig_shape),
                "dtype": self.dtype.str,
                "frames": self.frames,
                "mask": self.mask.described(),
            }
        )
