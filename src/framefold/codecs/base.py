"""Codec: what every codec offers; Batch: what its kernel is told about the frames to decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ParameterError, ShapeError


class Codec(Protocol):
    """Turns the encoded bytes of frames into pixels."""

    @property
    def name(self) -> str:
        """What encodings call it."""

    def decode(
        self,
        source: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        out: NDArray[Any],
        *,
        big_endian: bool = False,
    ) -> NDArray[np.int32]:
        """Decode frames straight into the caller's memory, without the interpreter lock.

        Never reads outside ``source[offset : offset + length]``, never writes outside ``out[i]``;
        may be called from many threads at once.

        Parameters
        ----------
        source : ndarray of uint8, shape (bytes,), C-contiguous
            Where the encoded frames lie.
        offsets, lengths : ndarray of int64, shape (frames,)
            Where in ``source`` each begins, and how long it is [bytes].
        out : ndarray, shape (frames,) + sig_shape, C-contiguous
            Memory for the pixels; the element size and the size of a frame come from it.
            In the machine's byte order. What a damaged frame leaves in its row is undefined.
        big_endian : bool
            Whether the pixels are big-endian once decoded; they are then swapped.

        Returns
        -------
        ndarray of int32, shape (frames,)
            0 for a good frame, else what is wrong with it; `framefold.codecs.describe` says it
            in words. Damaged data never raise.

        Raises
        ------
        ShapeError
            If the arrays do not fit each other.
        ParameterError
            If an array has the wrong dtype or layout.
        """


class Batch(NamedTuple):
    """Frames to decode, checked, in the order in which every codec's kernel takes them.

    Where frames and pixels lie is given by plain addresses: there is one compiled version of each
    kernel, whatever the dtype, shape and flags of those arrays, which must outlive the call.

    Parameters
    ----------
    source, source_bytes : int
        Address and size of the memory with the encoded frames [bytes].
    offsets, lengths : ndarray of int64, shape (frames,)
        Where in it each begins, and how long it is [bytes].
    target : int
        Address of the first frame's pixels; the others follow without gaps.
    frame_bytes, pixel_bytes : int
        Sizes of a decoded frame and of a pixel [bytes].
    swap : int
        Size of the integers whose bytes must be reversed after decoding, 1 for none [bytes].
    status : ndarray of int32, shape (frames,)
        Filled by the kernel.
    """

    source: int
    source_bytes: int
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    target: int
    frame_bytes: int
    pixel_bytes: int
    swap: int
    status: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        source: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        out: NDArray[Any],
        big_endian: bool,
    ) -> Batch:
        """Check the arguments of `Codec.decode` and take down where they lie."""
        if source.dtype != np.uint8 or source.ndim != 1 or not source.flags.c_contiguous:
            raise ParameterError(
                f"source must be contiguous bytes, not {source.dtype} {source.shape}"
            )
        if out.dtype.hasobject or out.dtype.itemsize == 0:
            raise ParameterError(f"{out.dtype} is no type of pixels")
        if not (out.flags.c_contiguous and out.flags.writeable and out.dtype.isnative):
            raise ParameterError(
                f"out must be C-contiguous, writeable and in machine order, not {out.dtype} "
                f"{out.shape} with strides {out.strides}"
            )
        if not (offsets.ndim == lengths.ndim == 1 and out.ndim > 0) or not (
            len(offsets) == len(lengths) == len(out)
        ):
            raise ShapeError(
                f"{offsets.shape} offsets and {lengths.shape} lengths do not fit out {out.shape}"
            )
        frames = len(out)
        return cls(
            source=source.ctypes.data,
            source_bytes=source.nbytes,
            offsets=_table(offsets),
            lengths=_table(lengths),
            target=out.ctypes.data,
            frame_bytes=out.nbytes // max(frames, 1),
            pixel_bytes=out.dtype.itemsize,
            swap=_swapped_bytes(out.dtype) if big_endian else 1,
            status=np.empty(frames, np.int32),
        )


class BatchCodec(ABC):
    """A codec whose kernel takes a whole `Batch`: what ours have in common."""

    name: ClassVar[str]

    def decode(
        self,
        source: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        out: NDArray[Any],
        *,
        big_endian: bool = False,
    ) -> NDArray[np.int32]:
        """Decode frames; see `Codec.decode`."""
        batch = Batch.of(source, offsets, lengths, out, big_endian)
        self.fill(batch)
        return batch.status

    @abstractmethod
    def fill(self, batch: Batch) -> None:
        """Decode every frame of a batch to its place, and note its status."""


class BlankingCodec(BatchCodec):
    """A codec that can put zero in place of pixels with all bits set, at next to no cost."""

    def decode_blanked(
        self,
        source: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        out: NDArray[Any],
        *,
        big_endian: bool = False,
    ) -> NDArray[np.int32]:
        """Decode frames, with zero in place of the largest value; see `Codec.decode`.

        Parameters
        ----------
        source, offsets, lengths, out, big_endian
            As for `Codec.decode`. Only for unsigned integers is what has all bits set the
            largest value.
        """
        batch = Batch.of(source, offsets, lengths, out, big_endian)
        self.fill(batch, blank=True)
        return batch.status

    @abstractmethod
    def fill(self, batch: Batch, *, blank: bool = False) -> None:
        """Decode every frame of a batch, with zero in place of full pixels if that is wanted."""


NOT_TRIED = -1
"""Status of a frame that a `SummingCodec` leaves to `Codec.decode`."""


class EncodedFrames(NamedTuple):
    """Where encoded frames lie, and what becomes of them; unsigned pixels, little-endian.

    Parameters
    ----------
    source : int
        Address of the memory they lie in.
    source_bytes : int
        Its size [bytes].
    offsets, lengths : ndarray of int64, shape (frames,)
        Where in it each begins, and how long it is [bytes].
    frame_bytes, pixel_bytes : int
        Sizes of a decoded frame and of a pixel [bytes]; the latter is 1, 2 or 4.
    status : ndarray of int32, shape (frames,)
        What decoding it would give, or `NOT_TRIED`; filled by the kernel.
    blank : int
        Whether pixels with all bits set count as zero, 1 or 0.
    """

    source: int
    source_bytes: int
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    frame_bytes: int
    pixel_bytes: int
    status: NDArray[np.int32]
    blank: int

    @classmethod
    def of(
        cls,
        source: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        dtype: np.dtype[Any],
        pixels: int,
        *,
        blank: bool = False,
    ) -> Self:
        """Take down where frames lie; arguments as for `Codec.decode`, which must outlive it."""
        return cls(
            source.ctypes.data,
            source.nbytes,
            _table(offsets),
            _table(lengths),
            pixels * dtype.itemsize,
            dtype.itemsize,
            np.full(len(offsets), NOT_TRIED, np.int32),
            int(blank),
        )


class SummingCodec(BlankingCodec):
    """A codec that can add frames up without making pixels of them, or the interpreter wait."""

    @abstractmethod
    def add_frames(self, frames: EncodedFrames, total: NDArray[np.uint64]) -> None:
        """Add frames to a running total.

        Parameters
        ----------
        frames : EncodedFrames
        total : ndarray of uint64, shape (pixels,), C-contiguous
            Changed in place; worth nothing if any frame is damaged. Frames that were not tried
            are not in it.
        """

    @abstractmethod
    def frame_sums(
        self, frames: EncodedFrames, region: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint64]:
        """The sum of each frame, shape (frames,); undefined for those without a good status.

        Of the pixels of a region only, `framefold.core.encoded_tile.region_bits`, if one is given.
        """

    @abstractmethod
    def frame_moments(
        self, frames: EncodedFrames, sig_shape: tuple[int, int], region: NDArray[np.uint8]
    ) -> NDArray[np.int64] | None:
        """Sum, moment along y and along x of each frame, shape (frames, 3).

        As `frame_sums`; None if frames of such a shape are not for this codec.
        """


def _table(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same numbers in the one layout that kernels are compiled for."""
    table = np.ascontiguousarray(values, dtype=np.int64)
    return table if table.flags.writeable and table.flags.aligned else table.copy()


def _swapped_bytes(dtype: np.dtype[Any]) -> int:
    """Size of the numbers a pixel is made of [bytes]; text has no byte order: 1."""
    if dtype.kind not in "iufc":
        return 1
    unit = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    if unit > 8:
        raise ParameterError(f"pixels of type {dtype} cannot be big-endian; at most 8 bytes can")
    return unit
