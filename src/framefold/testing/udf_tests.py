"""UDFTests: a test class to inherit from, one test for each rule."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from framefold.api import Context
from framefold.formats.memory import ArrayDataSet
from framefold.testing import checks
from framefold.testing.trial import Trial, Way
from framefold.udf import UDF


def small_scan(seed: int = 0) -> NDArray[np.uint16]:
    """Counts of few electrons: 5 x 6 positions, frames of 16 x 18 pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :18]
    disk = 9.0 * ((y - 8) ** 2 + (x - 9) ** 2 < 30) + 0.3
    return rng.poisson(disk, (5, 6, 16, 18)).astype(np.uint16)


class UDFTests:
    """Tests that a UDF gives the same whatever is not up to it.

    Inherit from it in a test file of pytest and define `make_udf`. Every test that fails says in
    plain words which rule is broken and where to read about it.

    Attributes
    ----------
    sig_dims : int
        How many of the last axes of `make_data` belong to the detector.
    rtol : float
        How far floats may differ, relative to the largest value of a result.
    order_matters : tuple of str
        Results that depend on the order of partitions, or on how the scan is cut, by intention.
    seed, examples : int
        Of random cuts, and how many there are of each kind.
    workers : tuple of int
        Numbers of worker processes that are tried; empty for none.

    Examples
    --------
    >>> from framefold import SumUDF
    >>> from framefold.testing import UDFTests
    >>> class TestSum(UDFTests):
    ...     def make_udf(self):
    ...         return SumUDF()
    >>> TestSum().test_cuts()
    """

    sig_dims = 2
    rtol = 1e-5
    order_matters: tuple[str, ...] = ()
    seed = 0
    examples = 8
    workers: tuple[int, ...] = (1, 2)

    def make_udf(self) -> UDF:
        """A new instance of the UDF on trial."""
        raise NotImplementedError(f"{type(self).__name__} must define make_udf")

    def make_data(self) -> NDArray[Any]:
        """What to run it on, shape nav + sig; override it where the UDF needs something else."""
        return small_scan(self.seed)

    def trial(self) -> Trial:
        """The UDF on trial."""
        return Trial(
            self.make_udf,
            self.make_data(),
            self.sig_dims,
            self.rtol,
            self.order_matters,
            self.seed,
            self.examples,
        )

    def test_constructor(self) -> None:
        """The constructor runs again from what it handed on."""
        checks.constructor(self.trial())

    def test_travelling(self) -> None:
        """Class and parameters can be sent to another process."""
        checks.travelling(self.trial())

    def test_declarations(self) -> None:
        """Buffers are declared alike whenever and wherever they are asked for."""
        checks.declarations(self.trial())

    def test_repeated_results(self) -> None:
        """get_results changes nothing."""
        checks.repeated_results(self.trial())

    def test_cuts(self) -> None:
        """Partitions may be cut anywhere."""
        checks.cuts(self.trial())

    def test_orders(self) -> None:
        """Partitions may be merged in any order."""
        checks.orders(self.trial())

    def test_depths(self) -> None:
        """Tiles may hold any number of frames."""
        checks.depths(self.trial())

    def test_cells(self) -> None:
        """Tiles may be any part of a frame, for UDFs that take tiles."""
        checks.cells(self.trial())

    def test_regions(self) -> None:
        """Any region of interest works, also none at all."""
        checks.regions(self.trial())

    def test_holes(self) -> None:
        """Frames that never come change nothing for the others."""
        checks.holes(self.trial())

    def test_workers(self) -> None:
        """Any number of worker processes gives the same."""
        trial = self.trial()
        data = ArrayDataSet(trial.data, sig_dims=self.sig_dims, num_partitions=7)
        for count in self.workers:
            with by_value(type(self.make_udf())), Context(workers=count) as context:
                results: Any = context.run_udf(data, self.make_udf())
            why = f"with {count} worker processes; nothing but parameters reaches a worker"
            trial.compare(results, trial.plain(), Way(), why)


@contextmanager
def by_value(kind: type[UDF]) -> Iterator[None]:
    """Send a class itself to workers: they need not be able to import a file of tests."""
    module = sys.modules[kind.__module__]
    ours = kind.__module__.partition(".")[0] == "framefold"
    if ours or kind.__module__ == "__main__":
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)
