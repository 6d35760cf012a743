"""Contrast: which values become the darkest and the brightest colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ParameterError

# quantiles of more values than this are taken from an even sample: 16 M pixels would cost 0.3 s
_SAMPLE = 1 << 18


@dataclass(frozen=True, slots=True)
class Limits:
    """A wish for contrast limits: quantiles of the picture, or values.

    Parameters
    ----------
    lower, upper : float
        Values, or percent if ``percent``.
    percent : bool
        Whether they are quantiles.
    """

    lower: float
    upper: float
    percent: bool

    @classmethod
    def parse(cls, text: str) -> Limits:
        """Read ``auto``, ``p0.1,99.9`` (percent) or ``10,5e4`` (values).

        ``auto`` is ``p0.1,99.9``: one dead or hot pixel in a thousand does not count.

        Raises
        ------
        ParameterError
            If it is none of these, or the lower limit is not below the upper one.
        """
        if text == "auto":
            return cls(0.1, 99.9, percent=True)
        percent = text.startswith("p")
        parts = text.removeprefix("p").split(",")
        try:
            lower, upper = (float(part) for part in parts)
        except ValueError as error:
            raise ParameterError(
                f"limits={text!r} is neither auto, nor percent like p0.1,99.9, "
                "nor two values like 10,5e4"
            ) from error
        if not (math.isfinite(lower) and math.isfinite(upper) and lower < upper):
            raise ParameterError(f"limits={text!r}: the lower one must be below the upper one")
        if percent and not (lower >= 0 and upper <= 100):
            raise ParameterError(f"limits={text!r}: percent lie between 0 and 100")
        return cls(lower, upper, percent=percent)

    def of(self, values: NDArray[np.float64]) -> tuple[float, float]:
        """The limits for some values.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)
            Finite values that mean something; may be empty.

        Returns
        -------
        tuple of float
            Lower and upper, finite, the lower one below the upper one: also for no values at
            all (0, 1), for nothing but zeros (0, 1: dark), and for one value everywhere (which
            then lies in the middle).
        """
        if not self.percent:
            return self.lower, self.upper
        if values.size == 0:
            return 0.0, 1.0
        # an odd step does not stay in the same columns of a picture of even width
        sample = values[:: values.size // _SAMPLE | 1]
        # no interpolation: between two huge values it would overflow
        quantiles = np.quantile(sample, [self.lower / 100, self.upper / 100], method="nearest")
        lower, upper = float(quantiles[0]), float(quantiles[1])
        if lower < upper:
            return lower, upper
        # the quantiles may fall together although a few values stick out: a sparse picture
        lower, upper = float(values.min()), float(values.max())
        if lower < upper:
            return lower, upper
        if lower == 0.0:
            return 0.0, 1.0
        around = abs(lower) / 4
        # a value at the very end of what a float can hold has no room around it
        if around == 0 or not math.isfinite(lower - around) or not math.isfinite(lower + around):
            return (lower, 0.0) if lower < 0 else (0.0, lower)
        return lower - around, lower + around


def robust_limits(
    values: NDArray[Any], share: float = 0.001, factor: float = 10.0
) -> tuple[float, float]:
    """Limits for a live plot: the extremes, unless a few values stick out far.

    Zeros do not count as values here, so that a sparse picture keeps its peaks.

    Parameters
    ----------
    values : ndarray
        The picture, of any real or complex type and shape; real parts count, and what is not
        finite does not.
    share : float
        What part of the values at each end may stick out.
    factor : float
        How many times as far from zero as the rest they must be to be left out.

    Returns
    -------
    tuple of float
        Lower and upper, the lower one below the upper one: also for no values at all (1, and the
        next larger float) and for one value everywhere (that, and the next larger float).
    """
    real = np.real(np.asarray(values)).astype(np.float64).ravel()
    finite = real[np.isfinite(real)]
    if not finite.size:
        return 1.0, math.nextafter(1.0, math.inf)
    lower, upper = float(finite.min()), float(finite.max())
    counted = finite[finite != 0]
    if counted.size:
        # quantiles that are values: one between two of them would cut into the rest
        low = float(np.quantile(counted, share, method="higher"))
        high = float(np.quantile(counted, 1 - share, method="lower"))
        kept = (
            low if abs(lower) > factor * abs(low) else lower,
            high if abs(upper) > factor * abs(high) else upper,
        )
        if kept[0] <= kept[1]:  # of two or three values the ends may change places
            lower, upper = kept
    return lower, upper if lower < upper else math.nextafter(lower, math.inf)
