"""StdDevUDF: variance, standard deviation and mean over all frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from framefold.analyses.tiles import frame_dtype
from framefold.errors import ParameterError
from framefold.kernels.variances import add_exactly, deviations, exact_varsum, join, words_for
from framefold.udf import UDF, BufferWrapper


class StdDevUDF(UDF):
    """Find how much each pixel varies over the frames.

    Integer frames of up to 32 bit are added up exactly, sums and squares, and rounded once at the
    end: no cut of the scan and no order of merging shows, for up to 2**32 frames of 16 bit, or
    2**31 of 32 bit. Other frames are
    summed up in float64 tile by tile, and tiles and partitions are joined by the pairwise update
    of Schubert and Gertz (2018), which stays accurate for any mean; scans cut elsewhere may differ
    in the last bits.

    Results, ``num_frames`` apart one value a pixel; ``var``, ``std`` and ``mean`` are NaN and not
    valid as long as there is no frame:

    ``num_frames``
        How many frames, int64.
    ``sum``, ``mean``
        Of the frames.
    ``varsum``, ``var``, ``std``
        Sum of squared distances from the mean, the same per frame (population variance), and its
        root.

    Parameters
    ----------
    dtype : dtype-like, optional
        Of the results; float64 when left out. Complex frames have complex sums and means.
    use_numba : bool
        Accepted for UDF code that passes it; without effect.

    Raises
    ------
    ParameterError
        If ``dtype`` is not a real floating-point type.
    """

    TAKES_HOLES = True

    def __init__(self, dtype: DTypeLike | None = None, use_numba: bool = True) -> None:
        try:
            kind = np.dtype(dtype).kind  # numpy takes None for float64
        except TypeError as error:
            raise ParameterError(
                f"dtype={dtype!r} is no dtype; say 'float32' or 'float64'"
            ) from error
        if kind != "f":
            raise ParameterError(f"dtype={dtype!r} has no fractions; say 'float32' or 'float64'")
        super().__init__(dtype=dtype, use_numba=use_numba)

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """Results for the user; sums and squares, wide, for us."""
        base = np.dtype(self.params.dtype)
        sums = np.result_type(self.meta.input_dtype, base)
        state: dict[str, DTypeLike] = dict.fromkeys(self._words(), np.uint64)
        if state:
            state["total"] = np.int64
        else:
            state["total"] = np.result_type(self.meta.input_dtype, np.float64)
            state["squares"] = np.float64
        return {
            "num_frames": self.buffer("single", dtype=np.int64),
            **{n: self.buffer("sig", dtype=d, use="private") for n, d in state.items()},
            **{n: self.buffer("sig", dtype=base, use="result_only") for n in _SPREADS},
            **{n: self.buffer("sig", dtype=sums, use="result_only") for n in ("sum", "mean")},
        }

    def get_task_data(self) -> dict[str, Any]:
        """How many frames each cell of the detector has had."""
        return {"frames": {}}

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Take in frames in the run's dtype."""
        self._take_in(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Take in frames in the recorded dtype."""
        self._take_in(tile)

    def postprocess(self) -> None:
        """Count: every cell has had every frame."""
        self.results.num_frames[:] = max(self.task_data.frames.values(), default=0)

    def merge(self, dest: Any, src: Any) -> None:
        """Join one partition to what there is."""
        if self._words():
            dest.total[:] += src.total
            for there, more in zip(self._words_of(dest), self._words_of(src), strict=True):
                there[:] += more
        else:
            dest.total[:], dest.squares[:] = join(
                (int(dest.num_frames[0]), int(src.num_frames[0])),
                (dest.total, src.total),
                (dest.squares, src.squares),
            )
        dest.num_frames[:] += src.num_frames

    def get_results(self) -> dict[str, Any]:
        """Everything from what has been summed so far."""
        frames = int(self.results.num_frames[0])
        total = self.results.total
        varsum = self.results.squares
        if self._words() and frames:
            varsum = exact_varsum(frames, total, *self._words_of(self.results))
        with np.errstate(invalid="ignore"):  # of no frames: 0 / 0
            var, mean = varsum / frames, total / frames
        results: dict[str, Any] = {"var": var, "std": np.sqrt(var), "mean": mean}
        declared = self.get_result_buffers()
        for name, values in results.items():
            results[name] = self.with_mask(values.astype(declared[name].dtype), frames > 0)
        results["varsum"] = varsum.astype(declared["varsum"].dtype)
        results["sum"] = total.astype(declared["sum"].dtype)
        return {**results, "num_frames": self.results.num_frames}

    def _take_in(self, tile: NDArray[Any]) -> None:
        counted = self.task_data.frames
        cell = self.meta.tiling_scheme_idx
        before = counted.get(cell, 0)
        counted[cell] = before + len(tile)
        if self._words():
            add_exactly(tile, self.results.total, *self._words_of(self.results))
        else:
            process_tile(tile, before, self.results.total, self.results.squares)

    def _words(self) -> tuple[str, ...]:
        """The buffers of squares if this run's tiles are added up as integers; else none."""
        return _WORDS[: words_for(frame_dtype(self))]

    def _words_of(self, buffers: Any) -> list[NDArray[Any]]:
        return [getattr(buffers, name) for name in self._words()]


# the second one for squares whose sums do not fit 64 bit
_WORDS = ("squares", "upper_squares")
_SPREADS = ("varsum", "var", "std")


def merge(
    dest_n: int,
    dest_sum: NDArray[Any],
    dest_varsum: NDArray[Any],
    src_n: int,
    src_sum: ArrayLike,
    src_varsum: ArrayLike,
    src_mean: ArrayLike | None = None,  # noqa: ARG001 - the signature UDF authors know
) -> int:
    """Join the sums of some frames to those of others, in place.

    Parameters
    ----------
    dest_n, src_n : int
        Frames in each group; may be 0.
    dest_sum, dest_varsum : ndarray
        Sums, and n times the variance, of the one group; changed in place.
    src_sum, src_varsum : array-like, same shape
        Of the other.
    src_mean : array-like, optional
        Accepted for UDF code that passes it; it follows from the sum.

    Returns
    -------
    int
        Frames in both groups.
    """
    dest_sum[...], dest_varsum[...] = join(
        (dest_n, src_n),
        (dest_sum, np.asarray(src_sum)),
        (dest_varsum, np.asarray(src_varsum)),
    )
    return dest_n + src_n


def process_tile(
    tile: NDArray[Any], n_0: int, sum_inout: NDArray[Any], varsum_inout: NDArray[Any]
) -> int:
    """Take the frames of a tile into running sums.

    Parameters
    ----------
    tile : ndarray, shape (n,) + sig
        Frames.
    n_0 : int
        How many frames are in the sums already; may be 0.
    sum_inout, varsum_inout : ndarray, shape sig
        Sums, and n times the variance; changed in place.

    Returns
    -------
    int
        How many frames are in the sums now.
    """
    if len(tile) == 0:
        return n_0
    return merge(n_0, sum_inout, varsum_inout, len(tile), *deviations(tile))


def consolidate_result(udf_result: Mapping[str, Any]) -> dict[str, Any]:
    """The results of `StdDevUDF` as plain arrays, ``num_frames`` as a number."""
    results = {name: np.asarray(values) for name, values in udf_result.items()}
    return {**results, "num_frames": results["num_frames"][0]}


def run_stddev(
    ctx: Any,
    dataset: Any,
    roi: Any = None,
    progress: bool = False,
    use_numba: bool = True,
) -> dict[str, Any]:
    """Run `StdDevUDF` over a data set.

    Parameters
    ----------
    ctx : Context
        Who runs it.
    dataset : DataSet
        The frames.
    roi : optional
        Which positions; all when left out.
    progress : bool
        Whether to show how far it is.
    use_numba : bool
        Without effect.

    Returns
    -------
    dict of str to ndarray
        As `consolidate_result` gives them.
    """
    udf = StdDevUDF(use_numba=use_numba)
    return consolidate_result(ctx.run_udf(dataset=dataset, udf=udf, roi=roi, progress=progress))
