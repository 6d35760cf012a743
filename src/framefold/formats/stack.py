"""Stack: what a format found out about a file of frames, and the data set it makes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from framefold.core.pixel_mask import PixelMask
from framefold.core.scan_shapes import Guess
from framefold.errors import DataError
from framefold.formats.facts import FileFacts
from framefold.formats.files import FileDataSet, Segment, acquisition_of
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import Storage
from framefold.formats.pixel_masks import repairable
from framefold.formats.request import Request, is_pixel_type
from framefold.formats.shapes import MAX_FRAMES, MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames in a file, as a format found them.

    Parameters
    ----------
    identity : FileIdentity
        The file that the user named.
    format : str
        Name in the table of formats.
    why : str
        What in the file says that it has this format.
    sig_shape : tuple of int
        Frame shape in the file [pixels].
    dtype : numpy.dtype
        Pixel type as stored, byte order included.
    segments : tuple of Segment
        The frames there are.
    promised : int
        Frames that should be there [frames].
    nav_shape : tuple of int or None
        Scan shape, where the file tells it.
    nav_reason : str
        Where that comes from.
    hints : tuple of Guess
        Scan shapes that the file suggests, where it does not tell one.
    codec : str
        How the frames are stored, in a word.
    step : int
        Frames that are stored as one.
    problems, missing_files : tuple of str
        As in `FileFacts`.
    metadata : mapping
        What the file says beside that.
    mask : PixelMask
        What it says of pixels without value.
    """

    identity: FileIdentity
    format: str
    why: str
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    segments: tuple[Segment, ...]
    promised: int
    nav_shape: tuple[int, ...] | None = None
    nav_reason: str = ""
    hints: tuple[Guess, ...] = ()
    codec: str = "raw"
    step: int = 1
    problems: tuple[str, ...] = ()
    missing_files: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    mask: PixelMask = field(default_factory=PixelMask)

    @property
    def found(self) -> int:
        """How many frames there are."""
        return sum(segment.count for segment in self.segments)

    def data_set(self, request: Request) -> FileDataSet:
        """The data set, with what the user said.

        Raises
        ------
        DataError
            If there is no frame, or the pixels are no numbers.
        ParameterError, ShapeError, ScanError
            If what the user said does not fit the file.
        """
        what, found = self.identity.path, self.found
        _check(self, what)
        request.check_dtype(self.dtype, what)
        sig_shape = request.frame_shape(self.sig_shape, what)
        problems = self.problems
        if found < self.promised and not problems:
            problems = (f"cut off: {self.promised - found} of {self.promised} frames are missing",)
        told = self.nav_shape and Guess(self.nav_shape, self.nav_reason, "certain")
        fit = request.fit(self.promised, (told, *self.hints) if told else self.hints)
        facts = FileFacts(
            self.format,
            self.why,
            fit.reason,
            self.codec,
            found,
            self.promised,
            missing_files=self.missing_files,
            has_mask=self.mask.excluded is not None,
            problems=problems,
            size_bytes=self.identity.size,
        ).with_scan(fit)
        acquisition = acquisition_of(
            self.identity.ident,
            what,
            fit.scan,
            sig_shape,
            self.dtype,
            facts,
            self.metadata,
            self.mask.shaped(sig_shape),
        )
        return FileDataSet(
            repairable(acquisition, self.segments),
            self.segments,
            facts,
            num_partitions=request.num_partitions,
            step=self.step,
        )


def one_segment(storage: Storage) -> tuple[Segment, ...]:
    """All frames of a storage, one after another from frame 0."""
    return (Segment(0, storage, 0, storage.frames),) if storage.frames else ()


def whole_frames(size: int, offset: int, stride: int, frame_bytes: int) -> int:
    """How many frames a file has room for.

    Parameters
    ----------
    size : int
        Length of the file [bytes].
    offset : int
        Where the pixels of the first frame start [bytes].
    stride : int
        From frame to frame [bytes].
    frame_bytes : int
        Size of a frame's pixels [bytes].
    """
    if stride < 1 or frame_bytes < 1 or offset < 0:
        return 0
    return max(0, (size - offset - frame_bytes) // stride + 1)


def _check(stack: Stack, what: str) -> None:
    if not is_pixel_type(stack.dtype):
        raise DataError(f"{what} holds {stack.dtype}, which is no pixel type")
    if any(n < 1 for n in stack.sig_shape) or math.prod(stack.sig_shape) > MAX_PIXELS:
        raise DataError(f"{what} has frames of {stack.sig_shape}, which no detector makes")
    if stack.promised > MAX_FRAMES:
        raise DataError(f"{what} promises {stack.promised} frames, which no scan has")
    if not stack.found:
        said = "; ".join(stack.problems) or (
            f"its header promises {stack.promised} of {stack.sig_shape} {stack.dtype}, and it has "
            f"{stack.identity.size} bytes"
        )
        raise DataError(f"{what} holds no frame: {said}")
