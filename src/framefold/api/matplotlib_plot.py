"""A live plot drawn by matplotlib; imported only when somebody wants to see one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.api.plots import Channel, Live2DPlot, Results
from framefold.core.reader import DataSet, Reader
from framefold.registry import load_target
from framefold.representations.contrast import robust_limits
from framefold.udf import UDF

REDRAW_SECONDS = 0.5


class MPLLive2DPlot(Live2DPlot):
    """A figure that follows a run.

    Parameters
    ----------
    dataset, udf, roi, channel, title, min_delta, udfresult
        As for `Live2DPlot`; ``min_delta`` is 0.5 s when left out.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """

    def __init__(
        self,
        dataset: DataSet | Reader,
        udf: UDF,
        roi: Any = None,
        channel: Channel = None,
        title: str | None = None,
        min_delta: float = REDRAW_SECONDS,
        udfresult: Results | None = None,
    ) -> None:
        super().__init__(dataset, udf, roi, channel, title, min_delta, udfresult)
        self._pyplot = _pyplot()
        self.fig: Any = None
        self._image: Any = None

    def display(self) -> Any:
        """Make the figure; shown where the backend shows figures by themselves."""
        self.fig, axes = self._pyplot.subplots()
        axes.set_title(self.title)
        self._image = axes.imshow(_shown(self.data, self.damage))
        self._fit()
        if self._pyplot.isinteractive():
            self._pyplot.show(block=False)
        return self.fig

    def update(self, damage: NDArray[np.bool_], force: bool = False) -> None:  # noqa: ARG002
        """Draw the newest picture."""
        if self.fig is None:
            self.display()
        self._image.set_data(_shown(self.data, damage))
        self._fit()
        self.fig.canvas.draw()
        self.fig.canvas.flush_events()

    def _fit(self) -> None:
        shown = self._image.get_array().compressed()
        self._image.set_clim(*robust_limits(shown))


def _shown(data: NDArray[Any], valid: NDArray[np.bool_]) -> np.ma.MaskedArray[Any, Any]:
    """What can be drawn: the magnitude of complex values; nothing where nothing is valid."""
    if data.ndim == 3:
        return np.ma.MaskedArray(data)
    real = np.abs(data) if data.dtype.kind == "c" else data
    return np.ma.MaskedArray(real, mask=~valid)


def _pyplot() -> Any:
    # no dependency of ours: imported for those who want to see a plot
    try:
        return load_target("matplotlib.pyplot")
    except ImportError as error:
        raise ImportError(
            "plots need matplotlib: install it, or give plot_class=framefold.api.Dummy2DPlot"
        ) from error
