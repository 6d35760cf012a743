"""CorrectionSet: what is done to raw pixels before any UDF sees them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


class CorrectionSet:
    """The empty set of corrections: pixels are passed on as they are recorded."""

    def get_dark_frame(self) -> NDArray[Any] | None:
        """Counts to be subtracted from each pixel, sig-shaped; None when there are none."""
        return None

    def get_gain_map(self) -> NDArray[Any] | None:
        """Factor for each pixel, sig-shaped; None when there is none."""
        return None

    def get_excluded_pixels(self) -> NDArray[Any] | None:
        """Coordinates of pixels to be replaced by their neighbours' mean; None without any."""
        return None

    def have_corrections(self) -> bool:
        """Whether anything at all is done to the pixels."""
        return False
