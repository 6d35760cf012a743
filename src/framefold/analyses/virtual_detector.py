"""VirtualDetectorUDF: the sum of each frame within a disk, ring or rectangle, or one pixel."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.regions import Annulus, Rectangle, Region, region_plane, region_sums
from framefold.core.encoded_tile import EncodedTile
from framefold.errors import ParameterError, ShapeError, nearest
from framefold.udf import UDF, BufferWrapper

# which sizes each shape has; the centre goes for all of them
SIZES: dict[str, tuple[str, ...]] = {
    "disk": ("r",),
    "ring": ("ri", "ro"),
    "rectangle": ("height", "width"),
    "point": (),
}


class VirtualDetectorUDF(UDF):
    """Add up the pixels of each frame that lie in a region: bright field, dark field, one pixel.

    Result ``intensity``: one value a position, float32 for integers up to 16 bit, float64 for
    wider ones. Integer frames are added up exactly and rounded once; floats in float64.

    Parameters
    ----------
    shape : str
        ``"disk"`` (size ``r``), ``"ring"`` (``ri``, ``ro``), ``"rectangle"`` (``height``,
        ``width``) or ``"point"`` (the pixel nearest to the centre).
    cy, cx : float, optional
        Centre [pixels]; pixel centres lie on whole numbers. Row and column ``size // 2`` when left
        out.
    r : float, optional
        Radius of the disk [pixels]; pixels at exactly this distance are in. Half the shorter side
        when left out.
    ri, ro : float, optional
        Inner and outer radius of the ring [pixels]; pixels at exactly these distances are in. A
        quarter and half of the shorter side when left out.
    height, width : float, optional
        Size of the rectangle around the centre [pixels]; a whole number gives that many rows or
        columns. Half the detector's when left out.

    Raises
    ------
    ParameterError
        If the shape is unknown, a size belongs to another shape or is negative, or ``ri`` is not
        below ``ro``.
    """

    TAKES_HOLES = True

    def __init__(
        self,
        shape: str = "disk",
        cy: float | None = None,
        cx: float | None = None,
        r: float | None = None,
        ri: float | None = None,
        ro: float | None = None,
        height: float | None = None,
        width: float | None = None,
    ) -> None:
        sizes = {"r": r, "ri": ri, "ro": ro, "height": height, "width": width}
        _check(shape, {"cy": cy, "cx": cx}, sizes)
        super().__init__(shape=shape, cy=cy, cx=cx, **sizes)

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity``; also where a detector without rows and columns is refused."""
        self._region()
        dtype = np.result_type(self.meta.input_dtype, np.float32)
        return {"intensity": self.buffer("nav", dtype=dtype)}

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the run's dtype."""
        self._add_up(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the recorded dtype."""
        self._add_up(tile)

    def process_encoded_tile(self, tile: EncodedTile) -> None:
        """Add up frames as they came."""
        height, width = self.meta.dataset_shape.sig
        self.results.intensity[:] += tile.frame_sums(region_plane(self._region(), (height, width)))

    def _add_up(self, tile: NDArray[Any]) -> None:
        height, width = self.meta.dataset_shape.sig
        y, x = self.meta.sig_slice.origin
        box = (y, x, *tile.shape[1:])
        sums = region_sums(self._region(), (height, width), box, tile.dtype)
        self.results.intensity[:] += sums.apply(tile)[:, 0]

    def _region(self) -> Region:
        """The region on this run's detector."""
        sig = tuple(self.meta.dataset_shape.sig)
        if len(sig) != 2:
            raise ShapeError(
                f"a virtual detector needs frames of rows and columns, these are {sig}"
            )
        given = self.params
        cy = sig[0] // 2 if given.cy is None else given.cy
        cx = sig[1] // 2 if given.cx is None else given.cx
        half = min(sig) / 2

        def size(name: str, default: float) -> float:
            value = given.get(name)
            return float(default if value is None else value)

        if given.shape == "disk":
            return Annulus(cy, cx, size("r", half))
        if given.shape == "ring":
            outer = size("ro", max(half, 2 * (given.ri or 0)))
            return Annulus(cy, cx, outer, size("ri", min(half, outer) / 2))
        if given.shape == "rectangle":
            return Rectangle(cy, cx, size("height", sig[0] / 2), size("width", sig[1] / 2))
        return Rectangle(cy, cx, 1, 1)


def _check(shape: str, centre: dict[str, Any], sizes: dict[str, Any]) -> None:
    if shape not in tuple(SIZES):  # also what cannot be a key
        close = nearest(str(shape), SIZES)
        hint = f"; did you mean {close!r}?" if close else ""
        raise ParameterError(f"shape={shape!r} is unknown{hint} (known: {', '.join(SIZES)})")
    for name, value in (centre | sizes).items():
        if value is not None and (not isinstance(value, Real) or not np.isfinite(float(value))):
            raise ParameterError(f"{name}={value!r} must be a number of pixels")
    for name, value in sizes.items():
        if value is None:
            continue
        if name not in SIZES[shape]:
            belongs = ", ".join(s for s, names in SIZES.items() if name in names)
            its = ", ".join(("cy", "cx", *SIZES[shape]))
            raise ParameterError(f"{name} belongs to shape={belongs!r}; a {shape} has {its}")
        if value < 0:
            raise ParameterError(f"{name}={value!r} must not be negative")
    ri, ro = sizes["ri"], sizes["ro"]
    if ri is not None and ro is not None and ri >= ro:
        raise ParameterError(f"ri={ri!r} must be smaller than ro={ro!r}")
