"""Scan: the rule that gives each frame number its place in the scan, or nowhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ScanError

NOWHERE = -1
"""The position of a frame that has no place in the scan."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A raster scan.

    Parameters
    ----------
    shape : tuple of int
        Positions along each navigation axis, slow axis first [positions].
    sync_offset : int
        Frames to skip at the start (positive), or positions to leave blank at the start
        (negative).

    Raises
    ------
    ScanError
        If an axis is shorter than one position, or there is none.
    """

    shape: tuple[int, ...]
    sync_offset: int = 0

    def __post_init__(self) -> None:
        if not self.shape or any(n < 1 for n in self.shape):
            raise ScanError(
                f"scan shape {self.shape} has an axis without positions; "
                "every axis needs at least 1"
            )

    @property
    def size(self) -> int:
        """How many positions the scan has."""
        return math.prod(self.shape)

    def position(self, number: int) -> int:
        """Where one frame belongs.

        Parameters
        ----------
        number : int
            Number of the frame, as the detector counts, from 0.

        Returns
        -------
        int
            Flat C-order position in ``shape``, or ``NOWHERE``.
        """
        position = number - self.sync_offset
        return position if 0 <= position < self.size else NOWHERE

    def positions(self, first: int, count: int = 1) -> NDArray[np.int64]:
        """Where consecutive frames belong in the scan.

        Parameters
        ----------
        first : int
            Number of the first frame, as the detector counts them, from 0.
        count : int
            How many frames, the first included.

        Returns
        -------
        ndarray of int64, shape (count,)
            Flat C-order position in ``shape`` [positions], or ``NOWHERE`` for frames before
            the first or beyond the last position.

        Raises
        ------
        ScanError
            If ``first`` or ``count`` is negative.
        """
        if first < 0 or count < 0:
            raise ScanError(f"frames {first}..{first + count} do not exist: numbers start at 0")
        found = np.arange(first, first + count, dtype=np.int64) - self.sync_offset
        found[(found < 0) | (found >= self.size)] = NOWHERE
        return found

    def reachable(self, frames: int | None) -> int:
        """How many positions get a frame.

        Parameters
        ----------
        frames : int or None
            How many frames come; None for as many as the scan needs.

        Returns
        -------
        int
            Less than `size` when positions are left blank at the start, or frames are few
            [positions].
        """
        first = max(0, -self.sync_offset)
        end = self.size if frames is None else min(self.size, frames - self.sync_offset)
        return max(0, end - first)

    @classmethod
    def fit(cls, frames: int | None, shape: Sequence[int] | None, sync_offset: int = 0) -> Scan:
        """The scan for a number of frames, from what the user said of its shape.

        Parameters
        ----------
        frames : int or None
            How many frames there are or were promised; None when nobody knows.
        shape : sequence of int or None
            The scan shape, with at most two ``-1`` for axes to be worked out; None for a
            square if ``frames`` is a square number, else one line.
        sync_offset : int
            As in `Scan`.

        Returns
        -------
        Scan
            With one ``-1`` the axis takes as many whole lines as the frames allow; with two
            they become equal.

        Raises
        ------
        ScanError
            If the shape leaves an axis open and the frames do not say how long it is.
        """
        if shape is None:
            if not frames:
                raise ScanError(
                    "scan shape unknown: the source does not say how many frames come; "
                    "give nav_shape"
                )
            side = math.isqrt(frames)
            return cls((side, side) if side * side == frames else (frames,), sync_offset)
        given = tuple(int(n) for n in shape)
        open_axes = [axis for axis, n in enumerate(given) if n == -1]
        if not open_axes:
            return cls(given, sync_offset)
        if len(open_axes) > 2:
            raise ScanError(
                f"scan shape {given} leaves {len(open_axes)} axes open; at most 2 can be"
            )
        if not frames:
            raise ScanError(
                f"scan shape {given} leaves an axis open and the source does not say how many "
                "frames come; give every axis"
            )
        known = math.prod(n for n in given if n != -1)
        if known < 1 or frames < known:
            raise ScanError(f"scan shape {given} does not fit {frames} frames")
        rest = frames // known
        filled = list(given)
        if len(open_axes) == 1:
            filled[open_axes[0]] = rest
        else:
            side = math.isqrt(rest)
            if side * side != rest:
                raise ScanError(
                    f"scan shape {given} asks for two equal axes, but {frames} frames leave "
                    f"{rest} positions for them, which is no square"
                )
            for axis in open_axes:
                filled[axis] = side
        return cls(tuple(filled), sync_offset)
