"""Request: what the user said of a recording, the same for every format."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from framefold.core.scan import Scan
from framefold.errors import ParameterError, ScanError, ShapeError


@dataclass(frozen=True, slots=True)
class Request:
    """Load parameters that every format understands.

    Parameters
    ----------
    nav_shape : tuple of int or None
        Scan shape, with at most two ``-1``; None for what the file says, or a guess.
    sig_shape : tuple of int or None
        Frame shape [pixels]; None for what the file says.
    dtype : numpy.dtype or None
        Pixel type; None for what the file says.
    sync_offset : int
        Frames to skip at the start, or minus the positions to leave blank there.
    num_partitions : int or None
        How many partitions; None for as many as suit the workers.
    """

    nav_shape: tuple[int, ...] | None = None
    sig_shape: tuple[int, ...] | None = None
    dtype: np.dtype[Any] | None = None
    sync_offset: int = 0
    num_partitions: int | None = None

    @classmethod
    def of(
        cls,
        nav_shape: Sequence[int] | int | None,
        sig_shape: Sequence[int] | int | None,
        dtype: DTypeLike | None,
        sync_offset: int,
        num_partitions: int | None,
    ) -> Request:
        """What the user wrote, made one thing.

        Raises
        ------
        ParameterError
            If a value is of the wrong kind.
        ShapeError
            If a shape has an axis that cannot be.
        """
        partitions = None if num_partitions is None else whole("num_partitions", num_partitions)
        if partitions is not None and partitions < 1:
            raise ParameterError(f"num_partitions={partitions}; it takes at least 1")
        nav = shape_of("nav_shape", nav_shape)
        if nav is not None and (not nav or any(n < 1 and n != -1 for n in nav)):
            raise ScanError(
                f"nav_shape={nav} has an axis without positions; every axis needs at least 1 "
                "(or -1 for an axis to be worked out)"
            )
        sig = shape_of("sig_shape", sig_shape)
        if sig is not None and (not sig or any(n < 1 for n in sig)):
            raise ShapeError(f"sig_shape={sig} has an axis without pixels")
        return cls(nav, sig, pixel_type(dtype), whole("sync_offset", sync_offset), partitions)

    def scan(self, frames: int, stored: tuple[int, ...] | None = None) -> Scan:
        """The scan for a number of frames.

        Parameters
        ----------
        frames : int
            Frames found or promised, whichever is more.
        stored : tuple of int or None
            The scan shape that the file itself names.

        Raises
        ------
        ScanError
            If the shape does not go with the frames, or ``sync_offset`` leaves none of them.
        """
        if not -frames < self.sync_offset < frames:
            raise ScanError(
                f"sync_offset={self.sync_offset} leaves none of the {frames} frames; "
                f"it lies between {1 - frames} and {frames - 1}"
            )
        if self.nav_shape is None and stored is not None:
            return Scan(stored, self.sync_offset)
        return Scan.fit(frames, self.nav_shape, self.sync_offset)

    def frame_shape(self, stored: tuple[int, ...], what: str) -> tuple[int, ...]:
        """The frame shape to use for a file whose frames have the shape ``stored``.

        Raises
        ------
        ShapeError
            If the user's shape has another number of pixels.
        """
        if self.sig_shape is None:
            return stored
        asked, there = math.prod(self.sig_shape), math.prod(stored)
        if asked != there:
            raise ShapeError(
                f"sig_shape={self.sig_shape} has {asked} pixels, but a frame of {what} has "
                f"{there} (shape {stored})"
            )
        return self.sig_shape

    def check_dtype(self, stored: np.dtype[Any], what: str) -> None:
        """Refuse a ``dtype`` that is not the file's own.

        Raises
        ------
        ParameterError
            If it is another one; a format that names its type cannot be read as another.
        """
        if self.dtype is not None and self.dtype.newbyteorder("=") != stored.newbyteorder("="):
            raise ParameterError(
                f"dtype={self.dtype} is not what {what} holds ({stored}); leave it out"
            )


def whole(name: str, value: object) -> int:
    """A whole number, from a Python or numpy one.

    Raises
    ------
    ParameterError
        If it is none.
    """
    try:
        return operator.index(value)  # type: ignore[arg-type]  # that is what is being asked
    except TypeError as error:
        raise ParameterError(f"{name}={value!r} is not a whole number") from error


def shape_of(name: str, value: Sequence[int] | int | None) -> tuple[int, ...] | None:
    """A shape from a sequence or a single number.

    Raises
    ------
    ParameterError
        If an entry is no whole number.
    """
    if value is None:
        return None
    entries = [value] if isinstance(value, int | np.integer) else value
    try:
        return tuple(whole(name, entry) for entry in entries)
    except TypeError as error:
        raise ParameterError(f"{name}={value!r} is not a shape; give e.g. (64, 64)") from error


def pixel_type(value: DTypeLike | None) -> np.dtype[Any] | None:
    """A pixel type from whatever numpy understands.

    Raises
    ------
    ParameterError
        If it is no type, or none that a pixel can have.
    """
    if value is None:
        return None
    try:
        dtype: np.dtype[Any] = np.dtype(value)
    except TypeError as error:
        raise ParameterError(
            f"dtype={value!r} is not a pixel type; give e.g. 'uint16' or '>u2'"
        ) from error
    if not is_pixel_type(dtype):
        raise ParameterError(f"dtype={value!r} is not a pixel type; give numbers, e.g. 'uint16'")
    return dtype


def is_pixel_type(dtype: np.dtype[Any]) -> bool:
    """Whether frames can consist of it: plain numbers of a size that machines have."""
    return dtype.kind in "buifc" and dtype.subdtype is None and dtype.itemsize <= 16
