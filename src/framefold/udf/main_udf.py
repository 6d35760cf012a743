"""MainUDF: one UDF on the main side of a run; which arrays it sees at which moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.udf.access import UDFData
from framefold.udf.aux_data import AuxData
from framefold.udf.base import UDF, no_default_merge, parameter_views, wrapped_parameters
from framefold.udf.bound_udf import RESULT_ONLY, checked_buffers
from framefold.udf.buffers import BufferWrapper
from framefold.udf.domain import Domain
from framefold.udf.meta import UDFMeta
from framefold.udf.result import results_of
from framefold.udf.spec import checked_method


class MainUDF:
    """A copy of the user's instance with the merged arrays.

    Parameters
    ----------
    udf : UDF
        What the user gave; it is not touched.
    meta : UDFMeta
        Shared by all UDFs of the run.
    domain : Domain
        Axes of the run.
    """

    def __init__(self, udf: UDF, meta: UDFMeta, domain: Domain) -> None:
        self.udf = udf.__class__.__new__(udf.__class__)
        self.udf.__dict__.update(udf.__dict__)
        self.name = type(udf).__name__
        self.kwargs: dict[str, Any] = wrapped_parameters(
            type(udf), udf.stored_kwargs, domain.nav_shape
        )
        self._domain = domain
        self._selected: NDArray[np.int64] | None = (
            None if domain.selection is None else np.flatnonzero(domain.selection)
        )
        self._arrays: dict[str, NDArray[Any]] = {}
        self._declared: dict[str, BufferWrapper] = {}
        self.check_parameters(self.kwargs)
        self.update_parameters({})
        self.udf.results = UDFData({}, "self.results")
        self.udf.task_data = UDFData({}, "self.task_data")
        self.udf.meta = meta

    def prepare(self) -> None:
        """Check, allocate, preprocess.

        Raises
        ------
        NotImplementedError
            If the UDF needs a ``merge`` of its own and has none.
        """
        udf = self.udf
        checked_method(udf)
        udf.validate_run()
        self._declared = declared = checked_buffers(udf)
        if type(udf).merge is UDF.merge and any(
            b.kind != "nav" and b.use != "result_only" for b in declared.values()
        ):
            raise NotImplementedError(no_default_merge(udf))
        domain = self._domain
        buffers: dict[str, BufferWrapper] = {}
        for name, buffer in declared.items():
            shape = buffer.shape_for(domain.frames, domain.sig_shape)
            if buffer.use == "result_only":
                buffers[name] = buffer
                continue
            self._arrays[name] = np.zeros(shape, dtype=buffer.dtype)
            buffers[name] = buffer.bound(domain, self._arrays[name])
        hidden = {n: RESULT_ONLY for n, b in declared.items() if b.use == "result_only"}
        udf.results = UDFData(buffers, "self.results", self._arrays, hidden)
        self._hidden = hidden
        self._has_aux = any(isinstance(x, AuxData) for x in self.kwargs.values())
        preprocess = getattr(udf, "preprocess", None)
        if preprocess is not None:
            self._show_parameters(self._selected)
            preprocess()
            self._show_parameters(None)

    def refreshed(self) -> UDF:
        """Another instance, with the parameters that are valid now."""
        return type(self.udf)(**self.kwargs)

    @property
    def needs_positions(self) -> bool:
        """Whether a parameter has one value for each scan position."""
        return any(isinstance(x, AuxData) and x.kind == "nav" for x in self.kwargs.values())

    def misfit(self, other: MainUDF) -> str:
        """Why `adopt` cannot be done; empty if it can."""
        for name, array in self._arrays.items():
            if self._declared[name].kind != "nav" and array.shape != other._arrays[name].shape:
                return f"its buffer {name!r} has another shape in this scan"
        return ""

    def adopt(self, other: MainUDF, rows: NDArray[np.int64], theirs: NDArray[np.int64]) -> None:
        """Take the merged arrays of the same UDF in a run of the same frames in another scan.

        Parameters
        ----------
        other : MainUDF
            Prepared; nothing is merged meanwhile.
        rows, theirs : ndarray of int64
            Numbers of the same frames among the selected ones, here and there.
        """
        for name, array in self._arrays.items():
            found = other._arrays[name]
            if self._declared[name].kind == "nav":
                array[rows] = found[theirs]
            else:
                array[...] = found

    @property
    def accumulates(self) -> bool:
        """Whether a merged array holds more than one value for each frame by itself."""
        return any(self._declared[name].kind != "nav" for name in self._arrays)

    @property
    def declared(self) -> dict[str, BufferWrapper]:
        """What the UDF declares, private buffers included."""
        return dict(self._declared)

    def merge(self, rows: slice | NDArray[np.int64], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Merge one partition, whose rows of nav buffers are told by an index."""
        dest = {
            name: array[rows] if self._declared[name].kind == "nav" else array
            for name, array in self._arrays.items()
        }
        self.udf.results.show(dest, self._hidden)
        if self._has_aux:
            self._show_parameters(self._positions(rows))
        try:
            self.udf.merge(dest=UDFData(dest, "dest"), src=UDFData(arrays, "src"))
            if not isinstance(rows, slice):  # then they are copies
                for name, array in self._arrays.items():
                    if self._declared[name].kind == "nav":
                        array[rows] = dest[name]
        finally:
            self.udf.results.show(self._arrays, self._hidden)
            self._show_parameters(None)

    def results(self, processed: NDArray[np.bool_], *, copy: bool) -> dict[str, BufferWrapper]:
        """Results as they are now; parameters as in `Reduction.results`."""
        returned = self.udf.get_results()
        found = results_of(
            self.name, returned, self._declared, self._arrays, self._domain, processed
        )
        return {name: buffer.copied() for name, buffer in found.items()} if copy else found

    def check_parameters(self, patch: Mapping[str, Any]) -> None:
        """Refuse aux data that do not fit the run."""
        patch = wrapped_parameters(type(self.udf), patch, self._domain.nav_shape)
        for name, value in patch.items():
            if isinstance(value, AuxData):
                value.check(f"{self.name}: parameter {name!r}", self._domain)

    def update_parameters(self, patch: Mapping[str, Any]) -> None:
        """Exchange parameters; those not named stay."""
        wrapped = wrapped_parameters(type(self.udf), patch, self._domain.nav_shape)
        self.kwargs = {**self.kwargs, **wrapped}
        self.udf.params = UDFData(self.kwargs, "self.params", parameter_views(self.kwargs))
        self._has_aux = any(isinstance(x, AuxData) for x in self.kwargs.values())

    def _show_parameters(self, positions: NDArray[np.int64] | None) -> None:
        if self._has_aux:
            self.udf.params.show(parameter_views(self.kwargs, positions))

    def _positions(self, rows: slice | NDArray[np.int64]) -> NDArray[np.int64]:
        numbers = (
            np.arange(rows.start, rows.stop, dtype=np.int64) if isinstance(rows, slice) else rows
        )
        return numbers if self._selected is None else self._selected[numbers]
