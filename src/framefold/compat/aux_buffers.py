"""AuxBufferWrapper under LiberTEM's name: aux data that get their values after they were made."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from framefold.core.roi import selection
from framefold.errors import ParameterError
from framefold.formats.partitions import Partition
from framefold.udf import AuxData


class AuxBufferWrapper(AuxData, metaclass=ABCMeta):
    """Aux data declared first, filled by `set_buffer`; ``UDF.aux_data`` does both at once.

    Parameters
    ----------
    kind, extra_shape, dtype
        As for `AuxData`.
    where, use : optional
        Accepted and without effect.
    """

    def __init__(
        self,
        kind: str,
        extra_shape: Iterable[int] = (),
        dtype: DTypeLike = "float32",
        where: str | None = None,  # noqa: ARG002
        use: str | None = None,  # noqa: ARG002
    ) -> None:
        entry = tuple(extra_shape)
        super().__init__(np.zeros((0, *entry), dtype), kind, entry, dtype)

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        # code asks for this class and means what UDF.aux_data made, too
        return issubclass(other, AuxData)

    def set_buffer(self, data: ArrayLike) -> None:
        """Fill it.

        Parameters
        ----------
        data : array-like
            As for `AuxData`.
        """
        super().__init__(data, self.kind, self.extra_shape, self.dtype)

    def new_for_partition(self, partition: Partition, roi: Any = None) -> Self:
        """The values of the selected positions of one partition.

        Raises
        ------
        ParameterError
            If there is not one value for each scan position.
        """
        if self.kind != "nav":
            raise ParameterError(f"aux data of kind {self.kind!r} are the same for each partition")
        chosen = selection(roi, tuple(partition.meta.shape.nav))
        start, stop = (int(n) for n in (partition.slice.origin[0], partition.slice.shape[0]))
        positions = np.arange(start, start + stop)
        if chosen is not None:
            positions = positions[chosen[positions]]
        part = type(self)(self.kind, self.extra_shape, self.dtype)
        part.set_buffer(self.rows(positions))
        return part
