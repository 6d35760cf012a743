"""CoMUDF: the centre of mass of each frame, and the vector field it makes over the scan."""

from __future__ import annotations

from enum import IntEnum
from numbers import Integral, Real
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.analyses.regions import Annulus, region_moments, region_plane
from framefold.analyses.vector_fields import (
    apply_correction,
    curl_2d,
    divergence,
    fit_mean,
    fit_plane,
    has_neighbours,
    magnitude,
    plane,
)
from framefold.core.encoded_tile import EncodedTile
from framefold.errors import ParameterError, ShapeError
from framefold.udf import UDF, ArrayWithMask, BufferWrapper


class RegressionOptions(IntEnum):
    """What is taken off the field."""

    NO_REGRESSION = -1
    SUBTRACT_MEAN = 0
    SUBTRACT_LINEAR = 1


class CoMParams(NamedTuple):
    """Parameters of `CoMUDF`, explained at `CoMUDF.with_params`."""

    cy: float | None = None
    cx: float | None = None
    r: float = float("inf")
    ri: float = 0.0
    scan_rotation: float = 0.0
    flip_y: bool = False
    regression: int | ArrayLike = RegressionOptions.NO_REGRESSION


class CoMUDF(UDF):
    """Find the centre of mass of each frame, and how far and where it is off the reference.

    All sums of integer frames are exact; centres are computed in float64 and rounded once to the
    declared dtype (float32 for integers up to 16 bit, float64 for wider ones). Needs a scan of
    rows and columns and frames of rows and columns.

    Results, one entry a position, y before x [detector pixels]:

    ``raw_com`` (2,)
        Centre of mass; the reference where a frame has no counts.
    ``raw_shifts`` (2,)
        ``raw_com`` less the reference.
    ``field`` (2,), ``field_y``, ``field_x``
        ``raw_shifts`` flipped, then rotated, less the regression.
    ``magnitude``
        Length of ``field``.
    ``divergence``, ``curl``
        ``d field_y / d row + d field_x / d column`` and ``d field_y / d column - d field_x / d
        row`` [detector pixels per scan step]; valid where the neighbours in the scan are there.
    ``regression`` (3, 2), float64, one for the scan
        What was subtracted; rows: constant, per scan row, per scan column; columns: y, x.

    Parameters
    ----------
    com_params : CoMParams
        See `with_params`, which is the usual way to make this UDF.
    """

    TAKES_HOLES = True

    def __init__(self, com_params: CoMParams | None = None) -> None:
        super().__init__(com_params=CoMParams() if com_params is None else com_params)

    @classmethod
    def with_params(
        cls,
        *,
        cy: float | None = None,
        cx: float | None = None,
        r: float = float("inf"),
        ri: float = 0.0,
        scan_rotation: float = 0.0,
        flip_y: bool = False,
        regression: int | ArrayLike = RegressionOptions.NO_REGRESSION,
    ) -> Self:
        """A UDF from plain parameters.

        Parameters
        ----------
        cy, cx : float, optional
            Reference point, centre of the region [pixels]; ``size // 2`` when left out.
        r : float
            Only pixels no farther than this from the reference count [pixels].
        ri : float
            Only pixels farther than this count, if positive [pixels].
        scan_rotation : float
            Angle by which the field is turned [degrees]; positive is clockwise in a picture with
            y down and x to the right.
        flip_y : bool
            Whether the detector's y axis points the other way; applied before the rotation.
        regression : int or array-like, shape (3, 2)
            -1: nothing is subtracted from the field; 0: its mean; 1: the plane that fits it best,
            both over the positions that are there; an array: that plane, laid out like the result
            ``regression``.

        Raises
        ------
        ParameterError
            If a value does not fit.
        """
        numbers: dict[str, Any] = {
            "cy": cy,
            "cx": cx,
            "r": r,
            "ri": ri,
            "scan_rotation": scan_rotation,
        }
        for name, value in numbers.items():
            if value is None and name in ("cy", "cx"):
                continue
            if not isinstance(value, Real) or np.isnan(float(value)):
                raise ParameterError(f"{name}={value!r} must be a number")
            if name != "r" and np.isinf(float(value)):
                raise ParameterError(f"{name}={value!r} must be finite")
        if not isinstance(flip_y, (bool, np.bool_, Integral)):  # the text "no" would count as yes
            raise ParameterError(f"flip_y={flip_y!r} must be True or False")
        # a disk of radius 0 is the pixel at its centre, a ring of no width is nothing
        if not (0 <= ri < r or ri == r == 0):
            raise ParameterError(f"ri={ri!r} must be at least 0 and smaller than r={r!r}")
        _check_regression(regression)
        return cls(CoMParams(cy, cx, r, ri, scan_rotation, bool(flip_y), regression))

    def get_params(self) -> CoMParams:
        """The parameters, with the reference point filled in."""
        given = CoMParams(*self.params.com_params)
        height, width = self.meta.dataset_shape.sig
        return given._replace(
            cy=height // 2 if given.cy is None else given.cy,
            cx=width // 2 if given.cx is None else given.cx,
        )

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """All channels, made from the three sums of each frame at the end.

        Raises
        ------
        ShapeError
            If the scan or the frames have other than two axes.
        """
        shape = self.meta.dataset_shape
        if shape.nav.dims != 2 or shape.sig.dims != 2:
            raise ShapeError(
                "centres of mass need a scan of rows and columns and frames of rows and columns; "
                f"the scan is {tuple(shape.nav)}, the frames are {tuple(shape.sig)}; "
                "give nav_shape=(rows, columns) when loading"
            )
        dtype = np.result_type(self.meta.input_dtype, np.float32)
        vectors = ("raw_com", "raw_shifts", "field")
        scalars = ("field_y", "field_x", "magnitude", "divergence", "curl")
        return {
            "raw_mask_result": self.buffer(
                "nav", (3,), np.result_type(dtype, np.float64), use="private"
            ),
            **{name: self.buffer("nav", (2,), dtype, use="result_only") for name in vectors},
            **{name: self.buffer("nav", (), dtype, use="result_only") for name in scalars},
            "regression": self.buffer("single", (3, 2), np.float64, use="result_only"),
        }

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the run's dtype."""
        self._add_up(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the recorded dtype."""
        self._add_up(tile)

    def process_encoded_tile(self, tile: EncodedTile) -> Any:
        """Add up frames as they came, where that is exact."""
        height, width = self.meta.dataset_shape.sig
        region, dtype = self._region(), self.meta.tile_dtype
        if not region_moments(region, (height, width), (0, 0, height, width), dtype).exact:
            return NotImplemented
        sums = tile.frame_moments(region_plane(region, (height, width)))
        if sums is None:
            return NotImplemented
        self.results.raw_mask_result[:] += sums
        return None

    def _region(self) -> Annulus:
        """The pixels that count."""
        cy, cx, r, ri, *_ = self.get_params()
        assert cy is not None
        assert cx is not None
        return Annulus(cy, cx, r, ri, with_inner=ri == 0)

    def _add_up(self, tile: NDArray[Any]) -> None:
        height, width = self.meta.dataset_shape.sig
        region = self._region()
        y, x = self.meta.sig_slice.origin
        box = (y, x, *tile.shape[1:])
        sums = region_moments(region, (height, width), box, tile.dtype).apply(tile)
        if y or x:  # moments were taken from the tile's own corner
            sums[:, 1] += y * sums[:, 0]
            sums[:, 2] += x * sums[:, 0]
        self.results.raw_mask_result[:] += sums

    def get_results(self) -> dict[str, Any]:
        """All channels from what has been summed so far."""
        params = self.get_params()
        reference = np.array([params.cy, params.cx], np.float64)
        sums = self.results.raw_mask_result
        raw_com = np.empty((len(sums), 2), sums.dtype)
        raw_com[:] = reference
        np.divide(sums[:, 1:], sums[:, :1], out=raw_com, where=sums[:, :1] != 0)
        raw_shifts = raw_com - reference
        turned = apply_correction(
            raw_shifts[:, 0], raw_shifts[:, 1], params.scan_rotation, params.flip_y
        )
        field = self._embedded(np.stack(turned, axis=-1))
        valid = self._valid()
        coefficients = self.get_regression(field[..., 0], field[..., 1], valid)
        if coefficients.any():
            field[valid] -= plane(coefficients, field.shape[:2])[valid]
        channels = {
            "raw_com": raw_com,
            "raw_shifts": raw_shifts,
            **self.get_field_results(field[..., 0], field[..., 1]),
        }
        declared = self.get_result_buffers()
        results = {
            name: self._selected(values).astype(declared[name].dtype)
            if not isinstance(values, ArrayWithMask)
            else self.with_mask(
                self._selected(values.arr).astype(declared[name].dtype),
                self._selected(values.mask),
            )
            for name, values in channels.items()
        }
        return {**results, "regression": np.asarray(coefficients.real, np.float64)}

    def get_regression(
        self, field_y: NDArray[Any], field_x: NDArray[Any], valid: NDArray[np.bool_]
    ) -> NDArray[Any]:
        """What is to be subtracted from the field.

        Parameters
        ----------
        field_y, field_x : ndarray, shape nav
            The field before regression.
        valid : ndarray of bool, shape nav
            Positions that are there.

        Returns
        -------
        ndarray, shape (3, 2)
            As the result ``regression``.
        """
        regression = self.get_params().regression
        _check_regression(regression)
        if not isinstance(regression, Integral):
            return np.asarray(regression, np.float64)
        usable = valid & np.isfinite(field_y) & np.isfinite(field_x)
        if regression == RegressionOptions.SUBTRACT_MEAN:
            return fit_mean(field_y, field_x, usable)
        if regression == RegressionOptions.SUBTRACT_LINEAR:
            return fit_plane(field_y, field_x, usable)
        return np.zeros((3, 2))

    def get_field_results(self, field_y: NDArray[Any], field_x: NDArray[Any]) -> dict[str, Any]:
        """Channels made from the field; a subclass adds its own.

        Parameters
        ----------
        field_y, field_x : ndarray, shape nav
            The field, NaN where nothing is selected; zero where no frame has come.

        Returns
        -------
        dict
            Name -> array, shape nav or nav + (2,), with `with_mask` or without.
        """
        inner = has_neighbours(self._valid())
        # an axis of one position has no slope anywhere
        inner &= min(inner.shape) > 1
        return {
            "field": np.stack([field_y, field_x], axis=-1),
            "field_y": field_y,
            "field_x": field_x,
            "magnitude": magnitude(field_y, field_x),
            "divergence": self.with_mask(divergence(field_y, field_x), inner),
            "curl": self.with_mask(curl_2d(field_y, field_x), inner),
        }

    def _nav_shape(self) -> tuple[int, int]:
        rows, columns = self.meta.dataset_shape.nav
        return rows, columns

    def _valid(self) -> NDArray[np.bool_]:
        """Positions that are merged, shape nav."""
        mask = self.meta.get_valid_nav_mask(full_nav=True)
        if mask is None:
            return np.zeros(self._nav_shape(), np.bool_)
        return mask.reshape(self._nav_shape())

    def _embedded(self, values: NDArray[Any]) -> NDArray[Any]:
        """Entries of the selected positions at their place in the scan, NaN elsewhere."""
        shape = (*self._nav_shape(), *values.shape[1:])
        if self.meta.roi is None:
            return values.reshape(shape)
        full = np.full(shape, np.nan, values.dtype)
        full[self.meta.roi] = values
        return full

    def _selected(self, values: NDArray[Any]) -> NDArray[Any]:
        """Entries of the selected positions, flat; what is flat already stays."""
        nav = self._nav_shape()
        if values.shape[:2] != nav:
            return values
        if self.meta.roi is None:
            return values.reshape(nav[0] * nav[1], *values.shape[2:])
        return values[self.meta.roi]


def _check_regression(regression: Any) -> None:
    if isinstance(regression, Integral):
        if int(regression) not in tuple(RegressionOptions):
            raise ParameterError(
                f"regression={regression!r} is unknown; say -1 (none), 0 (mean), 1 (plane) "
                "or give an array of shape (3, 2)"
            )
        return
    try:
        given = np.asarray(regression, np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"regression={regression!r} is neither -1, 0, 1 nor an array of numbers"
        ) from error
    if given.shape != (3, 2):
        raise ParameterError(f"regression has shape {given.shape}; an array must have (3, 2)")
    if not np.isfinite(given).all():
        raise ParameterError("regression must be finite numbers; some are NaN or infinite")
