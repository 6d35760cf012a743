"""Facts as JSON that every parser reads: no NaN, no huge integers, no surprises from a detector."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum

import numpy as np
import orjson

_DEPTH = 8  # a status page that nests deeper than this is hostile or broken
_ITEMS = 1000
_TEXT = 10_000


def dumps(value: object) -> bytes:
    """Any plain value as JSON text; what JSON cannot say is said in words.

    Parameters
    ----------
    value : object
        Mappings, sequences, numbers, text, numpy values. Deeper nesting than 8, sequences and
        mappings beyond 1000 items and texts beyond 10000 characters are cut: parts of it may
        come straight from a detector.
    """
    return orjson.dumps(_plain(value, _DEPTH), option=orjson.OPT_APPEND_NEWLINE)


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339, in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds")


def _plain(value: object, depth: int) -> object:
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)  # numpy's too; orjson writes NaN and infinities as null
    if isinstance(value, int):
        # JSON numbers beyond 53 bits are no longer the same number in most readers
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, np.ndarray) and value.size > _ITEMS:
        # a detector's pixel mask has millions of items: made into a list, it stalls everybody
        return f"{value.dtype} array of shape {value.shape}"
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist(), depth)
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_ITEMS]
        return {_text(str(k)): _plain(v, depth - 1) for k, v in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v, depth - 1) for v in list(value)[:_ITEMS]]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{memoryview(value).nbytes} bytes"
    return _text(str(value))


def _text(text: str) -> str:
    # lone surrogates are no Unicode text; orjson refuses them
    return text[:_TEXT].encode("utf-8", "replace").decode("utf-8")
