"""The suite passes for UDFs that keep the rules, and names the rule that others break."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from framefold.analyses import make_udf
from framefold.testing import CHECKS, ContractBroken, Trial, UDFTests
from framefold.testing.udf_tests import small_scan
from framefold.udf import UDF, BufferWrapper

SHIPPED = {
    "com": {}, "logsum": {}, "max": {}, "noop": {}, "stddev": {}, "sum": {}, "sumsig": {},
    "radial_profile": {}, "virtual_detector": {"shape": "ring", "ri": 2, "ro": 5},
    "fem": {"center": [8, 9], "rad_in": 2, "rad_out": 6},
}  # fmt: skip


class Sum(UDF):
    """What the others get wrong."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {
            "sig": self.buffer("sig", dtype=np.float64),
            "nav": self.buffer("nav", dtype=np.float64),
        }

    def process_tile(self, tile: np.ndarray) -> None:
        self.results.sig[:] += tile.sum(axis=0)
        self.results.nav[:] += tile.sum(axis=(1, 2))

    def merge(self, dest: Any, src: Any) -> None:
        dest.sig[:] += src.sig
        dest.nav[:] = src.nav


class TestSum(UDFTests):
    """Everything, worker processes included."""

    def make_udf(self) -> UDF:
        return Sum()


def trial(kind: type[UDF], **kwargs: Any) -> Trial:
    return Trial(lambda: kind(**kwargs), small_scan(), examples=4)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("check", CHECKS)
def test_shipped(name: str, check: str) -> None:
    made = Trial(lambda: make_udf(name, SHIPPED[name]), small_scan(), examples=3)
    CHECKS[check](made)


class ChangesParams(Sum):
    def __init__(self, size: int = 3) -> None:
        super().__init__(size=size + 1)


class LosesParams(Sum):
    def __init__(self, size: int = 3) -> None:
        super().__init__(other=size)


class Stuck(Sum):
    def __init__(self, lock: Any = None) -> None:
        super().__init__(lock=lock or threading.Lock())


class Fickle(Sum):
    calls = 0

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        Fickle.calls += 1
        return {**super().get_result_buffers(), f"x{Fickle.calls}": self.buffer("nav")}


class Writes(Sum):
    def process_tile(self, tile: np.ndarray) -> None:
        tile -= tile.mean()


class Impure(Sum):
    def get_results(self) -> Any:
        self.results.sig[:] += 1
        return super().get_results()


class LastWins(Sum):
    def merge(self, dest: Any, src: Any) -> None:
        dest.sig[:] = src.sig
        dest.nav[:] = src.nav


class FirstFrame(Sum):
    """Counts on the first partition to be merged first."""

    def merge(self, dest: Any, src: Any) -> None:
        if dest.sig.any():
            dest.sig[:] -= src.sig
        else:
            dest.sig[:] = src.sig
        dest.nav[:] = src.nav


class Overwrites(Sum):
    def process_tile(self, tile: np.ndarray) -> None:
        self.results.sig[:] = tile.sum(axis=0)
        self.results.nav[:] = tile.sum(axis=(1, 2))


class WholeFrames(Sum):
    def process_tile(self, tile: np.ndarray) -> None:
        self.results.nav[:] = tile.sum(axis=(1, 2))
        self.results.sig[:] += tile.sum(axis=0)


class PlainIndex(Sum):
    """Takes rows for positions of the scan."""

    def process_tile(self, tile: np.ndarray) -> None:
        for frame, (y, x) in zip(tile, self.meta.coordinates, strict=True):
            self.results.nav[y * 6 + x - self.meta.partition_slice.origin[0]] += frame.sum()


class NoHoles(Sum):
    def get_results(self) -> Any:
        if not self.meta.get_valid_nav_mask().all():
            raise RuntimeError("where is the rest?")
        return super().get_results()


@pytest.mark.parametrize(
    ("kind", "check", "told"),
    [
        (ChangesParams, "constructor", "parameter 'size' becomes another one each time"),
        (LosesParams, "constructor", "cannot be constructed from its own parameters"),
        (Stuck, "travelling", "parameter 'lock' cannot be pickled"),
        (Fickle, "declarations", "it declares"),
        (Writes, "cuts", "writes into the frames it is given"),
        (Impure, "repeated results", "must only read"),
        (LastWins, "cuts", "result 'sig' is another one with partitions cut at"),
        (FirstFrame, "orders", "result 'sig' is another one"),
        (Overwrites, "depths", "tiles of at most 1 frames"),
        (WholeFrames, "cells", "process_tile add to results.x"),
        (PlainIndex, "regions", "IndexError"),
        (NoHoles, "holes", "where is the rest"),
    ],
)
def test_broken(kind: type[UDF], check: str, told: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        CHECKS[check](trial(kind))

    text = str(caught.value)
    assert text.startswith(f"{kind.__name__}: ")
    assert told in text
    assert "Why it matters: " in text
    assert "Read: docs/" in text


def test_make_udf_is_needed() -> None:
    with pytest.raises(NotImplementedError, match="must define make_udf"):
        UDFTests().make_udf()
