"""Gaps: what the numbers of lost frames say of why they were lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST_FRAMES = 32
"""Frames below which a pattern may be chance."""

MOST_CLIENTS = 4
"""Listeners that a stream is ever shared out among."""

SURE = 0.97
"""Share of the frames that must fit the pattern: some are lost for other reasons."""


def shared_among(numbers: NDArray[np.int64]) -> int | None:
    """Among how many listeners a stream was shared out, as the gaps between its frames tell.

    A PUSH socket deals its messages out in turn: who shares it with n - 1 others gets every n-th.

    Parameters
    ----------
    numbers : ndarray of int64
        Numbers of the frames received, ascending.

    Returns
    -------
    int or None
        How many listeners, ourselves included; None if the gaps have no such period.

    Notes
    -----
    The pattern shifts by one where a message that is no frame was dealt out, too, or another
    listener came later; hence what counts is the distance from each frame to the next.
    """
    if len(numbers) < FEWEST_FRAMES:
        return None
    steps = np.diff(numbers)
    for clients in range(2, MOST_CLIENTS + 1):
        if np.count_nonzero(steps == clients) >= SURE * len(steps):
            return clients
    # another listener came, or went, on the way: the longest stretch of one distance decides
    changes = np.flatnonzero(np.diff(steps)) + 1
    stretches = np.split(steps, changes)
    longest = max(stretches, key=lambda part: len(part) if part[0] > 1 else 0)
    clients = int(longest[0])
    if 2 <= clients <= MOST_CLIENTS and len(longest) >= FEWEST_FRAMES:
        return clients
    return None


def told(numbers: NDArray[np.int64]) -> str:
    """The same as a sentence; empty when there is nothing to say."""
    clients = shared_among(numbers)
    if clients is None:
        return ""
    others = "another program takes" if clients == 2 else f"{clients - 1} other programs take"
    return (
        f"only every {_ORDINALS[clients]} frame came: {others} frames from the same stream; "
        "close it, a detector shares its frames out among all who listen"
    )


_ORDINALS = {2: "second", 3: "third", 4: "fourth"}
