"""Messages that say something else than they did: another number of frames, another pixel type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cbor2
from cbor2 import CBORTag

from framefold.protocols import Part

_SELF_DESCRIBED = b"\xd9\xd9\xf7"
_MISTAKEN = {"uint8": "uint16", "uint16": "uint32", "uint32": "uint16"}
_MISTAKEN_TAGS = {64: 69, 69: 70, 70: 69}  # uint8, uint16, uint32 of RFC 8746


def recounted(header: Sequence[Part], announced: Callable[[int], int]) -> list[Part]:
    """A header that promises another number of frames.

    Parameters
    ----------
    header : sequence of parts
        Of stream v1 or v2, or the plain protocol; of others it comes back as it is.
    announced : callable
        Told how many frames it promises; how many it is to promise.
    """

    def change(facts: dict[str, Any]) -> dict[str, Any]:
        if "nimages" in facts:
            count = announced(int(facts["nimages"]) * int(facts.get("ntrigger", 1)))
            return facts | {"nimages": count, "ntrigger": 1}
        for key in ("number_of_images", "frames"):
            if isinstance(facts.get(key), int):
                return facts | {key: announced(facts[key])}
        return facts

    return _changed(header, change)


def mislabelled(image: Sequence[Part]) -> list[Part]:
    """An image that names another pixel type than it has.

    Parameters
    ----------
    image : sequence of parts
        As for `recounted`.
    """

    def change(facts: dict[str, Any]) -> dict[str, Any]:
        for key in ("type", "dtype"):
            if facts.get(key) in _MISTAKEN:
                return facts | {key: _MISTAKEN[facts[key]]}
        return facts | {"data": _retagged(facts["data"])} if "data" in facts else facts

    return _changed(image, change)


def _retagged(value: Any) -> Any:
    """Data of stream v2 with every typed array taken for one of another type."""
    if isinstance(value, CBORTag):
        return CBORTag(_MISTAKEN_TAGS.get(value.tag, value.tag), _retagged(value.value))
    if isinstance(value, Mapping):
        return {key: _retagged(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_retagged(item) for item in value]
    return value


def _changed(
    parts: Sequence[Part], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[Part]:
    """The message with each of its mappings changed; what cannot be read stays as it is."""
    return [_rewritten(part, change) for part in parts]


def _rewritten(part: Part, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Part:
    content = bytes(part)
    if content[:1] == b"{":
        try:
            facts = json.loads(content)
        except ValueError:
            return part
        return json.dumps(change(facts), separators=(",", ":")).encode()
    if content[:3] != _SELF_DESCRIBED and (content[:1] or b"\0")[0] >> 5 != 5:
        return part
    try:
        told = cbor2.loads(content.removeprefix(_SELF_DESCRIBED))
    except (cbor2.CBORDecodeError, ValueError):
        return part  # pixels may begin with any byte
    return _SELF_DESCRIBED + cbor2.dumps(change(told)) if isinstance(told, dict) else part
