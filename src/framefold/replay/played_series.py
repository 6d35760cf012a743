"""PlayedSeries: a data set as one series that a detector would send."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import decode_one
from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.errors import CodecError, ParameterError
from framefold.formats.dataset import RecordedDataSet
from framefold.replay.plain_frames import PlainFrame, plain_frames


class PlayedSeries:
    """A data set as one series of a detector, whatever that speaks.

    Parameters
    ----------
    data : RecordedDataSet
    series : int
        Number of the series.
    """

    def __init__(self, data: RecordedDataSet, series: int = 1) -> None:
        known = data.acquisition
        stored = np.dtype(getattr(data, "stored_dtype", known.dtype))
        self.dtype: np.dtype[Any] = stored.newbyteorder("=")
        self._data = data
        self.known: Acquisition = known
        self.series = series
        self.sig_shape = known.sig_shape
        self.promised = data.facts.frames_promised or data.frames
        self.frame_time = _positive(known.metadata.get("frame_time"))

    def require(self, types: Collection[str], whose: str) -> None:
        """Refuse frames that a kind of detector does not have.

        Parameters
        ----------
        types : collection of str
            Pixel types that it has.
        whose : str
            What it is called.

        Raises
        ------
        ParameterError
            Naming both.
        """
        if self.dtype.name not in types or len(self.sig_shape) != 2:
            raise ParameterError(
                f"{self.known.source} has frames of {self.sig_shape} {self.dtype}, which no "
                f"{whose} sends; these may be 2-D of {', '.join(types)}"
            )

    def frames(self) -> Iterator[PlainFrame]:
        """The frames, as they are stored where detectors have such an encoding, else raw."""
        for frame in plain_frames(self._data):
            if frame.encoding.codec in ("bslz4", "lz4", "lz4-framed", "raw"):
                yield frame
                continue
            pixels = self.raw(frame)
            if pixels is not None:
                yield PlainFrame(frame.number, pixels, Encoding("raw"))

    def raw(self, frame: PlainFrame) -> bytes | None:
        """The pixels of a frame, little-endian; None if it is damaged."""
        try:
            found = decode_one(frame.encoding, frame.payload, self.dtype, self.sig_shape)
        except CodecError:
            return None
        return np.ascontiguousarray(found, self.dtype.newbyteorder("<")).tobytes()

    @property
    def triggers(self) -> tuple[int, int]:
        """(nimages, ntrigger) that announce the frames, a line of the scan per trigger."""
        nav = self.known.nav_shape
        if len(nav) > 1 and math.prod(nav) == self.promised:
            return nav[-1], math.prod(nav[:-1])
        return self.promised, 1

    @property
    def mask(self) -> NDArray[np.uint32] | None:
        """The detector's own pixel mask, where the data set has one."""
        excluded = self.known.mask.excluded
        return None if excluded is None else np.ascontiguousarray(excluded, np.uint32)


def _positive(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < 1e6 else None
