"""PixelMask: the pixels of a detector that measure nothing, and what is to stand in their place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from framefold.core.corrections import CorrectionSet
from framefold.errors import ParameterError, nearest

Masked = Literal["zero", "repair", "raw"]
"""What stands in their place: zero, the mean of their neighbours, or what was recorded."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelMask:
    """What a detector says of its own pixels; without arguments it says nothing.

    Parameters
    ----------
    excluded : ndarray of bool, sig-shaped, or None
        Pixels that are defective or lie in gaps; None where it is not told.
    sentinel : int or None
        The value that stands for "no value" in frames, whatever the pixel: the largest of the
        pixel type on DECTRIS detectors. None where there is none.
    masked : str
        What is done: ``"zero"``, ``"repair"`` or ``"raw"``.
    """

    excluded: NDArray[np.bool_] | None = field(default=None)
    sentinel: int | None = None
    masked: Masked = "zero"

    def shaped(self, sig_shape: tuple[int, ...]) -> PixelMask:
        """The same for frames of that shape; without the pixels if they are others."""
        if self.excluded is None or self.excluded.shape == sig_shape:
            return self
        fits = self.excluded.size == math.prod(sig_shape)
        return replace(self, excluded=self.excluded.reshape(sig_shape) if fits else None)

    @property
    def count(self) -> int:
        """How many pixels the detector excludes [pixels]; 0 where it does not tell."""
        return 0 if self.excluded is None else int(np.count_nonzero(self.excluded))

    @property
    def blanks(self) -> bool:
        """Whether any pixel may become zero."""
        return self.masked != "raw" and (self.sentinel is not None or self.count > 0)

    def blanked(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Frames with zero in masked pixels: a copy, unless nothing blanks.

        Parameters
        ----------
        pixels : ndarray, shape (..., rows, columns)
            Of the shape that `excluded` has.
        """
        if not self.blanks:
            return pixels
        found = pixels.copy()  # it may be memory of others
        if self.sentinel is not None and found.dtype.kind in "ui":
            found[found == self.sentinel] = 0
        if self.excluded is not None:
            found[..., self.excluded] = 0
        return found

    def corrections(self) -> CorrectionSet | None:
        """What repairs the excluded pixels; None unless that was asked for."""
        if self.masked != "repair" or not self.count:
            return None
        # a gap is wider than a neighbourhood: what has no good neighbour stays zero
        return CorrectionSet(excluded_pixels=self.excluded, allow_empty=True)

    def described(self) -> dict[str, object]:
        """The facts as plain values, for status pages."""
        return {"pixels": self.count, "sentinel": self.sentinel, "masked": self.masked}

    def as_text(self) -> str:
        """The facts for people, as a part of a sentence; "none" where there are none."""
        said = []
        if self.excluded is not None:
            said.append(f"{self.count} pixels")
        if self.sentinel is not None:
            said.append(f"value {self.sentinel} means none")
        if not said:
            return "none"
        becomes = {"zero": "become 0", "repair": "are repaired", "raw": "stay as recorded"}
        return f"{', '.join(said)}; they {becomes[self.masked]}"


def checked_masked(value: object) -> Masked:
    """A user's choice of what is done with masked pixels.

    Raises
    ------
    ParameterError
        If there is no such choice.
    """
    known = get_args(Masked)
    if value not in known:
        meant = nearest(str(value), known)
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise ParameterError(f'masked={value!r}: "zero", "repair" or "raw"{hint}')
    return cast(Masked, value)


def largest(dtype: np.dtype[Any]) -> int | None:
    """The largest value of an unsigned pixel type; None for others, which have no such sign."""
    return int(np.iinfo(dtype).max) if dtype.kind == "u" else None
