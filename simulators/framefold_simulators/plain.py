"""Messages of the open plain protocol: stream v2 with scan, positions, checksums; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from numpy.typing import NDArray

from framefold_simulators import simplon_v2
from framefold_simulators.encode import encoded
from framefold_simulators.series import Series
from framefold_simulators.simplon_v1 import as_json

CODECS = simplon_v2.CODECS
"""Compression as people name it -> how a blob of this protocol is made."""

PROFILE = "framefold-plain 1"


def messages(
    series: Series, frames: Iterable[tuple[int, bytes | Sequence[bytes]]]
) -> Iterator[list[bytes]]:
    """A whole series, see `framefold_simulators.simplon_v2.messages`."""
    yield header(series)
    for frame, blobs in frames:
        yield image(series, frame, blobs)
    yield end(series)


def of_stack(series: Series, stack: NDArray[Any]) -> Iterator[list[bytes]]:
    """A whole series from decoded frames, shape (n, rows, columns), in order."""
    return messages(series, enumerate(encoded(stack, CODECS[series.compression])))


def header(series: Series) -> list[bytes]:
    """The start message: that of stream v2, and how the scan runs."""
    content = simplon_v2.start_content(series) | {
        "stream_profile": PROFILE,
        "nav_shape": list(series.scan),
        "scan_order": "raster",
        "dwell_time": series.frame_time,
        "message_number": 0,
        "experiment": {"voltage": 200_000, "camera_length": 0.23},
    }
    return [simplon_v2.as_message(content)]


def image(series: Series, frame: int, blobs: bytes | Sequence[bytes]) -> list[bytes]:
    """One image message with all channels; frame and position are the same number."""
    if isinstance(blobs, bytes):
        blobs = [blobs] * len(series.channels)
    content = simplon_v2.image_content(series, frame, blobs)
    data = content.pop("data")
    content |= {"position_id": frame, "message_number": frame + 1}
    if series.checksums:
        sums = [crc32c(blob) for blob in blobs]
        content["crc32c"] = sums if len(sums) > 1 else sums[0]
    return [simplon_v2.as_message(content | {"data": data})]


def end(series: Series, sent: int | None = None, reason: str = "complete") -> list[bytes]:
    """The end of the series: how it came about, and how many images there were."""
    count = series.count if sent is None else sent
    content = {
        "type": "end",
        "series_id": series.number,
        "series_unique_id": series.unique_id,
        "images_sent": count,
        "images_dropped": 0,
        "message_number": count + 1,
        "reason": reason,
    }
    return [simplon_v2.as_message(content)]


def array_of(series: str, frame: int, pixels: NDArray[Any]) -> list[bytes]:
    """A frame in the JSON form that scripts may send: one message of two parts."""
    return [
        as_json(
            htype="array",
            dtype=pixels.dtype.str,
            shape=list(pixels.shape),
            frame=frame,
            series=series,
        ),
        pixels.tobytes(),
    ]


@lru_cache(maxsize=4096)
def crc32c(blob: bytes) -> int:
    """The CRC-32C of a blob; slow, and kept, since blobs are sent again and again."""
    crc = 0xFFFFFFFF
    for byte in blob:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901
        table.append(value)
    return table


_TABLE = _table()
