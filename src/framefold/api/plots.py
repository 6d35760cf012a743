"""Live plots: what is shown of a result while it grows, whatever draws it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.reader import DataSet, Reader
from framefold.core.roi import selection
from framefold.errors import ParameterError, nearest
from framefold.udf import UDF, BufferWrapper, Reduction
from framefold.udf.domain import Domain

Results = Mapping[str, BufferWrapper]
Extract = Callable[[Results, BufferWrapper], tuple[Any, Any]]
Channel = str | tuple[str, Callable[[Any], Any]] | Extract | None


def dry_run(dataset: DataSet | Reader, udf: UDF, roi: Any = None) -> Reduction:
    """The main side of a run before its first frame: declarations, and results of zeros.

    Parameters
    ----------
    dataset : DataSet or Reader
        Only its shapes and pixel type matter.
    udf : UDF
    roi : optional
        As for `Context.run_udf`.
    """
    acquisition = dataset.acquisition
    return Reduction(
        [udf],
        nav_shape=acquisition.nav_shape,
        sig_shape=acquisition.sig_shape,
        dtype=acquisition.dtype,
        selection=selection(roi, acquisition.nav_shape),
    )


def nowhere(dataset: DataSet | Reader) -> BufferWrapper:
    """The damage before the first frame: no position is in the results."""
    acquisition = dataset.acquisition
    domain = Domain(acquisition.nav_shape, acquisition.sig_shape)
    return BufferWrapper("nav", (), bool).bound(domain, np.zeros(domain.frames, dtype=bool))


def is_plottable(buffer: BufferWrapper) -> bool:
    """Whether a result is a picture: two axes longer than 1, and numbers."""
    return np.squeeze(buffer.data).ndim == 2 and buffer.data.dtype.kind in "buifc"


def get_plottable_2D_channels(results: Results) -> list[str]:  # noqa: N802 - known by it
    """Names of the results that are pictures."""
    return [name for name, buffer in results.items() if is_plottable(buffer)]


class Live2DPlot:
    """A picture of one channel that follows a run; a subclass draws it in `update`.

    Parameters
    ----------
    dataset : DataSet or Reader
        What will be processed.
    udf : UDF
        The very instance that is given to `Context.run_udf`.
    roi : optional
        As for `Context.run_udf`.
    channel : str, (str, callable), callable, or None
        A name; a name and a function of its array; a function of all results and the damage
        that gives picture and mask; None for the first channel that is a picture.
    title : str, optional
        Made of UDF and channel when left out.
    min_delta : float
        Shortest time between two updates [s].
    udfresult : mapping, optional
        First results; those of a dry run when left out.

    Raises
    ------
    ParameterError
        If there is no such channel, or it is no picture.
    """

    def __init__(
        self,
        dataset: DataSet | Reader,
        udf: UDF,
        roi: Any = None,
        channel: Channel = None,
        title: str | None = None,
        min_delta: float = 0,
        udfresult: Results | None = None,
    ) -> None:
        self._udf = udf
        empty = dry_run(dataset, udf, roi) if udfresult is None else None
        results = empty.results(0) if empty is not None else udfresult
        assert results is not None
        name = type(udf).__name__
        if channel is None:
            found = get_plottable_2D_channels(results)
            if not found:
                raise ParameterError(f"{name} has no channel that is a picture; give channel=")
            channel = found[0]
        _check_channel(channel, name)
        self.channel: Channel = channel
        self.title = f"{name}: {_called(channel)}" if title is None else title
        self.min_delta = min_delta
        self._updated = -np.inf
        damage = nowhere(dataset) if empty is None else empty.damage
        self.data, self.damage = self.extract(results, damage)

    def get_udf(self) -> UDF:
        """The UDF whose results are shown."""
        return self._udf

    def extract(
        self, udf_results: Results, damage: BufferWrapper
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """What is to be shown of some results.

        Returns
        -------
        (ndarray, ndarray of bool), shapes (h, w) or (h, w, 3 or 4), and (h, w)
            The picture, or its colours, and where it means something.
        """
        if isinstance(self.channel, str):
            buffer = _channel(udf_results, self.channel, type(self._udf).__name__)
            picture = np.squeeze(buffer.data)
            return self._checked(picture, np.squeeze(buffer.valid_mask))
        if isinstance(self.channel, tuple):
            name, function = self.channel
            buffer = _channel(udf_results, name, type(self._udf).__name__)
            picture = np.squeeze(np.asarray(function(buffer.data)))
            valid = np.squeeze(buffer.valid_mask)
            if valid.shape[: picture.ndim] == picture.shape:
                # an entry that became one value is good if all of it is
                valid = np.asarray(valid.all(axis=tuple(range(picture.ndim, valid.ndim))))
            return self._checked(picture, valid)
        assert self.channel is not None
        made, mask = self.channel(udf_results, damage)
        return self._checked(np.squeeze(np.asarray(made)), np.asarray(mask, dtype=bool))

    def _checked(
        self, picture: NDArray[Any], valid: NDArray[np.bool_]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        is_coloured = picture.ndim == 3 and picture.shape[2] in (3, 4)
        if picture.ndim != 2 and not is_coloured:
            raise ParameterError(
                f"{type(self._udf).__name__}: channel {_called(self.channel)} cannot be plotted, "
                f"it has shape {picture.shape}; give (name, function) to make a picture of it"
            )
        if valid.shape != picture.shape[:2]:
            valid = np.ones(picture.shape[:2], dtype=bool)
        return picture, valid

    def new_data(self, udf_results: Results, damage: BufferWrapper, force: bool = False) -> None:
        """Take note of new results; drawn if the last time is ``min_delta`` ago, or if forced."""
        now = time.monotonic()
        if not force and now - self._updated < self.min_delta:
            return
        self.data, self.damage = self.extract(udf_results, damage)
        self.update(self.damage, force=force)
        self._updated = time.monotonic()

    def is_due(self) -> bool:
        """Whether `new_data` would draw."""
        return time.monotonic() - self._updated >= self.min_delta

    def display(self) -> Any:
        """Show the plot before the first update; here nothing is shown."""

    def update(self, damage: NDArray[np.bool_], force: bool = False) -> None:
        """Draw `data`.

        Parameters
        ----------
        damage : ndarray of bool, shape (h, w)
            Where it means something.
        force : bool
            Whether this is the last update.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update")


class Dummy2DPlot(Live2DPlot):
    """Draws nothing and counts how often it would have; for tests and machines without screen."""

    updates = 0

    def update(self, damage: NDArray[np.bool_], force: bool = False) -> None:  # noqa: ARG002
        """Count."""
        self.updates += 1


def _channel(results: Results, name: str, udf: str) -> BufferWrapper:
    if name not in results:
        close = nearest(name, results)
        hint = f"; did you mean {close!r}?" if close else ""
        listed = ", ".join(results) or "none"
        raise ParameterError(f"{udf} has no channel {name!r}{hint} (it has: {listed})")
    return results[name]


def _check_channel(channel: Any, udf: str) -> None:
    pair = isinstance(channel, tuple) and len(channel) == 2
    if isinstance(channel, str) or callable(channel) or (pair and callable(channel[1])):
        return
    raise ParameterError(
        f"{udf}: {channel!r} is no channel; give a name, (name, function), or a function of "
        "results and damage"
    )


def _called(channel: Channel) -> str:
    if isinstance(channel, str):
        return channel
    if isinstance(channel, tuple):
        return f"{channel[0]} {getattr(channel[1], '__name__', '')}".rstrip()
    return str(getattr(channel, "__name__", channel))
