"""Analysis: a UDF for common questions, and its results by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.core.shape import Shape
from framefold.errors import MissingNameError, ShapeError, nearest
from framefold.udf import UDF


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisResult:
    """One picture of an analysis.

    Parameters
    ----------
    raw_data : ndarray
        The numbers.
    title, desc : str
        For people, short and longer.
    key : str
        For code: the attribute of `AnalysisResultSet`.
    visualized : ndarray, optional
        A picture of it, from analyses of users that make one.
    """

    raw_data: NDArray[Any]
    title: str
    desc: str
    key: str
    visualized: NDArray[np.uint8] | None = None

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.raw_data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<AnalysisResult: {self.key}>"


class AnalysisResultSet:
    """The results of an analysis, by attribute, by key, by number, and one after another.

    Parameters
    ----------
    results : sequence of AnalysisResult
        In the order people see them.
    raw_results : ndarray, optional
        All numbers in one array, where the analysis has such a thing.
    """

    def __init__(
        self, results: Sequence[AnalysisResult], raw_results: NDArray[Any] | None = None
    ) -> None:
        self.results = list(results)
        self.raw_results = raw_results

    def keys(self) -> list[str]:
        """Keys of all results."""
        return [result.key for result in self.results]

    def __getattr__(self, name: str) -> AnalysisResult:
        if name.startswith("_") or name == "results":  # not ours, or asked for while unpickling
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, key: int | str) -> AnalysisResult:
        if not isinstance(key, str):
            return self.results[key]
        for result in self.results:
            if result.key == key:
                return result
        close = nearest(key, self.keys())
        hint = f"; did you mean {close!r}?" if close else ""
        listed = ", ".join(self.keys()[:20])
        raise MissingNameError(f"there is no result {key!r}{hint} (there are: {listed})")

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[AnalysisResult]:
        return iter(self.results)

    def __repr__(self) -> str:
        return f"<AnalysisResultSet: {', '.join(self.keys())}>"


class Analysis(ABC):
    """A question to a data set: which UDF answers it, over which positions, and how to read it.

    Parameters
    ----------
    dataset : DataSet
        The frames; its shape decides defaults.
    parameters : mapping
        What the user said, with defaults filled in.
    """

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        self.dataset = dataset
        self.parameters = dict(parameters)

    @abstractmethod
    def get_udf(self) -> UDF:
        """A fresh UDF that answers it."""

    def get_roi(self) -> NDArray[np.bool_] | None:
        """The positions it is about, nav-shaped; None for those that the caller chooses."""
        return None

    @abstractmethod
    def get_udf_results(
        self, udf_results: Mapping[str, Any], roi: Any = None, damage: Any = None
    ) -> AnalysisResultSet:
        """The answer.

        Parameters
        ----------
        udf_results : mapping of str to BufferWrapper
            What the UDF gave.
        roi : ndarray of bool, optional
            Positions the run was restricted to.
        damage : BufferWrapper or ndarray of bool, optional
            Positions that are there.
        """


def shape_of(dataset: Any) -> Shape:
    """Scan and detector of whatever has them: ``shape``, or else ``acquisition``."""
    shape = getattr(dataset, "shape", None)
    if isinstance(shape, Shape):
        return shape
    acquisition = dataset.acquisition
    return Shape((*acquisition.nav_shape, *acquisition.sig_shape), len(acquisition.sig_shape))


def detector_of(dataset: Any) -> tuple[int, int]:
    """Rows and columns of the detector.

    Raises
    ------
    ShapeError
        If it has other axes.
    """
    sig = tuple(shape_of(dataset).sig)
    if len(sig) != 2:
        raise ShapeError(f"this analysis needs frames of rows and columns, these are {sig}")
    return sig
