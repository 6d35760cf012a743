"""Scans in queries: results shown as if the scan had another shape, offset or flyback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from framefold.core.scan_rule import ScanRule
from framefold.errors import ParameterError

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "nav_shape": ("lengths of the axes, slow one first, up to two of them -1, e.g. 256,-1",),
    "sync_offset": ("frames to skip at the start, or positions to leave blank, e.g. -3",),
    "flyback": ("frames behind each line without a position",),
    "lead_in": ("frames before the first line without a position",),
    "order": ("raster", "snake"),
}
"""What says in a query how the scan ran."""


def rule_of(
    options: Mapping[str, str], known: tuple[int, ...]
) -> tuple[ScanRule, str] | tuple[None, str]:
    """The scan that a query asks for.

    Parameters
    ----------
    options : mapping of str to str
        Others than `OPTIONS` are left alone.
    known : tuple of int
        The scan shape where the query names none.

    Returns
    -------
    rule : ScanRule or None
        None if it asks for none.
    text : str
        The same as text that stands for it in entity tags.

    Raises
    ------
    ParameterError
        If a value makes no sense.
    """
    told = {name: options[name] for name in OPTIONS if name in options}
    if not told:
        return None, ""
    if "order" in told and told["order"] not in _ORDERS:
        raise ParameterError(f"order={told['order'][:40]!r}: raster or snake")
    numbers = {
        name: _whole(name, told[name]) for name in ("sync_offset", "flyback", "lead_in")
        if name in told
    }  # fmt: skip
    shape = tuple(_whole("nav_shape", n) for n in told.get("nav_shape", "").split(",") if n)
    rule = ScanRule(
        shape or known,
        numbers.get("sync_offset", 0),
        order=_ORDERS[told["order"]] if "order" in told else None,
        flyback=numbers.get("flyback"),
        lead_in=numbers.get("lead_in"),
    )
    return rule, quote("&".join(f"{name}={value}" for name, value in told.items()), safe="=&,-")


def _whole(name: str, text: str) -> int:
    try:
        found = int(text)
    except ValueError as error:
        raise ParameterError(f"{name}={text[:40]!r}: whole numbers only") from error
    if abs(found) > _LARGEST:
        raise ParameterError(f"{name}={text[:40]!r}: at most {_LARGEST}")
    return found


_ORDERS: Mapping[str, Literal["raster", "snake"]] = {"raster": "raster", "snake": "snake"}
_LARGEST = 1 << 40
