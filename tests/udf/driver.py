"""A tiny engine: sends a numpy array through Reduction and BoundRun, partition by partition."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from framefold.udf import UDF, BoundRun, BufferWrapper, PartitionResult, Reduction


class Driver:
    """One run over an array, shape nav + sig; tests say where it is cut."""

    def __init__(
        self,
        data: NDArray[Any],
        udfs: UDF | Sequence[UDF],
        *,
        sig_dims: int = 2,
        selection: NDArray[np.bool_] | None = None,
        travel: bool = False,
        **options: Any,
    ) -> None:
        self.udfs = [udfs] if isinstance(udfs, UDF) else list(udfs)
        nav, sig = data.shape[: data.ndim - sig_dims], data.shape[data.ndim - sig_dims :]
        self.frames = data.reshape(-1, *sig)
        self.reduction = Reduction(
            self.udfs,
            nav_shape=nav,
            sig_shape=sig,
            dtype=data.dtype,
            selection=selection,
            **options,
        )
        total = len(self.frames)
        self.positions = (
            np.arange(total) if selection is None else np.flatnonzero(selection.reshape(-1))
        )
        self.travel = travel  # through pickle, as between processes
        self.reads: list[tuple[int, int]] = []

    def part(self, start: int, stop: int) -> PartitionResult:
        """What a worker makes of selected frames [start, stop)."""
        positions = self.positions[start:stop]

        def read(first: int, count: int) -> NDArray[Any]:
            self.reads.append((first, count))
            return self.frames[positions[first : first + count]]

        spec = self.reduction.spec
        if self.travel:
            spec = cloudpickle.loads(cloudpickle.dumps(spec))
        result = BoundRun(spec).process(start, positions, read, np.zeros)
        return cloudpickle.loads(cloudpickle.dumps(result)) if self.travel else result

    def holed(self, numbers: NDArray[np.int64]) -> PartitionResult:
        """What a worker makes of some selected frames with holes between them."""
        positions = self.positions[numbers]

        def read(first: int, count: int) -> NDArray[Any]:
            return self.frames[positions[first : first + count]]

        bound = BoundRun(self.reduction.spec)
        return bound.process(int(numbers[0]), positions, read, np.zeros, numbers=numbers)

    def run(
        self, cuts: Iterable[int] = (), order: Sequence[int] | None = None
    ) -> list[dict[str, BufferWrapper]]:
        """Everything, cut at these selected frames; results of each UDF."""
        borders = [0, *sorted(cuts), len(self.positions)]
        parts = list(itertools.pairwise(borders))
        for i in order if order is not None else range(len(parts)):
            part = self.part(*parts[i])
            self.reduction.merge(part)
            for error in self.reduction.failures.values():
                assert error.exception is not None
                raise error.exception
        return [self.reduction.results(i) for i in range(len(self.udfs))]


def run_udf(
    data: NDArray[Any], udf: UDF, cuts: Iterable[int] = (), **options: Any
) -> dict[str, BufferWrapper]:
    """Results of one UDF over an array."""
    return Driver(data, udf, **options).run(cuts)[0]
