"""SummableTile: encoded frames that are added up as they came; see `core.encoded_tile`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import codec, describe
from framefold.codecs.base import NOT_TRIED, EncodedFrames, SummingCodec
from framefold.core.block import UndecodableFrames
from framefold.core.encoding import Encoding


def summing_codec(encoding: Encoding, dtype: np.dtype[Any]) -> SummingCodec | None:
    """The codec of an encoding, if it can add up frames of such pixels as they came."""
    if encoding.big_endian or dtype.kind != "u" or dtype.itemsize not in (1, 2, 4):
        return None
    found = codec(encoding.codec)
    return found if isinstance(found, SummingCodec) else None


@dataclass(frozen=True, slots=True, eq=False)
class SummableTile:
    """Some frames as they came, as `summing_codec` knows how to.

    Parameters
    ----------
    codec : SummingCodec
        That of their encoding.
    source : ndarray of uint8, shape (bytes,), C-contiguous
        Memory with the frames.
    offsets, lengths : ndarray of int64, shape (frames,)
        Where in it each begins, and how long it is [bytes].
    sig_shape : tuple of int
        Shape of a frame [pixels].
    dtype : numpy.dtype
        Type of the pixels.
    blank : bool
        Whether pixels with the largest value count as zero.
    rows : ndarray of int64, shape (frames,)
        Their numbers in the block, for whoever is told that some are damaged.
    where : str
        What the reason is begun with.
    """

    codec: SummingCodec
    source: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blank: bool
    rows: NDArray[np.int64]
    where: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(frames,) + sig_shape``."""
        return (len(self.rows), *self.sig_shape)

    def add_frames(self, total: NDArray[Any]) -> None:
        """Add every frame to a total; see `core.encoded_tile.EncodedTile`."""
        frames, added = self._frames(), np.zeros(math.prod(self.sig_shape), np.uint64)
        self.codec.add_frames(frames, added)
        for _, pixels in self._decoded(frames):
            added += pixels
        self._raise_for(frames.status)
        total += added.reshape(self.sig_shape).astype(total.dtype, copy=False)

    def frame_sums(self, region: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """The sum of each frame; see `core.encoded_tile.EncodedTile`."""
        frames = self._frames()
        sums = self.codec.frame_sums(frames, region)
        for number, pixels in self._decoded(frames):
            counting = pixels if region is None else pixels[self._chosen(region)]
            sums[number] = counting.sum(dtype=np.uint64)
        self._raise_for(frames.status)
        return sums

    def frame_moments(self, region: NDArray[np.uint8]) -> NDArray[np.int64] | None:
        """Sum and moments of each frame; see `core.encoded_tile.EncodedTile`."""
        if len(self.sig_shape) != 2:
            return None
        height, width = self.sig_shape
        frames = self._frames()
        moments = self.codec.frame_moments(frames, (height, width), region)
        if moments is None:
            return None
        for number, pixels in self._decoded(frames):
            places = self._chosen(region)
            values = pixels[places].astype(np.int64)
            y, x = np.divmod(places, width)
            moments[number] = values.sum(), (y * values).sum(), (x * values).sum()
        self._raise_for(frames.status)
        return moments

    def _frames(self) -> EncodedFrames:
        return EncodedFrames.of(
            self.source, self.offsets, self.lengths, self.dtype, math.prod(self.sig_shape),
            blank=self.blank,
        )  # fmt: skip

    def _chosen(self, region: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Numbers of the pixels of a region."""
        bits = np.unpackbits(region, count=math.prod(self.sig_shape), bitorder="little")
        return np.flatnonzero(bits)

    def _decoded(self, frames: EncodedFrames) -> Iterator[tuple[int, NDArray[Any]]]:
        """Number and pixels of frames that were not tried; their status is noted."""
        decode = self.codec.decode_blanked if self.blank else self.codec.decode
        for number in np.flatnonzero(frames.status == NOT_TRIED).tolist():
            pixels = np.empty((1, math.prod(self.sig_shape)), self.dtype)
            one = slice(number, number + 1)
            frames.status[one] = decode(self.source, self.offsets[one], self.lengths[one], pixels)
            yield number, pixels[0]

    def _raise_for(self, status: NDArray[np.int32]) -> None:
        bad = np.flatnonzero(status)
        if len(bad):
            raise UndecodableFrames(self.rows[bad], self.where + describe(int(status[bad[0]])))
