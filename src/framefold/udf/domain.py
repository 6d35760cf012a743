"""Domain: the axes that the buffers of a run stretch over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Domain:
    """The axes that buffers of one run stretch over.

    Parameters
    ----------
    nav_shape, sig_shape : tuple of int
        Scan and detector.
    selection : ndarray of bool, flat, or None
        Selected positions; None for all.
    """

    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    selection: NDArray[np.bool_] | None = None

    @cached_property
    def frames(self) -> int:
        """How many positions are selected."""
        if self.selection is None:
            return math.prod(self.nav_shape)
        return int(np.count_nonzero(self.selection))

    def embed(self, raw: NDArray[Any], fill: Any) -> NDArray[Any]:
        """Put rows of selected positions where they belong in the scan.

        Parameters
        ----------
        raw : ndarray, shape (selected,) + extra
            One row for each selected position.
        fill : object
            What the other positions get; None keeps zeros (or what stands for zero).

        Returns
        -------
        ndarray, shape nav_shape + extra
            A view of ``raw`` when everything is selected.
        """
        shape = self.nav_shape + raw.shape[1:]
        if self.selection is None:
            return raw.reshape(shape)
        full = np.zeros((self.selection.size, *raw.shape[1:]), dtype=raw.dtype)
        if fill is not None or raw.dtype.kind == "O":
            full[~self.selection] = fill
        full[self.selection] = raw
        return full.reshape(shape)
