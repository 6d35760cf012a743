"""RunSpec: what a worker must know of a run; sent to each worker once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.corrections import CorrectionSet, corrected_dtype
from framefold.core.pixel_mask import PixelMask
from framefold.core.shape import Shape
from framefold.errors import UDFException
from framefold.udf.base import UDF
from framefold.udf.tiling import TilingScheme, UDFMethod


@dataclass(frozen=True, eq=False)
class RunSpec:
    """A run as workers see it; picklable by cloudpickle.

    Parameters
    ----------
    udfs : tuple of (type, dict)
        Class and constructor arguments of each UDF, in the order of the results.
    nav_shape, sig_shape : tuple of int
        Scan and detector.
    dtype, input_dtype : numpy.dtype
        Pixel type as recorded (machine byte order), and as UDFs get it.
    selection : ndarray of bool, flat, or None
        Selected positions; None for all.
    depth : int
        Frames in a tile at most [frames]; meaningless for the intent ``"partition"``.
    intent : str
        ``"tile"``, ``"frame"`` or ``"partition"``: what the most demanding UDF asked for.
    threads_per_worker : int or None
        How many threads a UDF may start.
    cell : tuple of int, or None
        Lengths of a tile along the signal axes; None for whole frames.
    corrections : CorrectionSet
        What is done to the pixels before UDFs see them.
    backends : tuple of str
        Array library of each UDF's frames; numpy for all when empty.
    mask : PixelMask
        Which pixels are made zero before anything else is done to them.
    """

    udfs: tuple[tuple[type[UDF], dict[str, Any]], ...]
    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    input_dtype: np.dtype[Any]
    selection: NDArray[np.bool_] | None
    depth: int
    intent: str = "tile"
    threads_per_worker: int | None = None
    cell: tuple[int, ...] | None = None
    corrections: CorrectionSet = field(default_factory=CorrectionSet)
    backends: tuple[str, ...] = ()
    mask: PixelMask = field(default_factory=PixelMask)

    @property
    def tile_dtype(self) -> np.dtype[Any]:
        """Pixel type of native tiles: as recorded, or as corrected."""
        return corrected_dtype(self.dtype) if self.corrections.have_corrections() else self.dtype

    @property
    def dataset_shape(self) -> Shape:
        """Navigation and signal axes, whatever is selected."""
        return Shape(self.nav_shape + self.sig_shape, len(self.sig_shape))

    def scheme(self) -> TilingScheme:
        """How tiles are cut."""
        return self._scheme(self.cell or self.sig_shape)

    def whole_scheme(self) -> TilingScheme:
        """How tiles are cut for UDFs that take whole frames whatever others do."""
        return self._scheme(self.sig_shape)

    def _scheme(self, cell: tuple[int, ...]) -> TilingScheme:
        tile = Shape((self.depth, *cell), len(cell))
        return TilingScheme.make_for_shape(tile, self.dataset_shape, self.intent)


def checked_method(udf: UDF) -> UDFMethod:
    """Which method a UDF wants, once it is sure that there is one.

    Raises
    ------
    UDFException
        If ``get_method`` returned something else than a member of ``UDF.UDF_METHOD``, or one
        whose process method the UDF does not have.
    TypeError
        If the UDF has no process method at all.
    """
    name = type(udf).__name__
    method = udf.get_method()
    if not isinstance(method, UDFMethod):
        raise UDFException(
            f"{name}.get_method returned {method!r}; return a member of UDF.UDF_METHOD: "
            "TILE, FRAME or PARTITION"
        )
    needed = f"process_{method.value}"
    native = method is UDFMethod.TILE and hasattr(udf, "process_native_tile")
    if not hasattr(udf, needed) and not native:
        raise UDFException(f"{name}.get_method asks for {method}, but there is no {needed}")
    return method


_HOOKS = (
    *("preprocess", "get_task_data", "get_worker_data", "postprocess", "cleanup", "merge"),
    *("process_tile", "process_frame", "process_partition"),
    *("process_native_tile", "process_encoded_tile"),
)
"""What may see that frames are no neighbours."""


def takes_holes(udf: type[UDF]) -> bool:
    """Whether partitions for a UDF may have holes, `UDF.TAKES_HOLES`.

    What a user overrides further down the inheritance expects none, unless it says so, too.
    """
    if udf.MERGE_ORDER != "arrival":
        return False
    for cls in udf.__mro__:
        if "TAKES_HOLES" in vars(cls):
            return bool(vars(cls)["TAKES_HOLES"])
        if any(hook in vars(cls) for hook in _HOOKS):
            return False
    return False


def takes_encoded_tiles(udf: type[UDF]) -> bool:
    """Whether there is a ``process_encoded_tile`` that stands for ``process_tile``.

    As for `takes_native_tiles`, what a user writes further down the inheritance wins.
    """
    for cls in udf.__mro__:
        if "process_encoded_tile" in vars(cls):
            return True
        if "process_native_tile" in vars(cls) or "process_tile" in vars(cls):
            return False
    return False


def takes_native_tiles(udf: type[UDF]) -> bool:
    """Whether ``process_native_tile`` stands for ``process_tile``.

    It does unless a class further down the inheritance overrides ``process_tile``: what a
    user writes wins over what its base class does faster.
    """
    for cls in udf.__mro__:
        if "process_native_tile" in vars(cls):
            return True
        if "process_tile" in vars(cls):
            return False
    return False
