"""The suite names what a reader gets wrong."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from framefold.formats import ArrayDataSet
from framefold.formats.files import Segment
from framefold.formats.memory import ArrayFrames, OpenArrayFrames
from framefold.testing import ReaderTests
from recordings_for_tests import counts


@dataclass(frozen=True, slots=True, eq=False)
class Wrong(ArrayFrames):
    """Frames in memory, read wrongly in one way."""

    fault: str = ""
    first: int = 0
    lock: Any = None

    def piece(self, first, stop):
        lock = threading.Lock() if self.fault == "does not travel" else None
        return Wrong(self.data[first:stop], self.fault, first, lock)

    def open(self):
        return OpenWrong(self.data, self.fault, self.first)


class OpenWrong(OpenArrayFrames):
    def __init__(self, data, fault, first):
        super().__init__(data)
        self.fault, self.first = fault, first

    def read(self, rows, out):
        pixels = super().read(rows, out).copy()
        if self.fault == "wrong pixel":
            pixels[rows + self.first == 7, 3] += 1
        if self.fault == "first rows always":
            pixels = self._view[: len(rows)].copy()
        if self.fault == "starts at its piece":
            pixels = super().read(rows - rows[0], out).copy()
        if self.fault == "wrong type":
            return pixels.astype("u4")
        if self.fault == "memory of its own":
            return np.array(pixels)
        out[: len(rows)] = pixels
        return out[: len(rows)]


def data_set(fault: str, data: Any, **options: Any) -> ArrayDataSet:
    made = ArrayDataSet(data, **options)
    (segment,) = made.segments
    made.segments = (replace(segment, storage=Wrong(segment.storage.data, fault)),)
    if fault == "lacks a frame":
        made.segments = (
            Segment(0, segment.storage, 0, 6),
            Segment(7, segment.storage, 7, segment.count - 7),
        )
        made.starts = np.array([0, 7]) - made.acquisition.scan.sync_offset
        made.stops = made.starts + np.array([6, segment.count - 7])
    return made


def on_trial(fault: str) -> ReaderTests:
    class Suite(ReaderTests):
        workers = 0

        def load(self, source, **options):
            return data_set(fault, source, **options)

    return Suite()


DATA = counts((4, 5), (3, 4))


@pytest.mark.parametrize(
    ("fault", "test", "words"),
    [
        ("wrong pixel", "test_every_frame", r"frames \[7\] have wrong pixels"),
        ("lacks a frame", "test_every_frame", "it has 19 frames"),
        ("lacks a frame", "test_cuts", r"position \[6\] did not come"),
        ("first rows always", "test_shuffled", "wrong pixels"),
        ("starts at its piece", "test_shuffled", "wrong pixels"),
        ("wrong type", "test_every_frame", "read gave uint32"),
        ("memory of its own", "test_every_frame", "read-only"),
        ("wrong pixel", "test_run", "not what numpy gives"),
        ("wrong pixel", "test_scan_orders", "wrong pixels"),
    ],
)
def test_names_what_is_wrong(fault, test, words):
    with pytest.raises(AssertionError, match=words):
        getattr(on_trial(fault), test)((DATA, DATA))


def test_blocks_that_do_not_travel():
    with pytest.raises(TypeError, match="lock"):
        on_trial("does not travel").test_travelling((DATA, DATA))


@pytest.mark.parametrize("name", [n for n in dir(ReaderTests) if n.startswith("test_")])
def test_good_readers_pass(name):
    getattr(on_trial(""), name)((DATA, DATA))
