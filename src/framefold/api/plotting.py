"""Plotting: the plots of one run, planned from what the user asks for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from framefold.api.plots import Channel, Live2DPlot, Results, get_plottable_2D_channels
from framefold.errors import ParameterError
from framefold.udf import UDF, BufferWrapper


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
