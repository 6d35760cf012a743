"""Where the flat scan is cut into partitions; pure arithmetic."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

_FRAMES = 64
"""Frames of a partition when they are large: enough to pay for one message to a worker."""

_BYTES = 32 * 1024 * 1024
"""Decoded bytes of a partition when frames are small: what a partition costs beside its kernels
is then a few hundredths of the time they take, and a worker still has results every few ms."""

_ROUNDS = 4
"""Partitions per worker at least, so that the last one to finish is not waited for long."""


def borders(
    positions: int,
    frame_bytes: int,
    workers: int,
    *,
    partitions: int | None = None,
    step: int = 1,
) -> NDArray[np.int64]:
    """Where to cut a scan.

    Parameters
    ----------
    positions : int
        Scan positions [positions], at least 1.
    frame_bytes : int
        Size of a decoded frame [bytes].
    workers : int
        How many will share the partitions.
    partitions : int or None
        How many there shall be; None for as many as keep all workers busy.
    step : int
        Frames that the file stores as one; a cut between them would read them twice.
        Not heeded when ``partitions`` is given.

    Returns
    -------
    ndarray of int64, shape (n + 1,)
        Partition ``i`` covers ``[result[i], result[i + 1])``; no partition is empty.
    """
    if partitions is not None:
        if partitions > positions:
            warnings.warn(
                f"num_partitions={partitions} is more than the {positions} scan positions; "
                "using one position for each partition",
                RuntimeWarning,
                stacklevel=3,
            )
            partitions = positions
        return np.linspace(0, positions, partitions + 1, dtype=np.int64)
    cache_friendly = max(_FRAMES, _BYTES // max(1, frame_bytes))
    shared = -(-positions // (_ROUNDS * max(1, workers)))
    depth = max(1, min(cache_friendly, shared))
    if step * workers <= positions:
        depth = max(step, depth // step * step)
    elif step > depth:
        # fewer chunks than workers: each decodes what it shares with others, and once is enough
        depth = -(-positions // max(1, workers))
    return np.append(np.arange(0, positions, depth, dtype=np.int64), positions)
