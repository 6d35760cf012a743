"""Compile what most runs use once, before processes are forked that will use it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import DTypeLike

from framefold.kernels import (
    blanking,
    cbor_images,
    corrections,
    crc32c,
    json_images,
    lookup3,
    masks,
    merlin_images,
    moments,
    mpx,
    placing,
    sums,
    variances,
    zmtp,
)

#: What detectors send.
DETECTOR_DTYPES: tuple[str, ...] = ("uint8", "uint16", "uint32", "float32")


def warm(dtypes: Iterable[DTypeLike] = DETECTOR_DTYPES) -> None:
    """Compile, or load from numba's cache on disk, the usual kernels for these pixel dtypes.

    Processes forked afterwards share the machine code. Other dtypes, ring sums and sparse masks
    are compiled when their first tile comes: a first start should not wait for them.

    Parameters
    ----------
    dtypes : iterable of dtype-like
        dtypes of the frames expected.
    """
    for name in dtypes:
        dtype = np.dtype(name)
        sums.warm(dtype)
        masks.warm(dtype)
        moments.warm(dtype)
        variances.warm(dtype)
        corrections.warm(dtype)
        blanking.warm(dtype)
    lookup3.warm()
    warm_receiving()


def warm_receiving() -> None:
    """Compile, or load, the kernels that a receiver takes messages with."""
    for module in (zmtp, mpx, json_images, crc32c, cbor_images, merlin_images, placing):
        module.warm()
