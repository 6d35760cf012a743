"""Pulse: what a worker is at, since when and in which UDF, for whoever watches it from outside."""

from __future__ import annotations

from framefold.core.tally import SHARED

Pulse = memoryview
"""Two int64, written by a worker without a lock, a call or a lookup: this is touched for every
tile and UDF. They lie where another process sees them, or nowhere in particular."""

SINCE = 0
"""When it began with the order at hand, by the machine's monotonic clock [ns]; 0 while it waits."""
WHERE = 1
"""Number of the UDF whose code runs, or `SHARED`."""

PULSE_BYTES = 16


def unwatched() -> Pulse:
    """A pulse that nobody feels."""
    return pulse_in(memoryview(bytearray(PULSE_BYTES)))


def pulse_in(memory: memoryview) -> Pulse:
    """A pulse at the beginning of some memory; still until it is first written."""
    found = memory[:PULSE_BYTES].cast("B").cast("q")
    found[SINCE] = 0
    found[WHERE] = SHARED
    return found
