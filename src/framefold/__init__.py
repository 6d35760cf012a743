"""Run user-defined functions on a pixelated detector's frames, live or from a file.

The public names are imported when they are first used, so that ``import framefold`` and the
command line stay quick.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from framefold.registry import load_target

if TYPE_CHECKING:
    from framefold.analyses.com import CoMUDF
    from framefold.analyses.masks import ApplyMasksUDF
    from framefold.analyses.pick import PickUDF
    from framefold.analyses.sum import SumUDF
    from framefold.analyses.sumsig import SumSigUDF
    from framefold.analyses.virtual_detector import VirtualDetectorUDF
    from framefold.api import Context, LiveContext
    from framefold.connections import Hooks
    from framefold.engine.limits import Limits
    from framefold.errors import FramefoldError
    from framefold.formats.memory import ArrayDataSet
    from framefold.udf import UDF

_PUBLIC = {
    "ApplyMasksUDF": "framefold.analyses.masks",
    "ArrayDataSet": "framefold.formats.memory",
    "CoMUDF": "framefold.analyses.com",
    "Context": "framefold.api",
    "FramefoldError": "framefold.errors",
    "Hooks": "framefold.connections",
    "Limits": "framefold.engine.limits",
    "LiveContext": "framefold.api",
    "PickUDF": "framefold.analyses.pick",
    "SumSigUDF": "framefold.analyses.sumsig",
    "SumUDF": "framefold.analyses.sum",
    "UDF": "framefold.udf",
    "VirtualDetectorUDF": "framefold.analyses.virtual_detector",
}

__all__ = [
    "UDF",
    "ApplyMasksUDF",
    "ArrayDataSet",
    "CoMUDF",
    "Context",
    "FramefoldError",
    "Hooks",
    "Limits",
    "LiveContext",
    "PickUDF",
    "SumSigUDF",
    "SumUDF",
    "VirtualDetectorUDF",
]

try:
    __version__ = version("framefold")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'framefold' has no attribute {name!r}")
    return load_target(f"{_PUBLIC[name]}:{name}")
