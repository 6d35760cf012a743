"""Whatever RosettaSciIO reads: asked last of all, and only where the user installed it.

RosettaSciIO is licensed under the GPL. It is no dependency of this package, and nothing imports it
until a file comes that no format of ours knows, or until it is asked for by name.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from framefold.errors import DataError
from framefold.formats.dask_arrays import DaskFrames, is_dask
from framefold.formats.extras import extra, library_errors
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.memory import ArrayFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.formats.stack import Stack

SUMMARY = "what RosettaSciIO reads, where it is installed"


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if RosettaSciIO is installed and one of its readers finds frames in the file."""
    if importlib.util.find_spec("rsciio") is None:
        return None
    try:
        name, _ = _signal(FileIdentity.of(path))
    except DataError:
        return None
    return f"RosettaSciIO's reader {name} finds frames in it"


def open_file(
    path: str | os.PathLike[str], request: Request, *, sig_dims: int | None = None
) -> FileDataSet:
    """A file as a data set, read by RosettaSciIO; lazily where its reader can.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.
    sig_dims : int, optional
        How many of the last axes belong to the detector; as many as the reader says when left out.

    Raises
    ------
    DataError
        If RosettaSciIO is not installed, has no reader for the file, or finds no frames.
    """
    identity = FileIdentity.of(path)
    name, signal = _signal(identity)
    data, axes = signal["data"], signal["axes"]
    scan = [i for i, axis in enumerate(axes) if axis.get("navigate")]
    detector = [i for i in range(len(axes)) if i not in scan]
    if not detector or sig_dims is not None:
        dims = 2 if sig_dims is None else sig_dims
        if not 1 <= dims <= data.ndim:
            raise DataError(f"{identity.path} holds an array of shape {data.shape}")
        scan, detector = list(range(data.ndim - dims)), list(range(data.ndim - dims, data.ndim))
    turned = data.transpose(*scan, *detector)
    nav = tuple(int(data.shape[i]) for i in scan) or (1,)
    sig = tuple(int(data.shape[i]) for i in detector)
    frames, pixels = math.prod(nav), math.prod(sig)
    storage: DaskFrames | ArrayFrames
    dtype = np.dtype(data.dtype).newbyteorder("=")
    if is_dask(turned):
        storage, step = DaskFrames(turned, nav, sig, 0, frames), 1
        step = storage.step
    else:
        storage, step = ArrayFrames(np.asarray(turned, dtype).reshape(frames, pixels)), 1
    return Stack(
        identity,
        "rosettasciio",
        f"RosettaSciIO's reader {name} finds frames in it",
        sig,
        dtype,
        (Segment(0, storage, 0, frames),),
        frames,
        nav_shape=nav,
        nav_reason=f"the navigation axes that {name} tells",
        codec="lazy" if is_dask(turned) else "in memory",
        step=step,
    ).data_set(request)


def _signal(identity: FileIdentity) -> tuple[str, dict[str, Any]]:
    """The reader that takes the file, and the largest of the arrays it finds.

    Raises
    ------
    DataError
        If there is none.
    """
    rsciio = extra("rsciio", "rosettasciio", identity.path)
    ending = Path(identity.path).suffix.lower().removeprefix(".")
    readers = [
        plugin for plugin in rsciio.IO_PLUGINS
        if ending in (known.lower() for known in plugin["file_extensions"])
    ]  # fmt: skip
    tried: list[str] = []
    for plugin in readers:
        # readers that fail leave files open, which the interpreter would complain about
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            found, trouble = _frames(plugin, identity)
        if found:
            return str(plugin["name"]), max(found, key=lambda one: math.prod(one["data"].shape))
        tried.append(trouble)
    said = "; ".join(tried) or f"it has no reader for names that end in .{ending}"
    raise DataError(f"{identity.path} cannot be read by RosettaSciIO: {said}")


def _frames(plugin: Any, identity: FileIdentity) -> tuple[list[dict[str, Any]], str]:
    """The arrays of at least two axes that a reader finds; if none, why."""
    try:
        with library_errors(identity.path, f"RosettaSciIO ({plugin['name']})"):
            found = _read(importlib.import_module(plugin["api"]), identity.path)
    except DataError as error:
        return [], str(error)
    frames = [one for one in found if getattr(one.get("data"), "ndim", 0) >= 2]
    return frames, f"its reader {plugin['name']} finds no frames"


def _read(module: Any, path: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = module.file_reader(path, lazy=True)
    except (NotImplementedError, TypeError):
        # a reader that can only read everything at once
        found = module.file_reader(path)
    return found
