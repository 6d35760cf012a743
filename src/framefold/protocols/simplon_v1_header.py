"""The global header of SIMPLON stream v1: its parts, gathered, and what they say of the series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from framefold.errors import ProtocolError
from framefold.protocols.base import checked_count, checked_shape, seconds, shown
from framefold.protocols.events import Part, Started

_PARTS = {"none": 1, "basic": 2, "all": 8}  # an appendix may follow
_DEPTHS = {8: "uint8", 16: "uint16", 32: "uint32"}
_TABLES = {
    # by the end of the htype: a simulator in the field leaves out the leading "d"
    "flatfield-1.0": "flatfield",
    "pixelmask-1.0": "pixel_mask",
    "countrate_table-1.0": "countrate_table",
}
_ONE_EACH = ("exte", "inte")  # trigger modes with one image a trigger, whatever nimages says
_config = msgspec.json.Decoder(dict[str, Any])


class _Table(msgspec.Struct):
    """A JSON part that describes the binary part behind it."""

    htype: str
    shape: list[int] = []
    type: str = ""


_table = msgspec.json.Decoder(_Table)


class Header:
    """A global header whose parts come in one message or in several.

    Parameters
    ----------
    series : int
        The series it announces.
    detail : str
        ``header_detail`` as part 0 tells it: ``none``, ``basic``, ``all``.
    """

    def __init__(self, series: int, detail: str) -> None:
        self.series = series
        self.detail = detail
        self._config: dict[str, Any] = {}
        self._shape: tuple[int, int] | None = None
        self._frames: int | None = None
        self._parts: list[bytes] = []  # those behind the configuration
        self._seen = 1  # part 0 was

    def add(self, parts: Iterable[Part]) -> None:
        """Take further parts, in order.

        Raises
        ------
        ProtocolError
            If the configuration part is not JSON or has absurd values.
        """
        for part in parts:
            if self._seen == 1 and self.detail != "none":
                self._configure(part)
            else:
                # copied: a header outlives its message by far, and there is one in a series
                self._parts.append(bytes(part))
            self._seen += 1

    def _configure(self, part: Part) -> None:
        try:
            config = _config.decode(part)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProtocolError("bad-json", f"part 1 of a header: {error}") from error
        self._shape = _shape(config)
        self._frames = _frames(config)
        self._config = config

    @property
    def is_complete(self) -> bool:
        """Whether all parts that its detail level promises are there."""
        return self._seen >= _PARTS.get(self.detail, 1)

    @property
    def awaits_blob(self) -> bool:
        """Whether the next part is one of the binary ones."""
        return self.detail == "all" and self._seen in (3, 5, 7)

    def started(self) -> Started:
        """What the parts that came say of the series."""
        notes: list[str] = []
        metadata: dict[str, object] = {**self._config, "header_detail": self.detail}
        _add_tables(metadata, self._parts, notes)
        if notes:
            metadata["notes"] = tuple(notes)
        depth = self._config.get("bit_depth_image")
        name = _DEPTHS.get(depth) if isinstance(depth, int) else None
        return Started(
            series=str(self.series),
            number=self.series,
            sig_shape=self._shape,
            dtype=np.dtype(name) if name else None,
            frames=self._frames,
            frame_time=seconds(self._config.get("frame_time")),
            metadata=metadata,
        )


def _add_tables(metadata: dict[str, object], parts: list[bytes], notes: list[str]) -> None:
    """Flat field, mask and count-rate table as arrays, the appendix as text or bytes."""
    waiting: _Table | None = None
    for part in parts:
        if waiting is not None:
            _add_table(metadata, waiting, part, notes)
            waiting = None
            continue
        waiting = _described(part)
        if waiting is None:
            metadata["header_appendix"] = _readable(part)
    if waiting is not None:
        notes.append(f"nothing follows {waiting.htype[:40]}")


def _described(part: bytes) -> _Table | None:
    if part[:1] != b"{" or len(part) > 4096:
        return None
    try:
        table = _table.decode(part)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None  # JSON of the user's own: an appendix
    return table if table.htype.endswith(tuple(_TABLES)) else None


def _add_table(metadata: dict[str, object], table: _Table, part: bytes, notes: list[str]) -> None:
    name = next(name for end, name in _TABLES.items() if table.htype.endswith(end))
    try:
        # shapes are written fastest axis first
        w, h = table.shape
        shape = checked_shape(h, w)
        dtype = np.dtype({"float32": "<f4", "uint32": "<u4"}[table.type])
    except (ValueError, KeyError):
        notes.append(f"{name} of shape {shown(table.shape)} and type {table.type[:40]!r} ignored")
        return
    expected = shape[0] * shape[1] * dtype.itemsize
    if len(part) != expected:
        notes.append(f"{name} ignored: {len(part)} bytes where its shape needs {expected}")
        return
    metadata[name] = np.frombuffer(part, dtype).reshape(shape)


def _readable(part: bytes) -> object:
    """An appendix as its sender may have meant it: text, else bytes as they are."""
    try:
        return part.decode()
    except UnicodeDecodeError:
        return part


def _shape(config: dict[str, Any]) -> tuple[int, int] | None:
    h, w = config.get("y_pixels_in_detector"), config.get("x_pixels_in_detector")
    # these are the whole sensor's; with a region of interest only the images tell
    if h is None or w is None or config.get("roi_mode") not in (None, "", "disabled"):
        return None
    return checked_shape(h, w)


def _frames(config: dict[str, Any]) -> int | None:
    triggers = config.get("ntrigger")
    images = 1 if config.get("trigger_mode") in _ONE_EACH else config.get("nimages")
    if images is None or triggers is None:
        return None
    return checked_count(images, "nimages") * checked_count(triggers, "ntrigger")
