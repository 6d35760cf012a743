"""Messages of a scan, as a detector would send them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold_simulators import simplon_v1, simplon_v2
from framefold_simulators.encode import encoded
from framefold_simulators.series import Series

PROTOCOLS = {"simplon-v1": simplon_v1, "simplon-v2": simplon_v2}
CODECS = {
    "simplon-v1": {"none": "raw"},
    "simplon-v2": {"none": "raw", "lz4": "lz4-framed"},
}


def wire(
    data: NDArray[Any],
    protocol: str = "simplon-v2",
    *,
    order: NDArray[np.int64] | None = None,
    compression: str = "bslz4",
    number: int = 1,
    **facts: Any,
) -> list[list[bytes]]:
    """The messages of a scan, frames in some order."""
    nav, sig = data.shape[:2], data.shape[2:]
    series = Series(number, nav, sig, data.dtype, compression, **facts)
    frames = data.reshape(-1, *sig)
    numbers = np.arange(len(frames)) if order is None else order
    language = PROTOCOLS[protocol]
    blobs = encoded(frames[numbers], CODECS[protocol].get(compression, compression))
    return list(language.messages(series, zip(numbers.tolist(), blobs, strict=True)))
