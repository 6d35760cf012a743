"""Request: what the user said of a recording, the same for every format."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from framefold.core.scan import Scan
from framefold.core.scan_rule import ScanFit, ScanRule
from framefold.core.scan_shapes import Guess
from framefold.errors import ParameterError, ScanError, ShapeError
from framefold.formats.position_files import read_positions

_Word = TypeVar("_Word", bound=str)

_ORDERS: Final[tuple[Literal["raster"], Literal["snake"]]] = ("raster", "snake")

_REPEATS: Final[tuple[Literal["sum"], Literal["axis"]]] = ("sum", "axis")


class ScanOptions(TypedDict, total=False):
    """What may be said of a scan beside its shape; see `framefold.formats.open_dataset`."""

    scan_order: str | None
    flyback: int | None
    lead_in: int | None
    frames_per_position: int | None
    repeats: str | None
    positions: ArrayLike | str | os.PathLike[str] | None


@dataclass(frozen=True, slots=True, eq=False)
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
    scan_order : str or None
        ``"raster"`` or ``"snake"``; None for what the file says, or a raster.
    flyback : int or None
        Frames behind each line without a position; None for what the file says, or none.
    lead_in : int or None
        Frames before the first line without a position; None for what the file says, or none.
    frames_per_position : int
        Frames at each position, one after another.
    repeats : str
        What becomes of these: ``"sum"``, or ``"axis"`` for one more navigation axis.
    positions : ndarray of int64 or None
        Where each frame belongs, as `framefold.core.position_table.PositionTable.of` takes it.
    """

    nav_shape: tuple[int, ...] | None = None
    sig_shape: tuple[int, ...] | None = None
    dtype: np.dtype[Any] | None = None
    sync_offset: int = 0
    num_partitions: int | None = None
    scan_order: Literal["raster", "snake"] | None = None
    flyback: int | None = None
    lead_in: int | None = None
    frames_per_position: int = 1
    repeats: Literal["sum", "axis"] = "sum"
    positions: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        nav_shape: Sequence[int] | int | None,
        sig_shape: Sequence[int] | int | None,
        dtype: DTypeLike | None,
        sync_offset: int,
        num_partitions: int | None,
        **scan: Unpack[ScanOptions],
    ) -> Request:
        """What the user wrote, made one thing; ``positions`` may be the path of a CSV file.

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
        return cls(
            nav,
            sig,
            pixel_type(dtype),
            whole("sync_offset", sync_offset),
            partitions,
            scan_order=one_of("scan_order", scan.get("scan_order"), _ORDERS),
            flyback=_count("flyback", scan.get("flyback"), 0),
            lead_in=_count("lead_in", scan.get("lead_in"), 0),
            frames_per_position=_count("frames_per_position", scan.get("frames_per_position"), 1)
            or 1,
            repeats=one_of("repeats", scan.get("repeats"), _REPEATS) or "sum",
            positions=read_positions(scan.get("positions")),
        )

    @property
    def rule(self) -> ScanRule:
        """What was said of the scan."""
        return ScanRule(
            self.nav_shape,
            self.sync_offset,
            order=self.scan_order,
            flyback=self.flyback,
            lead_in=self.lead_in,
            frames_per_position=self.frames_per_position,
            repeats=self.repeats,
            positions=self.positions,
        )

    def fit(self, frames: int, hints: Sequence[Guess] = ()) -> ScanFit:
        """The scan for a number of frames, and why it is this one.

        Parameters
        ----------
        frames : int
            Frames found or promised, whichever is more.
        hints : sequence of Guess
            What the file itself says of the scan.

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
        return self.rule.fit(frames, hints)

    def scan(self, frames: int, stored: tuple[int, ...] | None = None) -> Scan:
        """The scan for a number of frames; see `fit`.

        Parameters
        ----------
        frames : int
            Frames found or promised, whichever is more.
        stored : tuple of int or None
            The scan shape that the file itself names.
        """
        hints = () if stored is None else (Guess(stored, "what the file says", "certain"),)
        return self.fit(frames, hints).scan

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


def one_of(name: str, value: str | None, known: Sequence[_Word]) -> _Word | None:
    """One of some words, or None.

    Raises
    ------
    ParameterError
        If it is another one.
    """
    if value is None:
        return None
    for word in known:
        if word == value:
            return word
    raise ParameterError(f"{name}={value!r}; give {' or '.join(map(repr, known))}")


def _count(name: str, value: object, least: int) -> int | None:
    if value is None:
        return None
    count = whole(name, value)
    if count < least:
        raise ParameterError(f"{name}={count}; it takes at least {least}")
    return count


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
