"""The rules a UDF must keep for its results to be the same live, from files, on any machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from framefold.testing.trial import ContractBroken, Trial, Way, travelled
from framefold.udf import BufferWrapper

WRITING: Final = "docs/how-to/write-a-udf.md"
VIEWS: Final = "docs/explanation/udf-views.md"


def constructor(trial: Trial) -> None:
    """The constructor runs again from what it handed on."""
    udf = trial.make()
    why = "workers construct the UDF anew for every partition, from what super().__init__ got"
    try:
        kwargs = dict(udf.stored_kwargs)
        again = type(udf)(**kwargs)
        third = type(udf)(**dict(again.stored_kwargs))
    except Exception as error:
        what = f"it cannot be constructed from its own parameters ({type(error).__name__}: {error})"
        raise ContractBroken.because(trial.name, what, why, WRITING) from error
    for name, value in kwargs.items():
        if name not in third.stored_kwargs:
            what = f"parameter {name!r} gets lost when the constructor runs again"
            raise ContractBroken.because(trial.name, what, why, WRITING)
        if not _alike(value, third.stored_kwargs[name]):
            what = (
                f"parameter {name!r} becomes another one each time the constructor runs: "
                f"{value!r}, then {third.stored_kwargs[name]!r}"
            )
            raise ContractBroken.because(trial.name, what, why, WRITING)


def travelling(trial: Trial) -> None:
    """Class and parameters can be sent to another process."""
    udf = trial.make()
    for name, thing in (("its class", type(udf)), *udf.stored_kwargs.items()):
        try:
            travelled(thing)
        except Exception as error:
            told = name if name == "its class" else f"parameter {name!r}"
            raise ContractBroken.because(
                trial.name,
                f"{told} cannot be pickled ({type(error).__name__}: {error})",
                "it is sent to worker processes; open files, locks and the like belong into "
                "get_task_data",
                WRITING,
            ) from error


def declarations(trial: Trial) -> None:
    """Buffers are declared alike whenever and wherever they are asked for."""
    first, second = trial.declared(), trial.declared()
    why = "get_result_buffers is called many times, on both sides of a run"
    if _declared(first) != _declared(second):
        what = f"it declares {_declared(first)} at first and {_declared(second)} later"
        raise ContractBroken.because(trial.name, what, why, WRITING)
    full, empty = trial.plain(), trial.run(Way(lost=frozenset([0])))
    for name in full:
        if full[name].dtype != empty[name].dtype or full[name].shape != empty[name].shape:
            what = f"result {name!r} has another shape or type once there are data"
            raise ContractBroken.because(trial.name, what, why, WRITING)


def repeated_results(trial: Trial) -> None:
    """get_results changes nothing."""
    reduction = trial.reduction()
    for part in trial.parts(reduction, Way()):
        reduction.merge(part)
    first = reduction.results(0, copy=True)
    trial.compare(
        reduction.results(0, copy=True),
        first,
        Way(),
        "get_results is called at any time and as often as somebody looks; it must only read",
    )


def cuts(trial: Trial) -> None:
    """Partitions may be cut anywhere."""
    why = "a live scan is cut where data arrive; merge must put parts together to the same whole"
    for way in _cut_ways(trial):
        trial.compare(trial.run(way), trial.plain(), way, why)


def orders(trial: Trial) -> None:
    """Partitions may be merged in any order."""
    why = "workers finish when they finish; merge must not depend on the order"
    rng = _random(trial)
    for way in _cut_ways(trial):
        order = tuple(int(i) for i in rng.permutation(len(way.cuts) + 1))
        shuffled = Way(cuts=way.cuts, order=order)
        trial.compare(trial.run(shuffled), trial.plain(), shuffled, why)


def depths(trial: Trial) -> None:
    """Tiles may hold any number of frames."""
    why = "tiles are as deep as memory and data allow; add up, never assume a number of frames"
    for depth in (1, 2, 3, 7, len(trial.frames)):
        way = Way(depth=depth)
        trial.compare(trial.run(way), trial.plain(), way, why)


def cells(trial: Trial) -> None:
    """Tiles may be any part of a frame, for UDFs that take tiles."""
    why = (
        "large frames are cut; in process_tile add to results.x[:], and use meta.sig_slice to "
        "know which pixels came (or define process_frame)"
    )
    sig, rng = trial.sig_shape, _random(trial)
    ways = [Way(cell=(max(1, sig[0] // 2), *sig[1:]), depth=2)]
    ways += [
        Way(cell=tuple(int(rng.integers(1, n + 1)) for n in sig), depth=int(rng.integers(1, 9)))
        for _ in range(trial.examples)
    ]
    for way in ways:
        trial.compare(trial.run(way), trial.plain(), way, why)


def regions(trial: Trial) -> None:
    """Any region of interest works, also none at all."""
    why = "arrays have one row a selected frame; only meta.coordinates tell where it lies"
    rng, total = _random(trial), len(trial.frames)
    for share in (0.5, 0.9, 0.1, 0.0):
        selection = rng.random(total) < share
        whole = Way(selection=selection)
        expected = trial.run(whole)
        for given in _cut_ways(trial, int(selection.sum())):
            way = Way(cuts=given.cuts, selection=selection, depth=2)
            trial.compare(trial.run(way), expected, way, why)


def holes(trial: Trial) -> None:
    """Frames that never come change nothing for the others."""
    why = "live data have holes: what was merged must be as if the missing frames were not selected"
    rng = _random(trial)
    for given in _cut_ways(trial):
        parts = len(given.cuts) + 1
        lost = frozenset(int(i) for i in np.flatnonzero(rng.random(parts) < 0.4))
        way = Way(cuts=given.cuts, lost=lost)
        found = trial.run(way)
        there = np.ones(len(trial.frames), bool)
        borders = (0, *given.cuts, len(there))
        for i in lost:
            there[borders[i] : borders[i + 1]] = False
        expected = trial.run(Way(selection=there))
        for name, buffer in _merged_only(trial, found).items():
            alike = expected[name]
            rows = buffer.raw_data[there] if buffer.kind == "nav" else buffer.raw_data
            if name in trial.order_matters or rows.shape != alike.raw_data.shape:
                continue
            told = trial.differ(rows, alike.raw_data)
            if told:
                what = f"result {name!r} is another one with {way}: {told}"
                raise ContractBroken.because(trial.name, what, why, VIEWS)


CHECKS: Final[dict[str, Callable[[Trial], None]]] = {
    "constructor": constructor,
    "travelling": travelling,
    "declarations": declarations,
    "repeated results": repeated_results,
    "cuts": cuts,
    "orders": orders,
    "depths": depths,
    "cells": cells,
    "regions": regions,
    "holes": holes,
}
"""All checks by name, in the order in which a finding explains those that follow."""


def _random(trial: Trial) -> np.random.Generator:
    return np.random.default_rng(trial.seed)


def _cut_ways(trial: Trial, frames: int | None = None) -> Iterator[Way]:
    """Ways to cut, simple ones first, so that a finding is easy to look at."""
    total = len(trial.frames) if frames is None else frames
    yield Way(cuts=(total // 2,))
    yield Way(cuts=tuple(range(1, min(total, 4))))
    rng = _random(trial)
    for _ in range(trial.examples):
        count = int(rng.integers(0, 7))
        yield Way(cuts=tuple(sorted(int(c) for c in rng.integers(0, total + 1, count))))


def _declared(results: dict[str, BufferWrapper]) -> dict[str, tuple[Any, ...]]:
    return {name: (b.kind, b.dtype.str, b.extra_shape) for name, b in results.items()}


def _merged_only(trial: Trial, results: dict[str, BufferWrapper]) -> dict[str, BufferWrapper]:
    """Results that are merged as they are; derived ones may depend on all positions."""
    declared = trial.declared()
    return {name: b for name, b in results.items() if declared[name].use is None}


def _alike(one: Any, other: Any) -> bool:
    """Whether two parameters are the same, as far as can be told."""
    if one is other or callable(one):
        return True
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        both: tuple[NDArray[Any], NDArray[Any]] = (np.asarray(one), np.asarray(other))
        return both[0].shape == both[1].shape and np.array_equal(*both)
    if type(one) is not type(other):
        return False
    if not any("__eq__" in vars(kind) for kind in type(one).__mro__[:-1]):
        return True  # compares by identity, nothing to be learnt from it
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - things of users that cannot be compared are not judged
        return True
