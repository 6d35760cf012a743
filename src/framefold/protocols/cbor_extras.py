"""What the open plain protocol adds to stream v2: scan, positions, checksums, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from framefold.core.scan_shapes import Guess
from framefold.errors import ProtocolError
from framefold.kernels.crc32c import crc32c
from framefold.protocols.base import MAX_FRAME, checked_count, shown

_INCOMPLETE, _FLYBACK = 1, 4  # bits of ``quality``
_MOST_AXES = 8
_ORDERS = ("raster", "snake", "hilbert", "list")


def told_scan(message: Mapping[str, Any], notes: list[str]) -> Guess | None:
    """How the scan runs, as a start message tells it.

    Parameters
    ----------
    message : mapping
        ``nav_shape``, ``scan_order``, ``flyback_frames``, ``lead_frames`` and
        ``frames_per_position``; the latter are one more axis.
    notes : list of str
        Gets a sentence on what of it cannot be used.

    Returns
    -------
    Guess or None
        None if it does not tell.
    """
    told = message.get("nav_shape")
    if told is None:
        return None
    try:
        if not isinstance(told, Sequence) or isinstance(told, str | bytes):
            raise ProtocolError("bad-shape", f"nav_shape {shown(told)} is not an array")
        shape = tuple(checked_count(side, "nav_shape") for side in told)
        count = 1
        for side in shape:
            count = min(count * side, MAX_FRAME + 1)
        if not 0 < len(shape) <= _MOST_AXES or not 0 < count <= MAX_FRAME:
            raise ProtocolError("bad-shape", f"nav_shape {shown(told)}")
        flyback, lead = (
            checked_count(message.get(key, 0), key) for key in ("flyback_frames", "lead_frames")
        )
        each = checked_count(message.get("frames_per_position", 1), "frames_per_position")
        order = message.get("scan_order", "raster")
        if order not in _ORDERS:
            raise ProtocolError("bad-value", f"scan_order {shown(order)}")
        if each != 1 and (flyback or order == "snake" or each * count > MAX_FRAME or not each):
            raise ProtocolError("bad-value", f"frames_per_position {each} with such a scan")
    except ProtocolError as error:
        notes.append(f"scan ignored: {error.detail}")
        return None
    return Guess(
        shape if each == 1 else (*shape, each),
        "told by the sender",
        "certain",
        flyback,
        lead,
        "snake" if order == "snake" else "raster",
    )


def is_ruled(message: Mapping[str, Any], scan: Guess | None) -> bool:
    """Whether a scan that was told places frames by their numbers, whatever positions they name.

    A number means the same with and without flyback frames; a position does not tell which of
    several frames at it is meant.
    """
    if scan is None:
        return False
    repeated = message.get("frames_per_position", 1) != 1
    return repeated or scan.flyback > 0 or scan.lead_in > 0 or scan.order != "raster"


def needs_positions(message: Mapping[str, Any]) -> bool:
    """Whether only the frames themselves know where they belong."""
    return message.get("scan_order") == "hilbert"


def is_left_out(message: Mapping[str, Any]) -> bool:
    """Whether the sender says that an image is none of the scan.

    Raises
    ------
    ProtocolError
        ``"incomplete"`` if it says that pixels are missing.
    """
    quality = message.get("quality", 0)
    if quality == 0:
        return False
    bits = checked_count(quality, "quality")
    if bits & _INCOMPLETE:
        raise ProtocolError("incomplete", "an image that its sender calls incomplete")
    return bool(bits & _FLYBACK)


def check_sum(told: object, channel: int, payload: memoryview) -> None:
    """Compare a channel's stored bytes with their checksum.

    Parameters
    ----------
    told : object
        ``crc32c`` of the image message: a number, or an array in the order of the channels.
    channel : int
        Which channel it is.
    payload : memoryview
        Its bytes, before decompression.

    Raises
    ------
    ProtocolError
        ``"bad-checksum"``.
    """
    if isinstance(told, list | tuple):
        if channel >= len(told):
            return  # not for this one
        told = told[channel]
    elif channel:
        return
    expected = checked_count(told, "crc32c", 2**32 - 1)
    memory = np.frombuffer(payload, np.uint8)
    memory.flags.writeable = False
    found = crc32c(memory, 0, len(memory))
    if found != expected:
        raise ProtocolError("bad-checksum", f"crc32c is {found:08x} where {expected:08x} was sent")


def told_end(message: Mapping[str, Any], started: object) -> str:
    """How an end message says that the series ended.

    Parameters
    ----------
    message : mapping
        ``reason``, ``images_sent``, ``images_dropped``, ``message_number``.
    started : object
        ``message_number`` of the start message.
    """
    reason = message.get("reason")
    told = ["end" if not isinstance(reason, str) or not reason else f"end: {reason[:200]}"]
    sent, dropped, last = (
        message.get(key) for key in ("images_sent", "images_dropped", "message_number")
    )
    if _is_count(sent):
        told.append(f"{sent} images sent")
    elif _is_count(last) and _is_count(started) and last > started:  # type: ignore[operator]
        told.append(f"{last - started - 1} images sent here")  # type: ignore[operator]
    if _is_count(dropped) and dropped:
        told.append(f"{dropped} dropped by the sender")
    return ", ".join(told)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_FRAME
