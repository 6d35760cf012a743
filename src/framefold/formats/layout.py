"""Layout: an HDF5 dataset as frames; Subject: the dataset while it is being looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.formats.files import Segment
from framefold.formats.links import Links
from framefold.formats.opened import FileIdentity


@dataclass(frozen=True, slots=True)
class Layout:
    """A dataset as frames.

    Parameters
    ----------
    nav_shape, sig_shape : tuple of int
        Its leading axes without those that choose, and the axes of a frame.
    dtype : numpy.dtype
        Pixel type as stored, byte order included.
    segments : tuple of Segment
        The frames that were written; numbers count over ``nav_shape`` in C order.
    codec : str
        How they are stored, in a word.
    step : int
        Frames stored as one.
    missing_files : tuple of str
        Sources of a virtual dataset that are not there.
    problems : tuple of str
        What is wrong, a sentence each.
    """

    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    segments: tuple[Segment, ...]
    codec: str
    step: int = 1
    missing_files: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """How many frames the shape promises."""
        return math.prod(self.nav_shape)

    @property
    def found(self) -> int:
        """How many frames were written."""
        return sum(segment.count for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Subject:
    """The dataset being looked at, with what all the questions about it need.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset, opened.
    identity : FileIdentity
        The file it lies in.
    links : Links
        Which other files may be looked into.
    dtype : numpy.dtype
        Pixel type as stored.
    fixed : mapping of int to int
        Leading axes that choose instead of counting: axis -> index.
    nav_shape, sig_shape : tuple of int
        As in `Layout`.
    depth : int
        How many virtual datasets were followed to come here.
    """

    dataset: h5py.Dataset
    identity: FileIdentity
    links: Links
    dtype: np.dtype[Any]
    fixed: Mapping[int, int]
    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    depth: int

    @property
    def leading(self) -> int:
        """How many axes stand before those of a frame."""
        return int(self.dataset.ndim) - len(self.sig_shape)

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return math.prod(self.sig_shape)

    @property
    def frame_bytes(self) -> int:
        """Size of a decoded frame [bytes]."""
        return self.pixels * self.dtype.itemsize

    @property
    def frames(self) -> int:
        """How many frames the shape promises."""
        return math.prod(self.nav_shape)

    def layout(self, segments: tuple[Segment, ...], codec: str, **facts: Any) -> Layout:
        """The answer, with what is known of the dataset anyway."""
        return Layout(self.nav_shape, self.sig_shape, self.dtype, segments, codec, **facts)

    def numbers(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Frame numbers of places given along all leading axes."""
        kept = [axis for axis in range(self.leading) if axis not in self.fixed]
        if not kept:
            return np.zeros(len(places), dtype=np.int64)
        found: NDArray[np.int64] = np.ravel_multi_index(
            tuple(places[:, kept].T), self.nav_shape
        ).astype(np.int64)
        return found

    def lacking(self, found: int) -> tuple[str, ...]:
        """A sentence about frames that were never written, if there are any."""
        if found >= self.frames:
            return ()
        sentence = (
            f"{self.frames - found} of {self.frames} frames of {self.dataset.name} in "
            f"{self.identity.name} were never written; their positions stay missing"
        )
        return (sentence,)


def moved(segments: tuple[Segment, ...], by: int, low: int, high: int) -> list[Segment]:
    """The frames ``[low, high)`` of some segments, with ``by`` added to their numbers."""
    found = []
    for segment in segments:
        start = max(low, segment.number)
        stop = min(high, segment.number + segment.count)
        if start < stop:
            first = segment.first + start - segment.number
            found.append(Segment(start + by, segment.storage, first, stop - start))
    return found
