"""Trial: a UDF on trial, run over the same data in different ways."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from framefold.errors import FramefoldError
from framefold.udf import UDF, BoundRun, BufferWrapper, PartitionResult, Reduction, UDFError


class ContractBroken(FramefoldError, AssertionError):  # noqa: N818 - a finding about a UDF
    """A rule that a UDF breaks: what happened, why it matters, where to read about it."""

    @classmethod
    def because(cls, udf: str, what: str, why: str, page: str) -> ContractBroken:
        """The finding in words.

        Parameters
        ----------
        udf : str
            Name of the UDF.
        what, why : str
            What happened, and the rule behind.
        page : str
            Page of the documentation.
        """
        return cls(f"{udf}: {what}\n  Why it matters: {why}\n  Read: {page}")


@dataclass(frozen=True, eq=False)
class Way:
    """One way to send a scan through a UDF; everything here is free to the system.

    Parameters
    ----------
    cuts : tuple of int
        Selected frames before which a new partition begins.
    order : tuple of int, or None
        Order in which partitions are merged; None for that of the scan.
    depth : int, or None
        Frames in a tile at most; None for what the UDF would get.
    cell : tuple of int, or None
        Lengths of a tile along the signal axes; None for what the UDF would get.
    selection : ndarray of bool, flat, or None
        Region of interest.
    lost : frozenset of int
        Partitions that never arrive.
    """

    cuts: tuple[int, ...] = ()
    order: tuple[int, ...] | None = None
    depth: int | None = None
    cell: tuple[int, ...] | None = None
    selection: NDArray[np.bool_] | None = None
    lost: frozenset[int] = frozenset()

    def __str__(self) -> str:
        said = []
        if self.selection is not None:
            said.append(f"{int(self.selection.sum())} positions selected")
        said.append(f"partitions cut at {list(self.cuts)}" if self.cuts else "one partition")
        if self.order is not None:
            said.append(f"merged in the order {list(self.order)}")
        if self.depth is not None:
            said.append(f"tiles of at most {self.depth} frames")
        if self.cell is not None:
            said.append(f"tiles of at most {' x '.join(map(str, self.cell))} pixels")
        if self.lost:
            said.append(f"partitions {sorted(self.lost)} lost")
        return ", ".join(said)


@dataclass(frozen=True, eq=False)
class Trial:
    """A UDF on trial.

    Parameters
    ----------
    make : callable
        Gives a new instance of the UDF.
    data : ndarray, shape nav + sig
        What it is run on.
    sig_dims : int
        How many of the last axes belong to the detector.
    rtol : float
        How far floats may differ, relative to the largest of a result.
    order_matters : tuple of str
        Results that depend on the order of partitions or on cuts by intention (a "last frame").
    seed : int
        Of the random cuts.
    examples : int
        How many of each kind are tried.
    """

    make: Callable[[], UDF]
    data: NDArray[Any]
    sig_dims: int = 2
    rtol: float = 1e-5
    order_matters: tuple[str, ...] = ()
    seed: int = 0
    examples: int = 8
    _plain: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """Name of the UDF's class."""
        return type(self.make()).__name__

    @property
    def nav_shape(self) -> tuple[int, ...]:
        """Shape of the scan."""
        return self.data.shape[: self.data.ndim - self.sig_dims]

    @property
    def sig_shape(self) -> tuple[int, ...]:
        """Shape of a frame."""
        return self.data.shape[self.data.ndim - self.sig_dims :]

    @property
    def frames(self) -> NDArray[Any]:
        """All frames, shape (positions,) + sig."""
        return self.data.reshape(-1, *self.sig_shape)

    def reduction(self, selection: NDArray[np.bool_] | None = None) -> Reduction:
        """The main side of a new run."""
        return Reduction(
            [self.make()],
            nav_shape=self.nav_shape,
            sig_shape=self.sig_shape,
            dtype=self.data.dtype,
            selection=selection,
        )

    def declared(self) -> dict[str, BufferWrapper]:
        """What the UDF declares for these data."""
        return self.reduction().declared(0)

    def plain(self) -> dict[str, BufferWrapper]:
        """Results of a run in one partition; computed once."""
        if "results" not in self._plain:
            self._plain["results"] = self.run(Way())
        found: dict[str, BufferWrapper] = self._plain["results"]
        return found

    def run(self, way: Way) -> dict[str, BufferWrapper]:
        """Results of a run.

        Raises
        ------
        ContractBroken
            If the UDF raised.
        """
        try:
            reduction = self.reduction(way.selection)
            for part in self.parts(reduction, way):
                reduction.merge(part)
            if reduction.failures:
                error = reduction.failures[0]
                raise error.exception or RuntimeError(f"{error.type_name}: {error.message}")
            return reduction.results(0, copy=True)
        except ContractBroken:
            raise
        except Exception as error:
            raise self._broken(error, way) from error

    def parts(self, reduction: Reduction, way: Way) -> list[PartitionResult]:
        """What workers make of the partitions, in the order of merging."""
        spec = reduction.spec
        if way.depth is not None:
            spec = dataclasses.replace(spec, depth=way.depth)
        if way.cell is not None and spec.intent == "tile":
            spec = dataclasses.replace(spec, cell=way.cell)
        # as between processes: what cannot travel is found here, not in a run
        bound = BoundRun(travelled(spec))
        every = np.ones(len(self.frames), bool) if way.selection is None else way.selection
        positions = np.flatnonzero(every)
        borders = list(itertools.pairwise((0, *way.cuts, len(positions))))
        order = way.order if way.order is not None else range(len(borders))
        return [
            self._part(bound, positions, *borders[i])
            for i in order
            if i not in way.lost and borders[i][0] < borders[i][1]
        ]

    def _part(
        self, bound: BoundRun, positions: NDArray[np.int64], start: int, stop: int
    ) -> PartitionResult:
        mine = positions[start:stop]

        def read(first: int, count: int) -> NDArray[Any]:
            return self.frames[mine[first : first + count]]

        part = bound.process(start, mine, read, np.zeros)
        for error in part.results:
            if isinstance(error, UDFError) and error.exception is not None:
                raise error.exception
        return part

    def _broken(self, error: Exception, way: Way) -> ContractBroken:
        raised = f"{type(error).__name__}: {error}"
        if "read-only" in str(error):
            return ContractBroken.because(
                self.name,
                f"it writes into the frames it is given ({raised})",
                "frames are shared with other UDFs and with the file they come from; copy first",
                "docs/explanation/udf-views.md",
            )
        return ContractBroken.because(
            self.name,
            f"it raised {raised} with {way}",
            "how a scan is cut into partitions and tiles is not up to the UDF, any way must work",
            "docs/how-to/write-a-udf.md",
        )

    def differ(self, found: NDArray[Any], expected: NDArray[Any]) -> str:
        """How two arrays differ, in words; empty if they do not."""
        return difference(found, expected, self.rtol)

    def compare(
        self,
        found: Mapping[str, BufferWrapper],
        expected: Mapping[str, BufferWrapper],
        way: Way,
        why: str,
    ) -> None:
        """Refuse results that differ.

        Raises
        ------
        ContractBroken
            If names, shapes, valid masks or values differ.
        """
        page = "docs/explanation/udf-views.md"
        if found.keys() != expected.keys():
            what = f"results are {sorted(found)} with {way}, else {sorted(expected)}"
            raise ContractBroken.because(self.name, what, why, page)
        for name, buffer in expected.items():
            if name in self.order_matters:
                continue
            told = self.differ(found[name].raw_data, buffer.raw_data)
            if not told and not np.array_equal(found[name].raw_valid_mask, buffer.raw_valid_mask):
                told = "other values are marked valid"
            if told:
                what = f"result {name!r} is another one with {way}: {told}"
                raise ContractBroken.because(self.name, what, why, page)


def travelled(thing: Any) -> Any:
    """A thing as it is on the other side of a pipe between processes."""
    return cloudpickle.loads(cloudpickle.dumps(thing))


def difference(found: NDArray[Any], expected: NDArray[Any], rtol: float) -> str:
    """How two arrays differ, in words; empty if they do not."""
    if found.shape != expected.shape:
        return f"its shape is {found.shape}, not {expected.shape}"
    if expected.dtype.kind in "fc":
        finite = np.abs(expected[np.isfinite(expected)])
        scale = float(finite.max()) if finite.size else 0.0
        same = np.isclose(found, expected, rtol=rtol, atol=rtol * scale, equal_nan=True)
    else:
        same = np.asarray(found == expected)
    if same.all():
        return ""
    first = tuple(int(n) for n in np.argwhere(~same)[0]) if same.ndim else ()
    where = f"{int((~same).sum())} of {same.size} values differ"
    return f"{where}, first at {first}: {found[first]!r}, not {expected[first]!r}"
