"""How large tiles are: what UDFs wish, what memory allows, and what is decided from it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framefold.core.shape import Shape
from framefold.errors import UDFException
from framefold.udf.tiling import (
    DEFAULT_DEPTH,
    TILE_DEPTH_DEFAULT,
    TILE_SIZE_BEST_FIT,
    TilingScheme,
    UDFMethod,
)

CACHE_BYTES: Final = 2**20
"""Size of a tile that stays in a core's second-level cache while every UDF works on it."""

WHOLE_BYTES: Final = 2**22
"""Size of a tile of whole frames for kernels that keep to the caches by themselves: what each call
costs, and what is loaded once for it (masks, totals), is shared by so many frames. It still stays
in the last cache. Measured with four UDFs at once on frames of 128 KiB: 20 % less time than with
1 MiB on a core with a second-level cache of 512 KiB, 10 % with 2 MiB."""

FEW_FRAMES: Final = 8
FEW_FRAMES_BYTES: Final = 2**23
"""Larger frames still come a few at a time, as long as they stay in the last cache [bytes]."""

READ_BYTES: Final = 2**26
"""Frames that a worker reads at once for the sake of deep tiles, at most [bytes]."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a UDF would like its tiles to be.

    Parameters
    ----------
    udf : str
        Its name, for errors.
    method : UDFMethod
    preferences : mapping
        What its ``get_tiling_preferences()`` gave.
    whole_frames : bool
        Whether it takes whole frames even in tile mode.
    """

    udf: str
    method: UDFMethod
    preferences: Mapping[str, Any]
    whole_frames: bool = False

    def checked(self, key: str, default: str) -> float | None:
        """A wish as a number; None where the choice is left to us."""
        value = self.preferences.get(key, default)
        if isinstance(value, str) and value == default:
            return None
        if isinstance(value, str) or not float(value) > 0:
            raise UDFException(
                f"{self.udf}.get_tiling_preferences returned {key}={value!r}; "
                "needs a positive number or one of the TILE_ constants of UDF"
            )
        return float(value)

    @property
    def depth(self) -> float | None:
        """Frames a tile should have at least."""
        return self.checked("depth", TILE_DEPTH_DEFAULT)

    @property
    def total_size(self) -> float | None:
        """Bytes a tile should have at most."""
        return self.checked("total_size", TILE_SIZE_BEST_FIT)

    def check_names(self) -> None:
        """Refuse preferences that mean nothing."""
        unknown = set(self.preferences) - {"depth", "total_size"}
        if unknown:
            raise UDFException(
                f"{self.udf}.get_tiling_preferences returned unknown keys {sorted(unknown)}; "
                "known: 'depth', 'total_size'"
            )


def decide(
    dataset_shape: Shape,
    itemsize: int,
    wishes: Iterable[Wishes],
    recorded_itemsize: int | None = None,
) -> TilingScheme:
    """One scheme for all UDFs of a run.

    Tiles are whole frames, as many as stay in the cache. Where one frame is larger than that, or
    fewer frames than a UDF asked for would fit, tiles are cut out of the frames instead, if every
    UDF works on tiles.

    Parameters
    ----------
    dataset_shape : Shape
        Navigation and signal axes.
    itemsize : int
        Size of a pixel as UDFs see it [bytes]; the recorded one where all take native tiles.
    wishes : iterable of Wishes
        One for each UDF.
    recorded_itemsize : int, optional
        Size of a pixel as it is read [bytes]; ``itemsize`` when left out.

    Returns
    -------
    TilingScheme
        Its depth is a wish as well: partitions may be shorter. A UDF's ``depth`` is a minimum, as
        far as the frames to be read for it are not more than 64 MiB.

    Raises
    ------
    UDFException
        If a preference is unknown or not a positive number.
    """
    asked = list(wishes)
    for one in asked:
        one.check_names()
    sig = tuple(dataset_shape.sig)
    frame_bytes = max(1, math.prod(sig) * itemsize)
    # kernels with several masks load each of them once for a few frames at a time
    usual = WHOLE_BYTES if all(one.whole_frames for one in asked) else CACHE_BYTES
    limit = float(max(usual, min(FEW_FRAMES * frame_bytes, FEW_FRAMES_BYTES)))
    limit = min([limit, *(one.total_size for one in asked if one.total_size is not None)])
    read_bytes = max(1, math.prod(sig) * (recorded_itemsize or itemsize))
    most = max(1, min(READ_BYTES // read_bytes, dataset_shape.nav.size))
    depths = [one.depth for one in asked if one.method is UDFMethod.TILE]
    least = max((math.ceil(min(d, most)) for d in depths if d is not None), default=None)
    intent = _intent({one.method for one in asked})
    depth, cell = int(limit // frame_bytes), sig
    if intent == "tile" and depth < (least or 1) and not all(o.whole_frames for o in asked):
        limit = min(limit, CACHE_BYTES)
        depth = least or max(1, min(most, DEFAULT_DEPTH, FEW_FRAMES_BYTES // read_bytes))
        cell = _cell(sig, limit / depth / itemsize)
        # the smallest cells there are may still be too large: then fewer frames
        depth = min(depth, int(limit // (math.prod(cell) * itemsize)))
    elif least is not None:
        depth = max(depth, least)
    depth = max(1, min(depth, dataset_shape.nav.size))
    return TilingScheme.make_for_shape(Shape((depth, *cell), len(sig)), dataset_shape, intent)


def _intent(methods: Collection[UDFMethod]) -> str:
    if UDFMethod.PARTITION in methods:
        return "partition"
    return "frame" if UDFMethod.FRAME in methods else "tile"


def _cell(sig_shape: tuple[int, ...], pixels: float) -> tuple[int, ...]:
    """The cell with at most so many pixels, of whole rows and at least one; cells are alike."""
    cell = list(sig_shape)
    # rows stay whole: what lies side by side in memory is read together
    for axis in range(max(1, len(cell) - 1)):
        length = int(pixels // max(1, math.prod(cell[axis + 1 :])))
        if length >= 1:
            count = math.ceil(cell[axis] / length)
            cell[axis] = math.ceil(cell[axis] / count)
            break
        cell[axis] = 1
    return tuple(cell)
