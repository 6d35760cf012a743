"""Whichever way bytes go into a file, they are there, in order, and nothing else is."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.record import past_cache
from framefold.record.disk_pace import DiskPace
from framefold.record.past_cache import LEAST_BYTES, PAGE, PastCache


@contextmanager
def appending(path: Path, begin: bytes = b"", pace: DiskPace | None = None) -> Iterator[PastCache]:
    path.write_bytes(begin)
    descriptor = os.open(path, os.O_RDWR)
    writer = PastCache(path, descriptor, pace or DiskPace())
    try:
        yield writer
    finally:
        writer.close()
        os.close(descriptor)


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes what was written past the cache."""
    written: list[int] = []
    pwrite = os.pwrite

    def noted(descriptor: int, data: Any, at: int) -> int:
        assert at % PAGE == len(data) % PAGE == 0
        written.append(len(data))
        return pwrite(descriptor, data, at)

    monkeypatch.setattr(past_cache.os, "pwrite", noted)
    return written


@settings(deadline=None, max_examples=40)
@given(
    begin=st.integers(0, 3 * PAGE),
    lengths=st.lists(st.lists(st.integers(0, 9000), max_size=60), max_size=6),
    large=st.sampled_from([0, LEAST_BYTES, LEAST_BYTES + 17, 9 << 20]),
    seed=st.integers(0, 2**32),
)
def test_any_pieces(tmp_path_factory, begin, lengths, large, seed):
    content = np.random.default_rng(seed).bytes(begin + sum(map(sum, lengths)) + 6 * large + 1)
    path = tmp_path_factory.mktemp("pieces") / "file"
    with appending(path, content[:begin]) as writer:
        end = begin
        for some in lengths:
            pieces = []
            at = end
            for length in [*some, large]:
                pieces.append(memoryview(content)[at : at + length])
                at += length

            assert writer.write(pieces, end) == at
            end = at
            # also for whoever reads it meanwhile
            assert path.read_bytes() == content[:end]


def test_whole_pages_go_past_the_cache(tmp_path, direct):
    content = os.urandom(LEAST_BYTES + 3 * PAGE + 100)
    with appending(tmp_path / "file", b"x" * 100) as writer:
        writer.write([content], 100)

    assert (tmp_path / "file").read_bytes() == b"x" * 100 + content
    assert sum(direct) == LEAST_BYTES + 2 * PAGE or not direct  # some file systems cannot


def test_little_does_not(tmp_path, direct):
    with appending(tmp_path / "file") as writer:
        writer.write([bytes(LEAST_BYTES - 1)], 0)

    assert not direct


def test_nor_does_anything_where_the_disk_does_not_keep_up(tmp_path, direct):
    pace = DiskPace()
    pace.took(1 << 30, 0.0, 1.0)
    with appending(tmp_path / "file", pace=pace) as writer:
        writer.write([bytes(2 * LEAST_BYTES)], 0)

    assert not direct


@pytest.mark.parametrize("at_once", [True, False])
def test_a_file_system_that_cannot(tmp_path, monkeypatch, at_once):
    """Told when the file is opened, or with the first, or second write."""
    content = os.urandom(9 << 20)
    for allowed in (0, 1):
        attempts = []

        def refused(descriptor: int, data: Any, at: int, allowed=allowed, attempts=attempts) -> int:
            attempts.append(len(data))
            if len(attempts) <= allowed:
                return os.pwritev(descriptor, [data], at)
            raise OSError(errno.EINVAL, "no")

        monkeypatch.setattr(past_cache.os, "pwrite", refused)
        if at_once:
            monkeypatch.setattr(past_cache.os, "O_DIRECT", os.O_DIRECTORY)
        with appending(tmp_path / "file") as writer:
            assert writer.write([content], 0) == len(content)
            assert writer.write([content], len(content)) == 2 * len(content)

        assert (tmp_path / "file").read_bytes() == 2 * content
        assert len(attempts) <= 1 + allowed


def test_less_than_asked_is_taken(tmp_path, monkeypatch):
    """The rest follows; less than a page goes through the cache."""
    content = os.urandom(9 << 20)

    def short(descriptor: int, data: Any, at: int) -> int:
        whole = os.pwritev(descriptor, [data], at)
        return min(whole, 5 * PAGE + 512) if len(data) > 100 * PAGE else min(whole, 512)

    monkeypatch.setattr(past_cache.os, "pwrite", short)
    with appending(tmp_path / "file") as writer:
        writer.write([content], 0)

    assert (tmp_path / "file").read_bytes() == content


def test_a_full_disk_is_told(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with appending(tmp_path / "file") as writer:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, before[1]))
            with pytest.raises(OSError, match="File too large"):
                writer.write([bytes(9 << 20)], 0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handled)
