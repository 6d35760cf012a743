"""Results as bytes by media type: the table of representations, imported when asked for."""

from __future__ import annotations

from framefold.registry import Registry
from framefold.representations.representation import Representation

_TABLE = {
    "npy": "framefold.representations.npy:NPY",
    "json": "framefold.representations.json_:JSON",
    "png": "framefold.representations.png:PNG",
    "raw": "framefold.representations.raw:RAW",
}
_REGISTRY = Registry("representation", _TABLE, group="framefold.representations")

__all__ = ["Representation", "names", "representation"]


def names() -> tuple[str, ...]:
    """All names, which are the suffixes in a path too; in the order we prefer them."""
    return tuple(sorted(_REGISTRY.names(), key=_preference))


def representation(name: str) -> Representation:
    """The representation of that name, imported now if it was not before.

    Raises
    ------
    UnknownNameError
        If there is none of that name; it names the nearest one.
    """
    found: Representation = _REGISTRY.load(name)
    return found


def _preference(name: str) -> tuple[int, str]:
    known = list(_TABLE)
    return (known.index(name) if name in _TABLE else len(known), name)
