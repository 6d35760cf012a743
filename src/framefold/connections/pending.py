"""PendingAcquisition: an acquisition that was announced and waits to be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framefold.core.acquisition import Acquisition
from framefold.core.scan import Scan
from framefold.live.announcement import Announcement


@dataclass(frozen=True, slots=True)
class PendingAcquisition:
    """An acquisition that was announced; its frames wait for a run.

    Parameters
    ----------
    announcement : Announcement
        What the detector said.
    source : str
        Where it comes from, for people.
    nav_shape : tuple of int or None
        The scan shape, where the source knows it.
    """

    announcement: Announcement
    source: str
    nav_shape: tuple[int, ...] | None = None

    @property
    def series(self) -> int:
        """The detector's running number of the series."""
        return self.announcement.number

    @property
    def nimages(self) -> int | None:
        """Frames promised; None when unknown."""
        return self.announcement.frames

    @property
    def sig_shape(self) -> tuple[int, ...]:
        """Rows and columns [pixels]."""
        return self.announcement.sig_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type."""
        return self.announcement.dtype

    @property
    def detector_config(self) -> Mapping[str, object]:
        """What the header held beside that, by the detector's own names."""
        return self.announcement.metadata

    def acquisition(self, scan: Scan) -> Acquisition:
        """What is known of the measurement once its scan is."""
        said = self.announcement
        return Acquisition(
            ident=f"{said.series}-pending",
            source=self.source,
            scan=scan,
            sig_shape=said.sig_shape,
            dtype=said.dtype,
            frames=said.frames,
            metadata=said.metadata,
        )
