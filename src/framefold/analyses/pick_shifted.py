"""PickShiftedUDF: the selected frames, moved back to where they would be without descan error."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from framefold.analyses.pick import PickUDF
from framefold.analyses.shifts import as_shifts, check_axes, move_back
from framefold.errors import ParameterError
from framefold.udf import UDF, BufferWrapper


class PickShiftedUDF(PickUDF):
    """Hand over the frames at the positions selected by ``roi``, each moved back by its shift.

    The pixel that was at (y + dy, x + dx) is at (y, x) then; pixels that come from beyond the
    detector are zero.

    Result ``intensity``: as `PickUDF` gives it.

    Parameters
    ----------
    shifts : sequence of two numbers, array-like of shape nav + (2,), or aux data of kind nav
        How far the pattern has wandered, dy and dx [pixels], for all frames or for each position;
        positive is down and to the right. Fractions are cut off, as in `ApplyMasksUDF`.

    Raises
    ------
    ParameterError
        If the shifts are not pairs of finite numbers.
    ShapeError
        When the run begins, if frames have other than two axes.
    """

    def __init__(self, shifts: Any) -> None:
        if shifts is None:
            raise ParameterError("shifts=None; give dy and dx, or use the UDF 'pick'")
        UDF.__init__(self, shifts=as_shifts(shifts))

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """As `PickUDF` has them; also where a detector without rows and columns is refused."""
        check_axes(tuple(self.meta.dataset_shape.sig))
        return super().get_result_buffers()

    def _keep(self, tile: NDArray[Any]) -> None:
        origin = tuple(self.meta.sig_slice.origin)
        sig = tuple(self.meta.dataset_shape.sig)
        # "+=": the boxes of a frame may land in any part of it, and elsewhere are zero
        self.results.frames[:] += move_back(tile, origin, sig, self.params.shifts)
