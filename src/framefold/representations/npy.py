"""NumPy's own file format: what ``numpy.load`` reads, bit for bit.

Format: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import numpy as np

from framefold.core.snapshot import Channel
from framefold.representations.representation import Representation, array_bytes

# a header is padded to a multiple of 64 bytes; 4 KiB holds any shape and plain dtype
_HEADER_BYTES = 4096


def encode(channel: Channel, options: Mapping[str, str]) -> bytes:  # noqa: ARG001 - it has none
    """The array as a ``.npy`` file."""
    target = BytesIO()
    np.lib.format.write_array(target, np.asarray(channel.data, order="C"), allow_pickle=False)
    return target.getvalue()


def estimate(channel: Channel, options: Mapping[str, str]) -> int:  # noqa: ARG001
    """Size of the values and of any header [bytes]."""
    return array_bytes(channel) + _HEADER_BYTES


NPY = Representation("npy", "application/x-npy", encode, estimate)
