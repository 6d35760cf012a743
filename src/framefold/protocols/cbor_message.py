"""CBOR messages from a network: decoded without running, sharing or copying anything needless."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import cbor2

from framefold.errors import ProtocolError
from framefold.protocols.events import Part

# Tags that cbor2 would act on and that a detector message has no use for. Dates (0, 1, 100, 1004)
# stay text or numbers, so that one which does not parse stops nothing. Big floats (4, 5), rationals
# (30), regular expressions (35) and MIME (36) can be made to compute for very long.
_LEFT_ALONE = (0, 1, 2, 3, 4, 5, 25, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000)
_SHARING = (28, 29)  # shared references: the way to cycles
_MAX_DEPTH = 32  # a start message nests 5 deep

INT = rb"(?:[\x00-\x17]|\x18.|\x19..|\x1a.{4}|\x1b.{8})"
"""Pattern of an unsigned integer."""

LENGTH = rb"(\x58.|\x59..|\x5a.{4}|\x5b.{8})"
"""Pattern of the head of a byte string of 24 bytes or more."""

# Tag 40 or 1040 [[rows, columns], typed-array tag (tag 56500 [algorithm, modifier,) bytes...
# up to the head of the byte string, which is group 1.
_BLOB = re.compile(
    rb"(?:\xd8\x28|\xd9\x04\x10)\x82\x82"
    + INT
    + INT
    + rb"\xd8[\x40-\x57](?:\xd9\xdc\xb4\x83[\x61-\x77][a-z0-9_-]{1,23}"
    + INT
    + rb")?"
    + LENGTH,
    re.DOTALL,
)
_SEARCHED = 4096  # bytes looked through for the next blob
_MOST = 200  # blobs in a message; more than any detector has channels


def stand_in(number: int) -> bytes:
    """What stands for the n-th blob of a message: as CBOR, a byte string of 16 bytes."""
    return b"\x50~framefold-blob%c" % number


def _leave(value: object, _immutable: bool) -> object:
    return value


def _refuse(_value: object, _immutable: bool) -> NoReturn:
    raise ValueError("shared references are not used by detectors")


_TAGS: dict[int, Any] = dict.fromkeys(_LEFT_ALONE, _leave) | dict.fromkeys(_SHARING, _refuse)


def decode(data: Part) -> dict[str, Any]:
    """The map that a message consists of.

    Tags of RFC 8949 are left off (a date stays text), others stay `cbor2.CBORTag`.

    Raises
    ------
    ProtocolError
        ``"bad-cbor"`` if it is not CBOR, nests too deep or has shared references,
        ``"not-a-map"``.
    """
    # Without the mark of self-described CBOR (tag 55799) cbor2 gives plain dicts and lists.
    if data[:3] == b"\xd9\xd9\xf7":
        data = memoryview(data)[3:]
    try:
        found = cbor2.loads(
            data, semantic_decoders=_TAGS, max_depth=_MAX_DEPTH, strict_hashable_types=True
        )
    except (cbor2.CBORError, ValueError, RecursionError, MemoryError) as error:
        raise ProtocolError("bad-cbor", str(error)[:200]) from error
    if not isinstance(found, dict):
        raise ProtocolError("not-a-map", f"a message that is a {type(found).__name__}")
    return found


def without_blobs(data: memoryview) -> tuple[bytes, dict[bytes, memoryview]]:
    """The message with stand-ins for the long byte strings of its arrays.

    cbor2 copies byte strings piece by piece, at about 1 GB/s (500 kB: 0.5 ms; cbor2 6.3, 2-vCPU
    virtual machine, 2025); what it does not see costs nothing.

    Parameters
    ----------
    data : memoryview
        A message.

    Returns
    -------
    bytes
        What is left.
    dict of bytes to memoryview
        Stand-in -> the byte string it stands for, a view of ``data``. The caller takes it
        only where a stand-in turns up as the content of an array: text that merely looks
        like the beginning of an array does not decode to that.
    """
    kept: list[bytes | memoryview] = []
    blobs: dict[bytes, memoryview] = {}
    position = 0
    while len(blobs) < _MOST:
        found = _BLOB.search(data, position, position + _SEARCHED)
        if found is None:
            break
        start = found.end()
        end = start + int.from_bytes(found[1][1:])
        if end > len(data):
            break
        mark = stand_in(len(blobs))
        kept += (data[position : found.start(1)], mark)
        blobs[mark[1:]] = data[start:end]
        position = end
    kept.append(data[position:])
    return b"".join(kept), blobs
