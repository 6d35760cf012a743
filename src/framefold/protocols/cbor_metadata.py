"""The start message of a CBOR stream as plain values: arrays where they are arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cbor2 import CBORSimpleValue, CBORTag, undefined

from framefold.errors import ProtocolError
from framefold.protocols.cbor_arrays import EncodedArray, image_array, typed_array

_PER_CHANNEL = ("pixel_mask", "flatfield")


def metadata(
    message: Mapping[str, Any],
    channel: str | None,
    blobs: Mapping[bytes, memoryview],
    notes: list[str],
) -> dict[str, object]:
    """What a start message holds, as values that survive pickling.

    Parameters
    ----------
    message : mapping
        The decoded message.
    channel : str or None
        The channel that is listened to.
    blobs : mapping of bytes to memoryview
        The byte strings that were left out while decoding, by their stand-ins.
    notes : list of str
        Sentences on what could not be used; gets more of them.

    Returns
    -------
    dict
        The message's own keys. Arrays are numpy arrays, read-only, or
        `EncodedArray` where compressed. ``pixel_mask`` and ``flatfield`` are those of
        ``channel``; those of all channels are in ``pixel_mask_by_channel`` and so on.
        What should be an array and is none stays as it came, and ``notes`` says so.
    """
    found = {
        key: _plain(value, key, blobs, notes) for key, value in message.items() if key != "type"
    }
    for key in _PER_CHANNEL:
        by_channel = found.get(key)
        if not isinstance(by_channel, dict):
            continue
        found[f"{key}_by_channel"] = found.pop(key)
        chosen = by_channel.get(channel, next(iter(by_channel.values()), None))
        if isinstance(chosen, bytes):
            notes.append(f"{key} of {channel} ignored: {len(chosen)} bytes that are not an array")
        elif chosen is not None:
            found[key] = chosen
    if notes:
        found["notes"] = tuple(notes)
    return found


def _plain(value: Any, where: str, blobs: Mapping[bytes, memoryview], notes: list[str]) -> object:
    if isinstance(value, CBORTag):
        return _untagged(value, where, blobs, notes)
    if isinstance(value, Mapping):
        return {k: _plain(v, f"{where}.{k}", blobs, notes) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, where, blobs, notes) for v in value]
    if isinstance(value, bytes):
        return bytes(blobs[value]) if value in blobs else value
    return None if value is undefined or isinstance(value, CBORSimpleValue) else value


def _untagged(
    tag: CBORTag, where: str, blobs: Mapping[bytes, memoryview], notes: list[str]
) -> object:
    """An array if it is one, else the value under a tag we do not know."""
    for read in (image_array, typed_array):
        try:
            array = read(tag)
        except ProtocolError as error:
            reason = error
            continue
        # copied: a start message is rare and its arrays outlive it
        data = bytes(blobs.get(array.data, array.data))
        whole = EncodedArray(array.shape, array.dtype, array.encoding, data)
        try:
            decoded = whole.decoded()
        except ValueError as error:
            notes.append(f"{where}: {error}")
            return data
        return whole if decoded is None else decoded
    if tag.tag in (40, 1040, 56500) or 64 <= tag.tag <= 87:
        notes.append(f"{where}: {reason}")
        return None
    return _plain(tag.value, where, blobs, notes)
