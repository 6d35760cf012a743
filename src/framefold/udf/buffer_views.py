"""BufferViews: what code that drives buffers by itself calls on them, without a run."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from framefold.core.shape import Shape, Slice
from framefold.errors import ShapeError
from framefold.udf.domain import Domain


class BufferViews:
    """Allocates a declared buffer and gives parts of it: for tests of UDFs, and for tools.

    Runs do not need any of it. A *place* below is a `Slice` over the flat, compressed navigation
    axis and the signal axes, or something with such a ``slice`` (a partition) or ``tile_slice``.
    """

    _kind: str
    _extra_shape: tuple[int, ...]
    _dtype: np.dtype[Any]
    _use: str | None
    _array: NDArray[Any] | None
    _mask: NDArray[np.bool_] | None
    _domain: Domain | None
    _roi: NDArray[np.bool_] | None = None
    _parts: dict[tuple[Any, ...], NDArray[Any]] | None = None

    def set_roi(self, roi: Any) -> None:
        """Say which positions are selected: nav-shaped or flat; None for all."""
        self._roi = None if roi is None else np.array(roi, dtype=bool).reshape(-1)

    @property
    def roi_is_zero(self) -> bool:
        """Whether a selection was set that selects nothing."""
        return self._roi is not None and not self._roi.any()

    def set_shape_ds(self, dataset_shape: Shape, roi: Any = None) -> None:
        """Take the shape for a whole data set.

        Parameters
        ----------
        dataset_shape : Shape
            Navigation and signal axes.
        roi : array of bool, optional
            Selected positions; also kept for `data`.
        """
        self.set_roi(roi)
        self._domain = Domain(dataset_shape.nav.to_tuple(), dataset_shape.sig.to_tuple(), self._roi)

    def set_shape_partition(self, partition: Any, roi: Any = None) -> None:
        """Take the shape for one partition.

        Parameters
        ----------
        partition : Slice, or object with ``slice``
            Over the flat navigation axis, not compressed by ``roi``.
        roi : array of bool, optional
            Selected positions of the whole data set.
        """
        self.set_roi(roi)
        box = _place(partition).adjust_for_roi(self._roi)
        self._domain = Domain((box.shape[0],), box.shape.sig.to_tuple())

    def allocate(self, lib: Any = None) -> None:  # noqa: ARG002 - there is one library
        """Make the array, all zeros; nothing for ``"result_only"``."""
        if self._use != "result_only":
            domain = self._sized()
            self._array = np.zeros(
                self.shape_for(domain.frames, domain.sig_shape), dtype=self._dtype
            )

    def shape_for(self, frames: int, sig_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the array for some frames."""
        raise NotImplementedError

    def get_view_for_dataset(self, dataset: Any = None) -> NDArray[Any]:  # noqa: ARG002
        """The whole array."""
        return self._filled()

    def get_view_for_partition(self, partition: Any) -> NDArray[Any]:
        """The rows of one partition of a data set's nav buffer; else the whole array."""
        array = self._filled()
        if self._kind != "nav":
            return array
        box = _place(partition).adjust_for_roi(self._roi)
        return array[box.origin[0] : box.origin[0] + box.shape[0]]

    def get_view_for_frame(self, partition: Any, tile: Any, frame_idx: int) -> NDArray[Any]:
        """What ``process_frame`` sees of a partition's buffer.

        Parameters
        ----------
        partition, tile : place
            Where the frame lies.
        frame_idx : int
            Number of the frame within the tile.
        """
        array = self._filled()
        if self._kind == "sig":
            part: NDArray[Any] = array[_place(tile).sig.get()]
            return part
        if self._kind != "nav":
            return array
        row = _place(tile).origin[0] - self._start(partition) + frame_idx
        return array[row] if self._extra_shape else array[row : row + 1]

    def get_view_for_tile(self, partition: Any, tile: Any) -> NDArray[Any]:
        """What ``process_tile`` sees of a partition's buffer.

        Parameters
        ----------
        partition, tile : place
            Where the tile lies.
        """
        array, box = self._filled(), _place(tile)
        if self._kind == "sig":
            part: NDArray[Any] = array[box.sig.get()]
            return part
        if self._kind != "nav":
            return array
        first = box.origin[0] - self._start(partition)
        return array[first : first + box.shape[0]]

    def get_contiguous_view_for_tile(self, partition: Any, tile: Any) -> NDArray[Any]:
        """Like `get_view_for_tile`, C-contiguous always.

        Where the view is not, a copy is given, the same one for the same part of the detector;
        `flush` writes it back.
        """
        view = self.get_view_for_tile(partition, tile)
        if self._kind != "sig" or view.flags.c_contiguous:
            return view
        if self._parts is None:
            self._parts = {}
        box = _place(tile).sig
        key = (box.origin, box.shape.to_tuple())
        if key not in self._parts:
            self._parts[key] = view.copy()
        return self._parts[key]

    def flush(self, debug: bool = False) -> None:  # noqa: ARG002 - callers pass it
        """Write back what `get_contiguous_view_for_tile` gave copies of."""
        array = self._filled()
        for (origin, lengths), part in (self._parts or {}).items():
            box = Slice(origin, Shape(lengths, len(lengths)))
            array[box.get()] = part
        self._parts = None

    def export(self) -> Self:
        """The buffer, its values in host memory, where they are always here."""
        return self

    def replace_array(self, data: NDArray[Any]) -> None:
        """Take other values.

        Raises
        ------
        ShapeError
            If the shape is another one.
        """
        domain = self._sized()
        shape = self.shape_for(domain.frames, domain.sig_shape)
        if data.shape != shape:
            raise ShapeError(f"values of shape {data.shape} do not replace some of shape {shape}")
        self._array = data

    def add_partitions(self, partitions: Any) -> None:
        """Accepted for code that passes it: a partition says itself where it lies."""

    def make_default_mask(
        self,
        valid_nav_mask: NDArray[np.bool_] | None = None,
        dataset_shape: Shape | None = None,
        roi: Any = None,
    ) -> NDArray[np.bool_]:
        """The mask of a result that came without one.

        Parameters
        ----------
        valid_nav_mask : ndarray of bool, optional
            Positions that are there, flat, selected ones only; all when left out.
        dataset_shape : Shape, optional
            Navigation and signal axes, for a buffer that has no shape yet.
        roi : array of bool, optional
            Selected positions, with ``dataset_shape``.

        Returns
        -------
        ndarray of bool
            Navigation axis flat. Of ``nav`` buffers the positions that are there, of all others
            True everywhere.

        Raises
        ------
        ShapeError
            If the buffer has no shape yet, and none is given.
        """
        if dataset_shape is None:
            shape = self._filled().shape
        else:
            nav = dataset_shape.nav.to_tuple()
            frames = math.prod(nav) if roi is None else int(np.count_nonzero(roi))
            shape = self.shape_for(frames, dataset_shape.sig.to_tuple())
        if self._kind != "nav" or valid_nav_mask is None:
            return np.ones(shape, dtype=bool)
        valid = np.asarray(valid_nav_mask, dtype=bool)
        return np.broadcast_to(valid.reshape(-1, *(1 for _ in shape[1:])), shape).copy()

    @property
    def result_buffer_type(self) -> type[Self]:
        """What results of this declaration are."""
        return type(self)

    def _start(self, partition: Any) -> int:
        return _place(partition).adjust_for_roi(self._roi).origin[0]

    def _sized(self) -> Domain:
        if self._domain is None:
            raise ShapeError(f"{self!r} has no shape yet; call set_shape_ds or set_shape_partition")
        return self._domain

    def _filled(self) -> NDArray[Any]:
        if self._array is None:
            raise ShapeError(f"{self!r} has no values yet; call allocate first")
        return self._array


def _place(where: Any) -> Slice:
    for name in ("tile_slice", "slice"):
        found = getattr(where, name, None)
        if isinstance(found, Slice):
            return found
    if isinstance(where, Slice):
        return where
    raise TypeError(f"{where!r} is no place: give a Slice, or something that has one")
