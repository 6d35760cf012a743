"""BoundUDF: one UDF at work on one partition; which arrays it sees at which moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.encoded_tile import EncodedTile
from framefold.errors import UDFException
from framefold.udf import backends
from framefold.udf.access import UDFData, is_readable
from framefold.udf.aux_data import AuxData
from framefold.udf.base import UDF, parameter_views
from framefold.udf.buffers import BufferWrapper
from framefold.udf.domain import Domain
from framefold.udf.meta import UDFMeta
from framefold.udf.spec import checked_method, takes_encoded_tiles
from framefold.udf.tiling import UDFMethod

Note = Callable[[str, int], None]
"""Told the name of a hook and how long it took [ns]."""

Zeros = Callable[[tuple[int, ...], np.dtype[Any]], NDArray[Any]]

RESULT_ONLY = "it is declared with use='result_only' and exists only in what get_results returns"


CONSTRUCTION = "the constructor"
"""Stands for ``__init__`` and for what is asked right after it, before there are data."""


def unnoted(what: str, ns: int) -> None:
    """Nobody asks how long it took."""


class BoundUDF:
    """A fresh instance of a UDF, bound to one partition; its steps in the order of the contract.

    The steps are: construction, `prepare`, `process` for each tile, `finish`, `close`.

    Parameters
    ----------
    cls : type
        Class of the UDF.
    kwargs : mapping
        Its constructor arguments.
    native : bool
        Whether it takes tiles in the recorded pixel type.
    backend : str
        Array library its frames come in.
    meta : UDFMeta
        Shared with the other UDFs of the partition.
    positions : ndarray of int64
        Flat scan positions of the partition's frames.
    note : callable
        Told how long each hook took [ns].
    """

    def __init__(
        self,
        cls: type[UDF],
        kwargs: Mapping[str, Any],
        *,
        native: bool,
        backend: str = backends.NUMPY,
        meta: UDFMeta,
        positions: NDArray[np.int64],
        note: Note = unnoted,
    ) -> None:
        self.note = note
        self.hook = CONSTRUCTION
        """Method of the UDF that was called last; for whoever reports what it raised."""
        began = perf_counter_ns()
        self.udf = udf = cls(**kwargs)
        note("constructor", perf_counter_ns() - began)
        self.arrays: dict[str, NDArray[Any]] = {}
        """Everything that is sent back, by name."""
        self.native = native
        self.encoded = native and takes_encoded_tiles(cls)
        """Whether it takes frames as they came, too."""
        self.backend = backend
        self._meta = meta
        self._frames = len(positions)
        # what is exchanged for each tile: where attributes are read, their name, one row a frame
        self._rows: list[tuple[dict[str, Any], str, NDArray[Any]]] = []
        # where frames are cut: sig buffers, and the part of each that a cell sees
        self._sig: list[tuple[dict[str, Any], str, NDArray[Any]]] = []
        self._cells: dict[int, list[NDArray[Any]]] = {}
        self._slice_aux_data(positions)
        udf.get_backends()
        udf.get_preferred_input_dtype()
        udf.meta = meta
        checked_method(udf)

    def _slice_aux_data(self, positions: NDArray[np.int64]) -> None:
        udf = self.udf
        self._aux: dict[str, NDArray[Any]] = {}
        aux = {name: x for name, x in udf.stored_kwargs.items() if isinstance(x, AuxData)}
        if not aux:
            return
        udf.params.show(parameter_views(udf.stored_kwargs, positions))
        shown = udf.params.__dict__
        for name, value in aux.items():
            if value.kind == "nav" and is_readable(name):
                self._aux[name] = shown[name]
                self._rows.append((shown, name, shown[name]))

    def keep_for_worker(self, kept: dict[int, dict[str, Any]], number: int) -> None:
        """Hand over what ``get_worker_data`` gave earlier in this worker, or ask for it now."""
        if number not in kept:
            self.hook = "get_worker_data"
            kept[number] = dict(self.udf.get_worker_data() or {})
        self.udf.worker_data = UDFData(kept[number], "self.worker_data")

    def prepare(self, domain: Domain, zeros: Zeros) -> None:
        """Allocate, fetch task data, preprocess; `UDFMeta.place` has been called before.

        Parameters
        ----------
        domain : Domain
            Axes of this partition.
        zeros : callable
            ``zeros(shape, dtype)`` gives a zeroed array for a result.
        """
        udf = self.udf
        buffers: dict[str, BufferWrapper] = {}
        self._hidden: dict[str, str] = {}
        self.hook = "get_result_buffers"
        began = perf_counter_ns()
        declarations = checked_buffers(udf)
        self.note("get_result_buffers", perf_counter_ns() - began)
        for name, declared in declarations.items():
            if declared.use == "result_only":
                self._hidden[name] = RESULT_ONLY
                buffers[name] = declared
                continue
            array = zeros(declared.shape_for(self._frames, domain.sig_shape), declared.dtype)
            self.arrays[name] = array
            buffers[name] = declared.bound(domain, array)
        udf.results = UDFData(buffers, "self.results", self.arrays, self._hidden)
        shown = udf.results.__dict__
        for name, array in self.arrays.items():
            if not is_readable(name):
                continue
            if buffers[name].kind == "nav":
                self._rows.append((shown, name, array))
            elif buffers[name].kind == "sig":
                self._sig.append((shown, name, array))
        self.hook = "get_task_data"
        began = perf_counter_ns()
        udf.task_data = UDFData(udf.get_task_data() or {}, "self.task_data")
        self.note("get_task_data", perf_counter_ns() - began)
        self._call_if_defined("preprocess")
        self._choose_process()

    def _choose_process(self) -> None:
        udf: Any = self.udf
        self.hook = "get_method"
        method = checked_method(udf)
        self.hook = f"process_{method.value}"
        self.native = self.native and method is UDFMethod.TILE
        self.encoded = self.encoded and self.native
        if method is UDFMethod.FRAME:
            self.process = self._process_frames
            # a frame's row of a buffer without further axes is an array of one element
            self._rows = [
                (shown, name, array if array.ndim > 1 else array[:, np.newaxis])
                for shown, name, array in self._rows
            ]
        else:
            self.process = self._process_tile
            self._call = (
                udf.process_native_tile
                if self.native
                else (udf.process_tile if method is UDFMethod.TILE else udf.process_partition)
            )
        if self._hidden:
            udf.results.show({**self.arrays, **dict.fromkeys(self._hidden)})

    def enter_cell(self, index: int) -> None:
        """See only the part of sig buffers that a cell covers; C-contiguous always."""
        self._meta.enter_cell(index)
        parts = self._cells.get(index)
        if parts is None:
            cell = self._meta.sig_slice.get()
            # a copy where the part is not contiguous, the same one until it is written back
            parts = [np.ascontiguousarray(array[cell]) for _, _, array in self._sig]
            self._cells[index] = parts
        for (shown, name, _), part in zip(self._sig, parts, strict=True):
            shown[name] = part

    def _write_back(self) -> None:
        for index, parts in self._cells.items():
            self._meta.enter_cell(index)
            cell = self._meta.sig_slice.get()
            for (_, _, array), part in zip(self._sig, parts, strict=True):
                if not np.may_share_memory(array, part):
                    array[cell] = part
        self._cells.clear()

    def process_encoded(self, tile: EncodedTile, first: int) -> bool:
        """Work on frames as they came; whether it did. Only where `encoded` says that it may."""
        udf: Any = self.udf
        usual, self.hook = self.hook, "process_encoded_tile"
        self._enter_rows(first, tile.shape[0])
        done = udf.process_encoded_tile(tile) is not NotImplemented
        self.hook = usual
        return done

    def _process_tile(self, tile: Any, first: int) -> None:
        self._enter_rows(first, tile.shape[0])  # sparse tiles have no len()
        self._call(tile)

    def _enter_rows(self, first: int, count: int) -> None:
        """See the rows of some frames in nav buffers and aux data."""
        end = first + count
        self._meta.move(first, count)
        for shown, name, array in self._rows:
            shown[name] = array[first:end]

    def _process_frames(self, tile: Any, first: int) -> None:
        # this loop is what a UDF with process_frame pays for each frame: keep it bare
        process = self.udf.process_frame  # type: ignore[attr-defined] # checked to be there
        move = self._meta.move
        rows = [(shown, name, iter(array[first:])) for shown, name, array in self._rows]
        dense = self.backend == backends.NUMPY
        frames = tile if dense else backends.frames_of(tile, self.backend)
        for number, frame in enumerate(frames, first):
            move(number, 1)
            for shown, name, row in rows:
                shown[name] = next(row)
            process(frame)

    def finish(self) -> None:
        """Postprocess, with whole arrays in view again."""
        if self._cells:
            self._write_back()
        if not hasattr(self.udf, "postprocess"):
            return
        self._meta.place()
        self.udf.results.show(self.arrays, self._hidden)
        self.udf.params.__dict__.update(self._aux)
        self._call_if_defined("postprocess")

    def close(self) -> None:
        """Let the UDF clean up."""
        self.hook = "cleanup"
        self.udf.cleanup()

    def _call_if_defined(self, hook: str) -> None:
        found = getattr(self.udf, hook, None)
        if found is not None:
            self.hook = hook
            began = perf_counter_ns()
            found()
            self.note(hook, perf_counter_ns() - began)


def checked_buffers(udf: UDF) -> dict[str, BufferWrapper]:
    """What a UDF declares.

    Raises
    ------
    UDFException
        If it is not a dictionary of names and ``self.buffer(...)``.
    """
    declared: Any = udf.get_result_buffers()  # users may return anything
    good = isinstance(declared, dict)
    for name, buffer in declared.items() if good else ():
        good = good and isinstance(name, str) and isinstance(buffer, BufferWrapper)
    if not good:
        raise UDFException(
            f"{type(udf).__name__}.get_result_buffers returned {declared!r}; "
            "return a dictionary of names and self.buffer(...)"
        )
    return dict(declared)
