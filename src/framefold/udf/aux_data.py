"""AuxData: a parameter with one value for each scan position."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.errors import ShapeError
from framefold.udf.buffers import BufferWrapper
from framefold.udf.domain import Domain


class AuxData(BufferWrapper):
    """Values that go along with the frames: a UDF sees those of the frames it works on.

    Parameters
    ----------
    data : array-like
        One entry for each scan position (``"nav"``), pixel (``"sig"``), or one in all.
    kind : str
        ``"nav"``, ``"sig"`` or ``"single"``.
    extra_shape : tuple of int
        Further axes of each entry.
    dtype : dtype-like
        What UDFs get; ``data`` is converted if no fraction or imaginary part would be lost.

    Raises
    ------
    TypeError
        If ``data`` has another kind of type than ``dtype`` can hold.
    ShapeError
        If ``data`` cannot be cut into entries of ``extra_shape``.
    """

    def __init__(
        self,
        data: Any,
        kind: str,
        extra_shape: Iterable[int] = (),
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(kind, extra_shape, dtype)
        given = np.asarray(data)
        if given.dtype != self.dtype:
            if not np.can_cast(given.dtype, self.dtype, casting="same_kind"):
                raise TypeError(
                    f"aux_data got values of {given.dtype} for dtype={self.dtype}; "
                    "convert them with astype, or declare another dtype"
                )
            given = given.astype(self.dtype)
        # UDF code counts on entries of one value to be scalars
        entry = () if self.extra_shape == (1,) else self.extra_shape
        try:
            self._flat: NDArray[Any] = given.reshape((-1, *entry))
        except ValueError as error:
            raise ShapeError(
                f"aux_data of shape {given.shape} cannot be cut into entries of shape "
                f"{self.extra_shape}"
            ) from error

    def check(self, owner: str, domain: Domain) -> None:
        """Refuse data that do not fit a run.

        Parameters
        ----------
        owner : str
            UDF and parameter, for the error.
        domain : Domain
            The axes of the run.

        Raises
        ------
        ShapeError
            If there are more or fewer entries than the run needs.
        """
        positions = int(np.prod(domain.nav_shape, dtype=np.int64))
        pixels = int(np.prod(domain.sig_shape, dtype=np.int64))
        needed = {"nav": positions, "sig": pixels}.get(self.kind)
        if needed is not None and len(self._flat) != needed:
            raise ShapeError(
                f"{owner}: aux_data has {len(self._flat)} entries, kind={self.kind!r} needs "
                f"{needed}"
            )

    def whole(self) -> NDArray[Any]:
        """All values: nav flat ``(positions,) + extra_shape``, whatever is selected."""
        single = self.kind == "single" and self.extra_shape and len(self._flat) == 1
        return self._flat[0] if single else self._flat

    def rows(self, positions: NDArray[np.int64]) -> NDArray[Any]:
        """The values of some scan positions; a view when they are neighbours.

        Parameters
        ----------
        positions : ndarray of int64
            Flat positions, ascending.
        """
        if not len(positions):
            return self._flat[:0]
        first, last = int(positions[0]), int(positions[-1])
        if last - first + 1 == len(positions):
            return self._flat[first : last + 1]
        return self._flat[positions]

    @property
    def raw_data(self) -> NDArray[Any]:
        """All values, flat over the scan."""
        return self.whole()

    @property
    def data(self) -> NDArray[Any]:
        """All values, flat over the scan."""
        return self.whole()

    @property
    def valid_mask(self) -> NDArray[np.bool_]:
        """True everywhere."""
        return np.ones(self._flat.shape, dtype=bool)

    raw_valid_mask = valid_mask

    def has_data(self) -> bool:
        """True: aux data come with values."""
        return True
