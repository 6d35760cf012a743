"""When a disk counts as too slow to be waited for."""

from __future__ import annotations

import pytest

from framefold.record.disk_pace import SURE_BYTES, DiskPace

MIB = 1 << 20


def after(seconds_each: float, *, every: float, pieces: int = 100, nbytes: int = MIB) -> DiskPace:
    """The pace after pieces that were written one every so many seconds."""
    pace = DiskPace()
    for number in range(pieces):
        pace.took(nbytes, number * every, number * every + seconds_each)
    return pace


@pytest.mark.parametrize(
    ("seconds_each", "every", "keeps_up"),
    [
        (0.001, 1.0, True),
        (0.001, 0.0015, True),
        (0.001, 0.0011, False),  # it was waited for nearly all the time
        (1.0, 10.0, True),  # slow, and so are frames
    ],
)
def test_against_what_comes(seconds_each, every, keeps_up):
    assert after(seconds_each, every=every).keeps_up is keeps_up


def test_nothing_is_concluded_from_little():
    assert after(1.0, every=1.0, pieces=SURE_BYTES // MIB - 1).keeps_up
    assert not after(1.0, every=1.0, pieces=SURE_BYTES // MIB).keeps_up


def test_for_good():
    pace = after(1.0, every=1.0)

    pace.took(MIB, 1000.0, 1000.001)

    assert not pace.keeps_up
