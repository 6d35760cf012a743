"""RecordedFiles: which files acquisitions were recorded in, and frames out of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import Block
from framefold.errors import DataError
from framefold.formats import open_dataset
from framefold.formats.dataset import RecordedDataSet
from framefold.record.state import RecordingState

log = logging.getLogger(__name__)


class RecordedFiles:
    """Finds the frames of acquisitions that are recorded, or being recorded; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held by: who looks up or exchanges one of these
        self._states: dict[str, RecordingState] = {}  # by acquisition
        self._opened: tuple[str, RecordedDataSet] | None = None  # the last one that was over

    def note(self, state: RecordingState) -> None:
        """How a recording goes."""
        with self._lock:
            self._states[state.acquisition] = state

    def blocks(self, acquisition: str, positions: NDArray[np.int64]) -> Iterator[tuple[str, Block]]:
        """Blocks with recorded frames; none where there is no recording.

        Parameters
        ----------
        acquisition : str
        positions : ndarray of int64
            Flat scan positions, ascending.
        """
        data = self._data_set(acquisition)
        if data is None:
            return
        with data.held(positions) as blocks:
            for _, block in blocks:
                yield "recording", block

    def _data_set(self, acquisition: str) -> RecordedDataSet | None:
        with self._lock:
            state = self._states.get(acquisition)
            if state is None or not state.file:
                return None
            if self._opened is not None and self._opened[0] == state.file:
                return self._opened[1]
        try:
            data = open_dataset(state.file, "recording")
        except DataError as error:
            # in the first moment no file is there yet
            log.info("recording has no frames to show file=%s reason=%s", state.file, error)
            return None
        if state.is_over:  # one that grows is opened again each time
            with self._lock:
                self._opened = (state.file, data)
        return data
