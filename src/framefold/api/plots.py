"""Live plots: what is shown of a result while it grows, whatever draws it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
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


class Plotting:
    """The plots of one run; called in the thread that waits for the run, never while it merges.

    Parameters
    ----------
    plots : sequence of (int, Live2DPlot)
        Number of the UDF and its plot.
    """

    def __init__(self, plots: Sequence[tuple[int, Live2DPlot]]) -> None:
        self._plots = tuple(plots)

    def __bool__(self) -> bool:
        return bool(self._plots)

    def display(self) -> None:
        """Show all of them."""
        for _, plot in self._plots:
            plot.display()

    def show(
        self, results: Callable[[int], Results], damage: BufferWrapper, *, force: bool = False
    ) -> None:
        """Hand new results on to the plots that are due; to all if forced.

        Parameters
        ----------
        results : callable
            Gives the results of a UDF by its number; asked once for each that is due.
        damage : BufferWrapper
            Positions that are merged.
        force : bool
            Whether this is the last time.
        """
        asked: dict[int, Results] = {}
        for number, plot in self._plots:
            if force or getattr(plot, "is_due", _always)():
                if number not in asked:
                    asked[number] = results(number)
                plot.new_data(asked[number], damage, force)


def _always() -> bool:
    return True  # plots that others wrote need not say


def planned(
    plots: Any,
    udfs: Sequence[UDF],
    empty: Callable[[int], Results],
    make: Callable[[UDF, Channel, Results], Live2DPlot],
) -> Plotting:
    """The plots that ``plots=`` asks for.

    Parameters
    ----------
    plots : object
        None or False: none. True: each channel of each UDF that is a picture. A list with a
        list for each UDF (or, for one UDF, that list itself) of channels as `Live2DPlot` takes
        them. A list of plot objects.
    udfs : sequence of UDF
        What is run.
    empty : callable
        Gives the results of a UDF before the first frame by its number.
    make : callable
        Makes a plot of a UDF, a channel, and its first results.

    Raises
    ------
    ParameterError
        If a channel does not exist or is no picture; if the plots do not fit the UDFs.
    """
    if plots is None or plots is False:
        return Plotting(())
    if plots is True:
        return Plotting([*_all_pictures(udfs, empty, make)])
    if not isinstance(plots, (list, tuple)):
        raise ParameterError(f"plots={plots!r}: give True, or a list of channels or plots")
    if plots and all(hasattr(plot, "new_data") for plot in plots):
        return Plotting([(_number_of(plot.get_udf(), udfs), plot) for plot in plots])
    asked: Sequence[Any] = plots
    if len(udfs) == 1 and not (len(plots) == 1 and isinstance(plots[0], list)):
        asked = [plots]
    if len(asked) > len(udfs):
        raise ParameterError(
            f"plots lists channels for {len(asked)} UDFs, {len(udfs)} are run; give one list each"
        )
    return Plotting(
        [
            (number, make(udfs[number], channel, empty(number)))
            for number, channels in enumerate(asked)
            for channel in channels
        ]
    )


def _all_pictures(
    udfs: Sequence[UDF],
    empty: Callable[[int], Results],
    make: Callable[[UDF, Channel, Results], Live2DPlot],
) -> Iterator[tuple[int, Live2DPlot]]:
    for number, udf in enumerate(udfs):
        results = empty(number)
        found = get_plottable_2D_channels(results)
        if not found:
            warnings.warn(
                f"No plottable channels found for UDF {type(udf).__name__}, not plotting.",
                UserWarning,
                stacklevel=5,
            )
        for name in found:
            yield number, make(udf, name, results)


def _number_of(udf: UDF, udfs: Sequence[UDF]) -> int:
    for number, one in enumerate(udfs):
        if one is udf:
            return number
    raise ParameterError(
        f"a plot shows another {type(udf).__name__} than the one that is run; give the same "
        "instance to both"
    )


def _channel(results: Results, name: str, udf: str) -> BufferWrapper:
    if name not in results:
        close = nearest(name, results)
        hint = f"; did you mean {close!r}?" if close else ""
        listed = ", ".join(results) or "none"
        raise ParameterError(f"{udf} has no channel {name!r}{hint} (it has: {listed})")
    return results[name]


def _called(channel: Channel) -> str:
    if isinstance(channel, str):
        return channel
    if isinstance(channel, tuple):
        return f"{channel[0]} {getattr(channel[1], '__name__', '')}".rstrip()
    return str(getattr(channel, "__name__", channel))
