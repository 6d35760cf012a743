"""CborStream: one CBOR map a message, all channels of an exposure in it, whoever sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from cbor2 import CBORTag

from framefold.errors import ProtocolError
from framefold.protocols.base import WireProtocol, checked_count, checked_shape, seconds, shown
from framefold.protocols.cbor_arrays import image_array
from framefold.protocols.cbor_extras import (
    check_sum,
    is_left_out,
    is_ruled,
    needs_positions,
    told_end,
    told_scan,
)
from framefold.protocols.cbor_message import decode, without_blobs
from framefold.protocols.cbor_metadata import metadata
from framefold.protocols.cbor_pattern import CborImagePattern
from framefold.protocols.encodings import check_size
from framefold.protocols.events import Arrived, Ended, Event, Part, Started

_DTYPES = {
    f"{kind}{bits}": np.dtype(f"{kind}{bits}") for kind in ("uint", "int") for bits in (8, 16, 32)
} | {"float32": np.dtype("float32")}

# Compiling a pattern costs as much as decoding 50 messages, and a series in which something
# else changes from image to image (an appendix) would need one for each.
_LESSONS = 8


class CborStream(WireProtocol):
    """DECTRIS SIMPLON stream v2, and what others made of it.

    All of these languages are read alike: keys and message types that one of them adds are used
    where they are present, whatever the language at hand is called.

    Parameters
    ----------
    channel : str or None
        Name of the channel to take; by default the first that the start message lists, and
        without one the first of the image message.

    Notes
    -----
    dectris/documentation, stream_v2; Jungfraujoch, docs/CBOR.md; docs/reference/plain.md here.
    Unknown keys are passed over; every key but ``type`` and the identity of the series may be
    absent.
    """

    def __init__(self, channel: str | None = None) -> None:
        super().__init__(channel)
        self._series = ""  # of the last start message
        self._channels: tuple[str, ...] = ()
        self._ruled = False  # whether frames of that series are placed by their numbers alone
        self._needs_positions = False
        self._first_message: object = None  # its number
        self._pattern: CborImagePattern | None = None
        self._lessons = 0  # patterns made since the last start message

    @classmethod
    def understands(cls, first_part: Part) -> bool:
        """Whether the part begins like a CBOR map, self-described or not."""
        return begins_cbor(first_part)

    def feed(self, parts: Sequence[Part]) -> tuple[Event, ...]:
        """What one message tells.

        Parameters
        ----------
        parts : sequence of bytes or memoryview
            The message: a single part.

        Returns
        -------
        tuple of Started, Arrived or Ended
            `Arrived.payload` shares memory with the part. Nothing for the types of message
            that Jungfraujoch adds.

        Raises
        ------
        ProtocolError
            If the message cannot be used; the object stays usable for the next one.
        """
        if len(parts) != 1:
            raise ProtocolError("missing-part", f"a message of {len(parts)} parts, not one")
        whole = memoryview(parts[0])
        if self._pattern is not None:
            arrived = self._pattern.match(whole)
            if arrived is not None:
                return (arrived,)
        small, blobs = without_blobs(whole)
        if blobs:
            try:
                message = decode(small)
                events = self._events(message, blobs)
            except ProtocolError:
                # Either the message is bad, which the second look will tell in its own words,
                # or something in it merely looked like the beginning of an array.
                pass
            else:
                self._learn(small, message, blobs, events)
                return events
        return self._events(decode(whole), {})

    @property
    def pattern(self) -> CborImagePattern | None:
        """What images of the series at hand have in common; None while that is not known."""
        return self._pattern

    def _learn(
        self,
        small: bytes,
        message: Mapping[str, object],
        blobs: Mapping[bytes, memoryview],
        events: Sequence[Event],
    ) -> None:
        """Prepare to know the next image of this series by its bytes."""
        if self._lessons >= _LESSONS:
            return
        for event in events:
            if isinstance(event, Arrived):
                self._lessons += 1
                chosen = [i for i, blob in enumerate(blobs.values()) if blob is event.payload]
                try:
                    self._pattern = CborImagePattern(
                        small, message, len(blobs), chosen[0], event,
                        self._number_key(event.series, message),
                    )  # fmt: skip
                except (ValueError, IndexError):
                    self._lessons = _LESSONS  # laid out in some other way: decode every message

    def _events(
        self, message: dict[str, Any], blobs: Mapping[bytes, memoryview]
    ) -> tuple[Event, ...]:
        kind = message.get("type")
        if kind == "image":
            return () if is_left_out(message) else (self._arrived(message, blobs),)
        if kind == "start":
            return (self._started(message, blobs),)
        if kind == "end":
            series = self._identity(message)
            first = self._first_message if series == self._series else None
            return (Ended(series, told_end(message, first)),)
        if kind in ("calibration", "metadata"):
            return ()
        raise ProtocolError("unknown-message", f"type {shown(kind)}")

    def _arrived(self, message: dict[str, Any], blobs: Mapping[bytes, memoryview]) -> Arrived:
        series = self._identity(message)
        frame = self._number(series, message)
        data = _untagged(message.get("data"))
        channel = self._chosen(series, data)
        array = image_array(data[channel])
        payload = blobs.get(array.data)
        if payload is None:
            if blobs:
                raise ProtocolError("bad-cbor", "a byte string within a byte string")
            payload = memoryview(array.data)
        h, w = array.shape
        check_size(array.encoding, len(payload), h * w * array.dtype.itemsize)
        if "crc32c" in message:
            check_sum(message["crc32c"], list(data).index(channel), payload)
        return Arrived(series, frame, payload, array.encoding, (h, w), array.dtype)

    def _number(self, series: str, message: Mapping[str, object]) -> int:
        """What a frame is placed by."""
        key = self._number_key(series, message)
        if key not in message:
            raise ProtocolError("missing-key", f"an image message without {key}")
        return checked_count(message[key], key)

    def _number_key(self, series: str, message: Mapping[str, object]) -> str:
        """A frame is placed by its position, if it names one and no rule was told."""
        is_known = series == self._series
        if "position_id" in message and not (is_known and self._ruled):
            return "position_id"
        return "position_id" if is_known and self._needs_positions else "image_id"

    def _chosen(self, series: str, data: Mapping[str, object]) -> str:
        """The channel we listen to."""
        channel = self.channel
        if channel is None:
            # the start message of another series says nothing of this one
            known = self._channels if series == self._series else ()
            channel = known[0] if known else next(iter(data))
        if channel not in data:
            raise ProtocolError("unknown-channel", _no_channel(channel, data))
        return channel

    def _identity(self, message: dict[str, Any]) -> str:
        unique = message.get("series_unique_id")
        if isinstance(unique, str) and unique:
            return unique
        number = message.get("series_id")
        if number is None:
            raise ProtocolError("missing-key", "neither series_unique_id nor series_id")
        return str(checked_count(number, "series_id"))

    def _started(self, message: dict[str, Any], blobs: Mapping[bytes, memoryview]) -> Started:
        series = self._identity(message)
        listed = message.get("channels")
        channels = (
            tuple(c for c in listed if isinstance(c, str)) if isinstance(listed, list) else ()
        )
        if self.channel is not None and channels and self.channel not in channels:
            raise ProtocolError("unknown-channel", _no_channel(self.channel, channels))
        h, w = message.get("image_size_y"), message.get("image_size_x")
        frames = message.get("number_of_images")
        name = message.get("image_dtype")
        notes: list[str] = []
        scan = told_scan(message, notes)
        started = Started(
            series=series,
            number=checked_count(message.get("series_id", 0), "series_id"),
            sig_shape=None if h is None or w is None else checked_shape(h, w),
            dtype=_DTYPES.get(name) if isinstance(name, str) else None,
            frames=None if frames is None else checked_count(frames, "number_of_images"),
            channels=channels,
            frame_time=seconds(message.get("frame_time", message.get("dwell_time"))),
            metadata=metadata(message, self.channel or next(iter(channels), None), blobs, notes),
            scan=scan,
        )
        self._ruled, self._needs_positions = is_ruled(message, scan), needs_positions(message)
        self._first_message = message.get("message_number")
        self._series, self._channels = series, channels
        self._pattern, self._lessons = None, 0  # another channel may be the first now
        return started


def begins_cbor(part: Part) -> bool:
    """Whether a part begins like a CBOR map, self-described or not."""
    # recordings exist of start messages without the mark
    return bytes(part[:3]) == b"\xd9\xd9\xf7" or 0xA0 <= (part[:1] or b"\0")[0] <= 0xBF


def _untagged(data: object) -> Mapping[str, object]:
    """The images of a message by channel."""
    while isinstance(data, CBORTag):
        data = data.value
    if not isinstance(data, Mapping) or not data:
        raise ProtocolError("missing-key", "an image message without data")
    return data


def _no_channel(channel: object, known: object) -> str:
    listed = ", ".join(str(name)[:40] for name in list(known)[:20])  # type: ignore[call-overload]
    return f"no channel {shown(channel)}; there are {listed}"
