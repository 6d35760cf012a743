"""Encoded frames as a bad line or a bad disk leaves them."""

from __future__ import annotations


def damaged(rng, chunk):
    """A copy with a few bytes changed, cut off, doubled or put out of place."""
    data = bytearray(chunk)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(data)))
        what = rng.integers(6)
        if what < 3:
            data[place] = rng.integers(256)
        elif what == 3:
            data[place] ^= 1 << rng.integers(8)
        elif what == 4:
            del data[max(place, 1) :]
        else:
            data[place:place] = data[place : place + int(rng.integers(1, 9))]
    return bytes(data)
