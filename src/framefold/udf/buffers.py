"""BufferWrapper: a declared buffer, and the result array that users get for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from framefold.errors import InvalidMaskError, UDFException
from framefold.udf.buffer_views import BufferViews
from framefold.udf.domain import Domain
from framefold.udf.masks import get_bbox_slice, get_inner_slice

KINDS = ("nav", "sig", "single")
USES = (None, "private", "result_only")
WHERES = (None, "device")

_FILL: dict[str, Any] = {"f": np.nan, "c": np.nan, "O": None, "m": "NaT", "M": "NaT"}


class BufferWrapper(BufferViews, NDArrayOperatorsMixin):
    """What a UDF declares and users get back: an array with its axes and its valid values.

    Behaves like the array `data` in numpy functions, arithmetic, comparison and indexing;
    only `shape` is that of `raw_data`, as UDF code expects.

    Parameters
    ----------
    kind : str
        ``"nav"``: one entry a scan position; ``"sig"``: one a pixel; ``"single"``: one in all.
    extra_shape : tuple of int
        Further axes of each entry; may hold 0.
    dtype : dtype-like
        Anything numpy knows.
    where : str or None
        None or ``"device"``; both are host memory here.
    use : str or None
        None: computed and returned; ``"private"``: not returned; ``"result_only"``: exists
        only in what ``get_results`` returns.

    Raises
    ------
    ValueError
        If ``where`` or ``use`` is unknown. A wrong ``kind`` is found when the shape is asked.
    """

    def __init__(
        self,
        kind: str,
        extra_shape: Iterable[int] = (),
        dtype: DTypeLike = "float32",
        where: str | None = None,
        use: str | None = None,
    ) -> None:
        if where not in WHERES:
            raise ValueError(f"unknown where={where!r} for a buffer; known: {WHERES}")
        if use not in USES:
            raise ValueError(f"unknown use={use!r} for a buffer; known: {USES}")
        self._kind = kind
        # most have none: this is done for each buffer of each partition
        none = type(extra_shape) is tuple and not extra_shape
        self._extra_shape = () if none else tuple(int(n) for n in extra_shape)
        self._dtype = np.dtype(dtype)
        self._where = where
        self._use = use
        self._domain: Domain | None = None
        self._array: NDArray[Any] | None = None
        self._mask: NDArray[np.bool_] | None = None  # None: everything is valid
        self._full_nav = False

    def bound(
        self,
        domain: Domain,
        array: NDArray[Any],
        mask: NDArray[np.bool_] | None = None,
        *,
        full_nav: bool = False,
    ) -> BufferWrapper:
        """The result object for this declaration.

        Parameters
        ----------
        domain : Domain
            The axes of the run.
        array : ndarray
            The values; nav: flat and compressed, or flat and complete with ``full_nav``.
        mask : ndarray of bool, optional
            Which values mean something, same shape as ``array``; None for all.
        full_nav : bool
            Whether a nav array also has the positions that are not selected.
        """
        # past the constructor: this is done for each buffer of each partition
        result = BufferWrapper.__new__(BufferWrapper)
        result.__dict__.update(
            self.__dict__,
            _where=None,
            _use=None,
            _domain=domain,
            _array=array,
            _mask=mask,
            _full_nav=full_nav and domain.selection is not None,
        )
        return result

    def copied(self) -> BufferWrapper:
        """The same result with values of its own."""
        array, domain = self._values()
        return self.bound(domain, array.copy(), self._mask, full_nav=self._full_nav)

    @property
    def kind(self) -> str:
        """``"nav"``, ``"sig"`` or ``"single"``."""
        return self._kind

    @property
    def extra_shape(self) -> tuple[int, ...]:
        """Further axes of each entry."""
        return self._extra_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The declared type."""
        return self._dtype

    @property
    def where(self) -> str | None:
        """Where workers were asked to keep it."""
        return self._where

    @property
    def use(self) -> str | None:
        """None, ``"private"`` or ``"result_only"``."""
        return self._use

    def has_data(self) -> bool:
        """Whether there are values, or only a declaration."""
        return self._array is not None

    def shape_for(self, frames: int, sig_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the array for some frames.

        Raises
        ------
        ValueError
            If the kind is unknown.
        """
        if self._kind == "nav":
            return (frames, *self._extra_shape)
        if self._kind == "sig":
            return sig_shape + self._extra_shape
        if self._kind == "single":
            return self._extra_shape or (1,)
        raise ValueError(f"unknown kind: {self._kind!r}; known: {', '.join(KINDS)}")

    @property
    def raw_data(self) -> NDArray[Any]:
        """The values; nav: flat, selected positions only."""
        array, domain = self._values()
        return array[domain.selection] if self._full_nav else array

    @property
    def data(self) -> NDArray[Any]:
        """The values; nav: in the shape of the scan, with a filling where nothing is selected.

        The filling is NaN, NaT, None, False, 0 or an empty text, as the type has it.
        """
        array, domain = self._values()
        if self._kind != "nav":
            return array
        if self._full_nav:
            return array.reshape(domain.nav_shape + array.shape[1:])
        return domain.embed(array, _FILL.get(array.dtype.kind))

    @property
    def raw_valid_mask(self) -> NDArray[np.bool_]:
        """Where `raw_data` means something, same shape."""
        array, domain = self._values()
        mask = np.ones(array.shape, bool) if self._mask is None else self._mask
        return mask[domain.selection] if self._full_nav else mask

    @property
    def valid_mask(self) -> NDArray[np.bool_]:
        """Where `data` means something, same shape; False where nothing is selected."""
        array, domain = self._values()
        mask = np.ones(array.shape, bool) if self._mask is None else self._mask
        if self._kind != "nav":
            return mask
        if self._full_nav:
            return mask.reshape(domain.nav_shape + array.shape[1:])
        return domain.embed(mask, fill=False)

    @property
    def masked_data(self) -> np.ma.MaskedArray[Any, Any]:
        """`data` as a masked array that hides what means nothing."""
        return np.ma.MaskedArray(self.data, mask=~self.valid_mask)

    @property
    def raw_masked_data(self) -> np.ma.MaskedArray[Any, Any]:
        """`raw_data` as a masked array that hides what means nothing."""
        return np.ma.MaskedArray(self.raw_data, mask=~self.raw_valid_mask)

    @property
    def valid_slice_bounding(self) -> tuple[slice, ...]:
        """The smallest box of `data` that holds everything valid; empty slices if nothing is."""
        return get_bbox_slice(self.valid_mask)

    def get_valid_slice_inner(self, axis: int = 0) -> tuple[slice, ...]:
        """The first run along an axis of `data` in which everything is valid.

        Parameters
        ----------
        axis : int
            Along which axis.

        Returns
        -------
        tuple of slice
            Everything along the other axes; an empty slice along ``axis`` if there is none.
        """
        return get_inner_slice(self.valid_mask, axis)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of `raw_data`, not of `data`."""
        return self.raw_data.shape

    def _values(self) -> tuple[NDArray[Any], Domain]:
        if self._array is None or self._domain is None:
            raise UDFException(f"{self!r} is only declared; values exist once a run has begun")
        return self._array, self._domain

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        data = self.data
        if dtype is not None and data.dtype != np.dtype(dtype):
            if copy is False:
                raise ValueError(f"{self!r} cannot become {dtype} without a copy")
            return data.astype(dtype)
        return data.copy() if copy else data

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(target, BufferWrapper) for target in kwargs.get("out", ())):
            return NotImplemented  # results are not written to
        values = (x.data if isinstance(x, BufferWrapper) else x for x in inputs)
        return getattr(ufunc, method)(*values, **kwargs)

    # elementwise comparison must not cost the place in sets and dictionaries
    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Any:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.data)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} kind={self._kind} dtype={self._dtype} "
            f"extra_shape={self._extra_shape}>"
        )


class ArrayWithMask:
    """Values and where they mean something, as ``UDF.with_mask`` hands them on.

    Parameters
    ----------
    arr : ndarray
        The values.
    mask : bool or ndarray of bool
        Broadcastable to ``arr``.

    Raises
    ------
    InvalidMaskError
        If the mask is not boolean or does not fit.
    """

    def __init__(self, arr: Any, mask: Any) -> None:
        self.arr = np.asarray(arr)
        given = np.asarray(mask)
        if given.dtype != np.bool_:
            raise InvalidMaskError(f"a mask must be boolean, this one is {given.dtype}")
        try:
            self.mask: NDArray[np.bool_] = np.broadcast_to(given, self.arr.shape)
        except ValueError as error:
            raise InvalidMaskError(
                f"a mask of shape {given.shape} does not fit values of shape {self.arr.shape}"
            ) from error
