"""A data set as a DECTRIS detector would have sent it: messages of stream v1 or v2."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import numpy as np
from cbor2 import CBORTag
from numpy.typing import NDArray

from framefold.replay.plain_frames import PlainFrame
from framefold.replay.played_series import PlayedSeries

_TYPED = {"uint8": 64, "uint16": 69, "uint32": 70, "int8": 72, "int16": 77, "int32": 78,
          "float32": 85}  # fmt: skip
PLAIN_PROFILE = "framefold-plain 1"
_CHANNEL = "threshold_1"
_LZ4_HEAD_BYTES = 16
_TICKS = 50_000_000  # per second, the denominator of all times in stream v2


def as_v1(source: PlayedSeries) -> Iterator[list[bytes]]:
    """The messages of stream v1.

    Parameters
    ----------
    source : PlayedSeries

    Yields
    ------
    list of bytes
        The parts of the next message.
    """
    source.require(_TYPED, "DECTRIS detector")
    yield _v1_header(source)
    h, w = source.sig_shape
    for frame in source.frames():
        made = _v1_payload(source, frame)
        if made is None:
            continue
        encoding, payload = made
        moment = round(frame.number * (source.frame_time or 0.0) * 1e9)
        yield [
            _json(htype="dimage-1.0", series=source.series, frame=frame.number, hash=""),
            _json(
                htype="dimage_d-1.0",
                shape=[w, h],
                type=source.dtype.name,
                encoding=encoding,
                size=len(payload),
            ),
            payload,
            _json(htype="dconfig-1.0", start_time=moment, stop_time=moment, real_time=0),
        ]
    yield [_json(htype="dseries_end-1.0", series=source.series)]


def _v1_header(source: PlayedSeries) -> list[bytes]:
    mask, (h, w) = source.mask, source.sig_shape
    nimages, ntrigger = source.triggers
    detail = "basic" if mask is None else "all"
    config = {
        "bit_depth_image": 8 * source.dtype.itemsize,
        "description": f"replay of {source.known.source}",
        "nimages": nimages,
        "ntrigger": ntrigger,
        "trigger_mode": "exts",
        "x_pixels_in_detector": w,
        "y_pixels_in_detector": h,
        "pixel_mask_applied": mask is not None,
        **({"frame_time": source.frame_time} if source.frame_time else {}),
    }
    parts = [
        _json(htype="dheader-1.0", series=source.series, header_detail=detail),
        json.dumps(config).encode(),
    ]
    if mask is not None:
        tables: tuple[tuple[str, NDArray[Any]], ...] = (
            ("dflatfield-1.0", np.ones((h, w), "<f4")),
            ("dpixelmask-1.0", mask.astype("<u4")),
            ("dcountrate_table-1.0", np.zeros((2, 2), "<f4")),
        )
        for htype, table in tables:
            kind = table.dtype.newbyteorder("=").name
            parts += [_json(htype=htype, shape=list(table.shape[::-1]), type=kind), table.tobytes()]
    return parts


def _v1_payload(source: PlayedSeries, frame: PlainFrame) -> tuple[str, bytes] | None:
    codec, order = frame.encoding.codec, ">" if frame.encoding.big_endian else "<"
    if codec == "bslz4":
        return f"bs{8 * source.dtype.itemsize}-lz4{order}", frame.payload
    if codec == "lz4":
        return f"lz4{order}", frame.payload
    if codec == "lz4-framed":
        bare = _bare_lz4(frame.payload)
        if bare is not None:
            return f"lz4{order}", bare
        raw = source.raw(frame)
        return None if raw is None else ("<", raw)
    return order, frame.payload


def _bare_lz4(payload: bytes) -> bytes | None:
    """The block of a frame that is a single compressed one; None for others."""
    total, block, length = (
        int.from_bytes(payload[a:b], "big") for a, b in ((0, 8), (8, 12), (12, 16))
    )
    alone = block >= total and length == len(payload) - _LZ4_HEAD_BYTES
    return payload[_LZ4_HEAD_BYTES:] if alone and length != total else None


def _json(**keys: object) -> bytes:
    return json.dumps(keys, separators=(",", ":")).encode()


def as_v2(source: PlayedSeries) -> Iterator[list[bytes]]:
    """The messages of stream v2.

    Parameters
    ----------
    source : PlayedSeries

    Yields
    ------
    list of bytes
        The single part of the next message.
    """
    return _cbor_series(source, lambda kind, number, count: {})  # noqa: ARG005


def as_plain(source: PlayedSeries) -> Iterator[list[bytes]]:
    """The messages of the open plain protocol: stream v2 that tells the scan and counts.

    Parameters
    ----------
    source : PlayedSeries

    Yields
    ------
    list of bytes
        The single part of the next message.
    """
    scan = source.known.scan
    # where frame numbers are positions; else the receiver must be told the scan
    tells = scan.is_plain and not scan.sync_offset
    said = {"nav_shape": list(scan.shape), "scan_order": "raster"} if tells else {}

    def more(kind: str, number: int, count: int) -> dict[str, object]:
        counted: dict[str, object] = {"message_number": count}
        if kind == "start":
            return {"stream_profile": PLAIN_PROFILE, **said, **counted}
        if kind == "image":
            return counted | ({"position_id": number} if tells else {})
        return counted | {"images_sent": count - 1, "images_dropped": 0, "reason": "complete"}

    return _cbor_series(source, more)


def _cbor_series(
    source: PlayedSeries, more: Callable[[str, int, int], dict[str, object]]
) -> Iterator[list[bytes]]:
    """A series in CBOR; ``more`` of a kind of message, a frame, and a count of messages."""
    source.require(_TYPED, "DECTRIS detector")
    unique = f"framefold-replay-{source.series}-{time.time_ns():x}"
    who = {"series_id": source.series, "series_unique_id": unique}
    yield [_cbor({"type": "start", **who, **_v2_start(source), **more("start", 0, 0)})]
    ticks = round((source.frame_time or 0.0) * _TICKS)
    count = 1
    for frame in source.frames():
        array = _v2_array(source, frame)
        if array is None:
            continue
        image = {
            "type": "image",
            **who,
            "image_id": frame.number,
            "real_time": [0, _TICKS],
            "start_time": [frame.number * ticks, _TICKS],
            "stop_time": [frame.number * ticks, _TICKS],
            **more("image", frame.number, count),
            "data": {_CHANNEL: array},
        }
        yield [_cbor(image)]
        count += 1
    yield [_cbor({"type": "end", **who, **more("end", 0, count)})]


def _v2_start(source: PlayedSeries) -> dict[str, object]:
    h, w = source.sig_shape
    told: dict[str, object] = {
        "channels": [_CHANNEL],
        "detector_description": f"replay of {source.known.source}",
        "image_dtype": source.dtype.name,
        "image_size_x": w,
        "image_size_y": h,
        "number_of_images": source.promised,
    }
    if source.frame_time:
        told["frame_time"] = source.frame_time
    if source.mask is not None:
        mask = CBORTag(40, [[h, w], CBORTag(_TYPED["uint32"], source.mask.astype("<u4").tobytes())])
        told["pixel_mask"] = {_CHANNEL: mask}
    return told


def _v2_array(source: PlayedSeries, frame: PlainFrame) -> CBORTag | None:
    codec, payload = frame.encoding.codec, frame.payload
    content: object = payload
    if codec == "lz4" or frame.encoding.big_endian:
        raw = source.raw(frame)
        if raw is None:
            return None
        content = raw
    elif codec == "bslz4":
        content = CBORTag(56500, ["bslz4", source.dtype.itemsize, payload])
    elif codec == "lz4-framed":
        content = CBORTag(56500, ["lz4", 0, payload])
    typed = CBORTag(_TYPED[source.dtype.name], content)
    return CBORTag(40, [list(source.sig_shape), typed])


def _cbor(content: dict[str, object]) -> bytes:
    return b"\xd9\xd9\xf7" + cbor2.dumps(content)
