"""UDF: what a user subclasses to say what is to be done with the frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.core.shape import Slice
from framefold.errors import ShapeError, UDFException
from framefold.udf import backends
from framefold.udf.access import UDFData
from framefold.udf.aux_data import AuxData
from framefold.udf.buffers import ArrayWithMask, BufferWrapper
from framefold.udf.dtype import check_cast
from framefold.udf.meta import UDFMeta
from framefold.udf.tiling import (
    TILE_DEPTH_DEFAULT,
    TILE_DEPTH_MAX,
    TILE_SIZE_BEST_FIT,
    TILE_SIZE_MAX,
    UDFMethod,
)


class UDF:
    """A user-defined function over the frames of a scan.

    A subclass has at least `get_result_buffers` and one of ``process_tile(tile)``,
    ``process_frame(frame)``, ``process_partition(partition)``. It may have ``preprocess()``
    and ``postprocess()``, and ``process_native_tile(tile)``: like ``process_tile``, but the
    pixels keep the recorded type, for arithmetic that does not depend on it.

    The constructor runs again in every worker for every partition with the keyword arguments
    that reached this class; whatever a subclass does to them must come to the same when done
    twice.

    Parameters
    ----------
    **kwargs
        Become ``self.params``; must be picklable by cloudpickle.
    """

    UDF_METHOD = UDFMethod
    USE_NATIVE_DTYPE = bool

    TILE_SIZE_BEST_FIT = TILE_SIZE_BEST_FIT
    TILE_SIZE_MAX = TILE_SIZE_MAX
    TILE_DEPTH_DEFAULT = TILE_DEPTH_DEFAULT
    TILE_DEPTH_MAX = TILE_DEPTH_MAX

    BACKEND_NUMPY = backends.NUMPY
    BACKEND_CUPY = backends.CUPY
    BACKEND_CUDA = backends.CUDA
    BACKEND_SPARSE_COO = backends.SPARSE_COO
    BACKEND_SPARSE_GCXS = backends.SPARSE_GCXS
    BACKEND_SPARSE_DOK = backends.SPARSE_DOK
    BACKEND_SCIPY_COO = backends.SCIPY_COO
    BACKEND_SCIPY_CSR = backends.SCIPY_CSR
    BACKEND_SCIPY_CSC = backends.SCIPY_CSC
    BACKEND_SCIPY_COO_ARRAY = backends.SCIPY_COO_ARRAY
    BACKEND_SCIPY_CSR_ARRAY = backends.SCIPY_CSR_ARRAY
    BACKEND_SCIPY_CSC_ARRAY = backends.SCIPY_CSC_ARRAY
    BACKEND_CUPY_SCIPY_COO = backends.CUPY_SCIPY_COO
    BACKEND_CUPY_SCIPY_CSR = backends.CUPY_SCIPY_CSR
    BACKEND_CUPY_SCIPY_CSC = backends.CUPY_SCIPY_CSC
    BACKEND_ALL = backends.ALL
    CPU_BACKENDS = backends.CPU_BACKENDS
    CUDA_BACKENDS = backends.CUDA_BACKENDS
    CUPY_BACKENDS = backends.CUPY_BACKENDS
    SPARSE_BACKENDS = backends.SPARSE_BACKENDS
    DENSE_BACKENDS = backends.DENSE_BACKENDS
    ND_BACKENDS = backends.ND_BACKENDS
    D2_BACKENDS = backends.D2_BACKENDS

    NAV_PARAMS: tuple[str, ...] = ()
    """Parameters with one value a scan position: users may give plain arrays, nav-shaped or flat,
    which are then seen like `aux_data`."""

    DRY_RUN: bool = True
    """Whether made-up frames may be sent through this UDF before a run, to find mistakes before
    data come; say False if its hooks have effects outside, or take very long."""

    MERGE_ORDER: str = "arrival"
    """``"arrival"``: partitions are merged as they come; ``"partition"``: in the order of the
    scan, for results that depend on it."""

    TAKES_HOLES: bool = False
    """Whether partitions may have holes: say True if nothing in a class depends on its frames being
    neighbours, and nothing looks at ``meta.slice``. If all UDFs of a run say so, frames around a
    missing one need not become a partition of their own, which costs time. Classes further down
    the inheritance that override a hook must say it again."""

    meta: UDFMeta
    results: UDFData
    task_data: UDFData
    worker_data: UDFData

    def __init__(self, **kwargs: Any) -> None:
        self._kwargs = kwargs
        self.params = UDFData(kwargs, "self.params", parameter_views(kwargs))
        self.results = UDFData({}, "self.results")
        self.task_data = UDFData({}, "self.task_data")
        self.worker_data = UDFData({}, "self.worker_data")

    @property
    def stored_kwargs(self) -> Mapping[str, Any]:
        """The keyword arguments that the constructor will be called with again.

        Raises
        ------
        UDFException
            If a subclass did not hand them on.
        """
        if "_kwargs" not in vars(self):
            raise UDFException(
                f"{type(self).__name__}.__init__ must call super().__init__ with the keyword "
                "arguments that workers are to construct it with"
            )
        return self._kwargs

    @property
    def xp(self) -> ModuleType:
        """The array library for buffers and dense frames: numpy, since nothing is on a GPU."""
        return np

    def copy(self) -> Self:
        """A new instance from the same keyword arguments."""
        return type(self)(**self._kwargs)

    @classmethod
    def new_for_partition(
        cls, kwargs: Mapping[str, Any], partition: Any, roi: NDArray[np.bool_] | None
    ) -> Self:
        """A new instance whose aux data are those of one partition.

        Parameters
        ----------
        kwargs : mapping
            Keyword arguments of the constructor.
        partition : Slice, or object with ``slice``
            Over the flat navigation axis, not compressed by ``roi``.
        roi : ndarray of bool, or None
            Selected positions.
        """
        box = partition if isinstance(partition, Slice) else partition.slice
        positions = np.arange(box.origin[0], box.origin[0] + box.shape[0], dtype=np.int64)
        if roi is not None:
            positions = positions[np.asarray(roi, dtype=bool).reshape(-1)[positions]]
        udf = cls(**kwargs)
        udf.params.show(parameter_views(udf.stored_kwargs, positions))
        return udf

    def copy_for_partition(self, partition: Any, roi: NDArray[np.bool_] | None) -> Self:
        """A new instance whose aux data are those of one partition."""
        return self.new_for_partition(self._kwargs, partition, roi)

    def set_meta(self, meta: UDFMeta) -> None:
        """Say where the UDF stands; for those who drive it."""
        self.meta = meta

    # hooks

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """Declare the results: name -> ``self.buffer(...)``. Cheap and pure; called often.

        Raises
        ------
        NotImplementedError
            Every UDF has to say it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define get_result_buffers")

    def get_task_data(self) -> dict[str, Any]:
        """What a worker needs for one partition: name -> anything; read as self.task_data."""
        return {}

    def get_worker_data(self) -> dict[str, Any]:
        """What partitions in one worker can share: name -> anything; read as self.worker_data.

        Called once a run in each worker (again after a change of parameters), with params and
        meta but before there are results. For what is costly to make and never written to:
        masks, FFT plans, compiled functions.
        """
        return {}

    def validate_run(self) -> None:
        """Refuse, on the main side and before the first frame, what cannot work; with meta."""

    def get_preferred_input_dtype(self) -> DTypeLike:
        """The pixel type this UDF would like; ``USE_NATIVE_DTYPE`` to leave it as recorded."""
        return np.float32

    def get_tiling_preferences(self) -> dict[str, Any]:
        """Wishes for tiles: ``depth`` [frames] at least, ``total_size`` [bytes] at most."""
        return {"depth": self.TILE_DEPTH_DEFAULT, "total_size": self.TILE_SIZE_MAX}

    def get_backends(self) -> str | Iterable[str]:
        """Array libraries this UDF can take frames from, the most welcome one first."""
        return (self.BACKEND_NUMPY,)

    def get_method(self) -> UDFMethod:
        """Which method is to be called: tile before frame before partition.

        Raises
        ------
        TypeError
            If there is none of them.
        """
        if hasattr(self, "process_tile") or hasattr(self, "process_native_tile"):
            return UDFMethod.TILE
        if hasattr(self, "process_frame"):
            return UDFMethod.FRAME
        if hasattr(self, "process_partition"):
            return UDFMethod.PARTITION
        raise TypeError(
            f"{type(self).__name__} needs one of process_tile, process_frame, process_partition"
        )

    def merge(self, dest: Any, src: Any) -> None:
        """Put the results of one partition into those of the run.

        Parameters
        ----------
        dest : UDFData
            Arrays of the run; nav: the rows of this partition.
        src : UDFData
            Arrays of the partition.

        Raises
        ------
        NotImplementedError
            If there are buffers that are not ``"nav"``: only the author knows what to do.
        TypeError
            If values would be lost by the conversion to the declared type.
        """
        # in a run, what is bound says it: declaring all over for each partition would cost more
        # than the merge itself
        bound = self.results.values()
        declared = bound or self.get_result_buffers().values()
        if any(b.kind != "nav" for b in declared if b.use != "result_only"):
            raise NotImplementedError(no_default_merge(self))
        for name in dest:
            target, values = dest.get(name), src.get(name)
            check_cast(values, target)
            target[:] = values

    def get_results(self) -> dict[str, Any]:
        """Results from merged buffers: name -> array; may be called at any time, often or once.

        Raises
        ------
        UDFException
            If something is declared ``"result_only"``: only the author knows how to make it.
        """
        declared = self.get_result_buffers()
        only = [name for name, b in declared.items() if b.use == "result_only"]
        if only:
            raise UDFException(
                f"{type(self).__name__} declares {only} with use='result_only' and must define "
                "get_results to compute them"
            )
        return {
            name: self.results.get_buffer(name).raw_data
            for name, b in declared.items()
            if b.use is None
        }

    def cleanup(self) -> None:
        """Let go of what one partition needed; called whatever happened."""

    # helpers

    @property
    def requires_custom_merge(self) -> bool:
        """Whether there are buffers the default `merge` cannot merge."""
        declared = self.get_result_buffers().values()
        return any(b.kind != "nav" for b in declared if b.use != "result_only")

    @property
    def requires_custom_merge_all(self) -> bool:
        """Whether there are buffers that cannot just be put one behind another."""
        return self.requires_custom_merge

    def buffer(
        self,
        kind: str,
        extra_shape: Iterable[int] = (),
        dtype: DTypeLike = "float32",
        where: str | None = None,
        use: str | None = None,
    ) -> BufferWrapper:
        """Declare a buffer; parameters as in `BufferWrapper`."""
        return BufferWrapper(kind, extra_shape, dtype, where, use)

    @classmethod
    def aux_data(
        cls,
        data: Any,
        kind: str,
        extra_shape: Iterable[int] = (),
        dtype: DTypeLike = "float32",
    ) -> AuxData:
        """Wrap values that go along with the frames; parameters as in `AuxData`."""
        return AuxData(data, kind, extra_shape, dtype)

    @staticmethod
    def with_mask(data: Any, mask: Any) -> ArrayWithMask:
        """Say, in `get_results`, which values mean something; parameters as in `ArrayWithMask`."""
        return ArrayWithMask(data, mask)

    def forbuf(self, arr: Any, target: Any) -> Any:
        """Values in the array library and shape of a buffer, for assigning to it.

        Parameters
        ----------
        arr : array
            Dense or sparse, maybe with flat signal axes.
        target : ndarray
            The view of the buffer.
        """
        dense = arr.toarray() if hasattr(arr, "toarray") else arr
        dense = dense.todense() if hasattr(dense, "todense") else dense
        if not isinstance(dense, np.ndarray) or not isinstance(target, np.ndarray):
            return dense
        dense = np.asarray(dense)  # sums of sparse matrices are matrices, which stay 2-D
        if dense.shape != target.shape and dense.size == target.size:
            return dense.reshape(target.shape)
        return dense


def parameter_views(
    kwargs: Mapping[str, Any], positions: NDArray[np.int64] | None = None
) -> dict[str, Any]:
    """What attributes of ``self.params`` give: values, and arrays for aux data.

    Parameters
    ----------
    kwargs : mapping
        Parameters by name.
    positions : ndarray of int64, optional
        Flat scan positions whose aux data are wanted; all when left out.
    """
    views = dict(kwargs)
    for name, value in kwargs.items():
        if isinstance(value, AuxData):
            views[name] = (
                value.whole() if positions is None or value.kind != "nav" else value.rows(positions)
            )
    return views


def wrapped_parameters(
    udf: type[UDF], kwargs: Mapping[str, Any], nav_shape: tuple[int, ...]
) -> dict[str, Any]:
    """Parameters with the arrays of `UDF.NAV_PARAMS` made `AuxData`.

    Parameters
    ----------
    udf : type
        Class of the UDF.
    kwargs : mapping
        Its parameters.
    nav_shape : tuple of int
        Shape of the scan.

    Raises
    ------
    ShapeError
        If such an array does not have one entry for each scan position.
    """
    wrapped = dict(kwargs)
    for name in udf.NAV_PARAMS:
        value = kwargs.get(name)
        if not isinstance(value, np.ndarray) or not value.ndim:
            continue  # a constant for all positions, None, or wrapped by the user
        flat = (math.prod(nav_shape),)
        lead = nav_shape if value.shape[: len(nav_shape)] == nav_shape else flat
        if value.shape[: len(lead)] != lead:
            raise ShapeError(
                f"{udf.__name__}: parameter {name!r} has shape {value.shape}; it needs one entry "
                f"for each position of the scan {nav_shape}"
            )
        wrapped[name] = AuxData(value, "nav", value.shape[len(lead) :], value.dtype)
    return wrapped


def no_default_merge(udf: UDF) -> str:
    """What to tell the author of a UDF that lacks `UDF.merge`."""
    return (
        "Default merging only works for kind='nav' buffers. "
        f"Please implement a suitable custom merge function in {type(udf).__name__}."
    )
