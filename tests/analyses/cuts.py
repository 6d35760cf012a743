"""Runs of shipped UDFs cut at random: depth of tiles, borders of partitions, order of merging."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from framefold.udf import UDF
from udf.driver import Driver


@st.composite
def ways_to_cut(draw: st.DrawFn, frames: int) -> tuple[list[int], int, list[int]]:
    """Partition borders, tile depth, order of merging."""
    cuts = draw(st.lists(st.integers(0, frames), max_size=6, unique=True))
    depth = draw(st.integers(1, frames + 1))
    order = draw(st.permutations(range(len(cuts) + 1)))
    return cuts, depth, list(order)


def bits(
    data: NDArray[Any], make: Callable[[], UDF], way: tuple[list[int], int, list[int]] | None = None
) -> dict[str, bytes]:
    """Every result's bytes, of a run cut that way or not at all."""
    driver = Driver(data, make())
    cuts, depth, order = way or ([], len(driver.positions), [0])
    driver.reduction._spec = dataclasses.replace(driver.reduction.spec, depth=depth)
    results = driver.run(cuts, order)[0]
    return {name: np.ascontiguousarray(b.data).tobytes() for name, b in results.items()}


def scan(dtype: str, seed: int = 0, nav: tuple[int, int] = (4, 5)) -> NDArray[Any]:
    """A small scan of frames of 9x11 pixels that fill the dtype (integers up to 16 bit)."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    shape = (*nav, 9, 11)
    if kind.kind in "ui":
        info = np.iinfo(kind)
        high = min(info.max, 65535)
        return rng.integers(max(info.min, -high), high, shape, endpoint=True).astype(kind)
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(kind)
    return (rng.random(shape) * 100).astype(kind)
