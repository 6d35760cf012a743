"""RecordUDF: writes the frames to a .npy file while they are processed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.errors import ParameterError, RunFailedError
from framefold.udf import UDF, BufferWrapper


class RecordUDF(UDF):
    """Write every frame to its place in a NumPy ``.npy`` file, shape nav + sig, as recorded.

    The file is made when the run begins, at its full size but without occupying it, and workers
    write to it through memory maps: it must be on a disk that all of them see. Frames that do not
    come stay zero. There are no results.

    Parameters
    ----------
    filename : str or path
        The file.
    overwrite : bool
        Whether a file that exists is replaced.

    Raises
    ------
    ParameterError
        If ``filename`` is no path.
    RunFailedError
        When the run begins, with a selection of positions: the file has room for all of them.
    FileExistsError
        When the run begins, if the file is there and ``overwrite`` is False.
    """

    DRY_RUN = False  # a frame that is made up must not get into the file

    def __init__(
        self,
        filename: Any,
        _is_master: bool = True,  # UDF code passes it; where we are is seen from meta
        overwrite: bool = True,
    ) -> None:
        if not str(filename) or not isinstance(filename, (str, os.PathLike)):
            raise ParameterError(f"filename={filename!r} must be the path of a .npy file")
        super().__init__(filename=os.fspath(filename), _is_master=False, overwrite=overwrite)

    def get_preferred_input_dtype(self) -> DTypeLike:
        """As recorded."""
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """None."""
        return {}

    def preprocess(self) -> None:
        """Main side: make the file."""
        if self.meta.slice is not None:  # in a worker
            return
        if self.meta.roi is not None:
            raise RunFailedError(
                f"recording to {self.params.filename} needs all positions; leave out the roi"
            )
        path = Path(self.params.filename)
        if path.exists() and not self.params.overwrite:
            raise FileExistsError(
                f"{path} exists; choose another filename, or say overwrite=True to replace it"
            )
        if self.meta.dataset_shape.to_tuple().count(0):
            np.save(path, np.zeros(self.meta.dataset_shape.to_tuple(), self.meta.tile_dtype))
            return
        self._open("w+", self.meta.tile_dtype, self.meta.dataset_shape.to_tuple())

    def get_task_data(self) -> dict[str, Any]:
        """The file, one row a position."""
        shape = self.meta.dataset_shape
        frames = self._open("r+")
        return {"frames": frames.reshape(-1, *shape.sig)}

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Write frames in the run's dtype, back in the recorded one."""
        self._write(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Write frames in the recorded dtype."""
        self._write(tile)

    def merge(self, dest: Any, src: Any) -> None:
        """Nothing: it is on disk."""

    def _write(self, tile: NDArray[Any]) -> None:
        nav = tuple(self.meta.dataset_shape.nav)
        positions = np.ravel_multi_index(tuple(self.meta.coordinates.T), nav)
        box = self.meta.sig_slice.get(sig_only=True)
        self.task_data.frames[(positions, *box)] = tile

    def _open(self, mode: Any, *args: Any) -> NDArray[Any]:
        return np.lib.format.open_memmap(self.params.filename, mode, *args)
