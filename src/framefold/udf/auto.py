"""AutoUDF: a plain function of one frame as a UDF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.udf.base import UDF
from framefold.udf.buffers import BufferWrapper


class Trial:
    """What a function returned for a frame of ones, kept so that it is called only once.

    It travels to the workers with the parameters of its `AutoUDF`; they need not call again.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[int, ...]], tuple[tuple[int, ...], np.dtype[Any]]] = {}

    def outcome(
        self, f: Callable[..., Any], dtype: np.dtype[Any], sig_shape: tuple[int, ...]
    ) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of what ``f`` returns for a frame.

        Parameters
        ----------
        f : callable
            The function.
        dtype : numpy.dtype
            Pixel type.
        sig_shape : tuple of int
            Shape of a frame.
        """
        key = (dtype.str, sig_shape)
        if key not in self._known:
            try:
                value = np.array(f(np.ones(sig_shape, dtype=dtype)))
            except Exception as error:
                error.add_note(
                    f"while {f!r} was tried on a frame of ones, to learn what it returns"
                )
                raise
            self._known[key] = (value.shape, value.dtype)
        return self._known[key]


class AutoUDF(UDF):
    """Calls a function for each frame and keeps what it returns.

    Parameters
    ----------
    f : callable
        ``f(frame)`` gives a number or an array, always of the same shape; frame: ndarray,
        shape sig.
    monitor : bool
        Whether the result for the last position that is merged is to be had as ``monitor``.
    trial : Trial, optional
        What is known of ``f``; made when left out.
    """

    TAKES_HOLES = True

    def __init__(
        self, f: Callable[..., Any], monitor: bool = False, trial: Trial | None = None
    ) -> None:
        super().__init__(f=f, monitor=monitor, trial=trial or Trial())

    def _outcome(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        trial: Trial = self.params.trial
        return trial.outcome(
            self.params.f, self.meta.input_dtype, tuple(self.meta.dataset_shape.sig)
        )

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``result``: nav, what ``f`` returned; ``monitor``: single, the last of them."""
        shape, dtype = self._outcome()
        buffers = {"result": self.buffer(kind="nav", extra_shape=shape, dtype=dtype)}
        if self.params.monitor:
            buffers["monitor"] = self.buffer(
                kind="single", extra_shape=shape, dtype=dtype, use="result_only"
            )
        return buffers

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Keep what ``f`` makes of a frame."""
        self.results.result[:] = self.params.f(frame)

    def get_results(self) -> dict[str, Any]:
        """All rows, and the last merged one; it is invalid as long as there is none."""
        results: dict[str, Any] = {"result": self.results.result}
        if self.params.monitor:
            valid = self.meta.get_valid_nav_mask()
            merged = np.flatnonzero(np.zeros(0, dtype=bool) if valid is None else valid)
            if merged.size:
                results["monitor"] = self.results.result[merged[-1]]
            else:
                shape, dtype = self._outcome()
                results["monitor"] = self.with_mask(np.zeros(shape, dtype=dtype), mask=False)
        return results
