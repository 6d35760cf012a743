"""Arrays in CBOR: RFC 8746 typed arrays, and DECTRIS' tag for compressed byte strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from cbor2 import CBORTag
from numpy.typing import NDArray

from framefold.core.encoding import Encoding
from framefold.errors import ProtocolError
from framefold.protocols.base import checked_shape, shown
from framefold.protocols.encodings import stream_v2_encoding

ROW_MAJOR = 40
COLUMN_MAJOR = 1040
COMPRESSED = 56500

# RFC 8746, section 2.1: tag -> element type in machine order, whether the bytes are big-endian.
# 83 and 87 (128-bit floats) are left out, numpy has no such type everywhere; 76 is reserved.
_ELEMENTS: dict[int, tuple[np.dtype[Any], bool]] = {
    64: (np.dtype("u1"), False),
    68: (np.dtype("u1"), False),  # clamped
    72: (np.dtype("i1"), False),
    **{65 + i: (np.dtype(f"u{2 << i}"), True) for i in range(3)},
    **{69 + i: (np.dtype(f"u{2 << i}"), False) for i in range(3)},
    **{73 + i: (np.dtype(f"i{2 << i}"), True) for i in range(3)},
    **{77 + i: (np.dtype(f"i{2 << i}"), False) for i in range(3)},
    **{80 + i: (np.dtype(f"f{2 << i}"), True) for i in range(3)},
    **{84 + i: (np.dtype(f"f{2 << i}"), False) for i in range(3)},
}


@dataclass(frozen=True, slots=True)
class EncodedArray:
    """An array as it came, its pixels still encoded.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns), or (elements,).
    dtype : numpy.dtype
        Element type, machine byte order.
    encoding : Encoding
        How to decode ``data``.
    data : bytes
        The encoded elements.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    encoding: Encoding
    data: bytes

    def decoded(self) -> NDArray[Any] | None:
        """The elements, read-only, if they are not compressed; else None."""
        if self.encoding.codec != "raw":
            return None
        stored = np.frombuffer(
            self.data, self.dtype.newbyteorder(">" if self.encoding.big_endian else "<")
        )
        found = stored.astype(self.dtype, copy=False).reshape(self.shape)
        found.flags.writeable = False
        return found


def image_array(value: object) -> EncodedArray:
    """A two-dimensional array: tag 40 of [[rows, columns], typed array].

    Parameters
    ----------
    value : object
        What the CBOR decoder made of it.

    Raises
    ------
    ProtocolError
        ``"not-an-array"``, ``"bad-shape"``, ``"unknown-dtype"``, ``"size-mismatch"``,
        ``"unsupported-layout"`` for a column-major array, or as `stream_v2_encoding`.
    """
    if not isinstance(value, CBORTag) or value.tag not in (ROW_MAJOR, COLUMN_MAJOR):
        raise ProtocolError("not-an-array", f"{_named(value)} where tag 40 was expected")
    content = value.value
    if not isinstance(content, list | tuple) or len(content) != 2:
        raise ProtocolError("not-an-array", f"tag {value.tag} around {_named(content)}")
    sides, typed = content
    if not isinstance(sides, list | tuple) or len(sides) != 2:
        raise ProtocolError("bad-shape", f"shape {shown(sides)} of an image")
    shape = checked_shape(*sides)
    # one row or one column lies in memory the same way in both orders
    if value.tag == COLUMN_MAJOR and 1 not in shape:
        raise ProtocolError("unsupported-layout", "a column-major image")
    return _typed(typed, shape)


def typed_array(value: object) -> EncodedArray:
    """A one-dimensional typed array, without tag 40; errors as `image_array`."""
    return _typed(value, None)


def _typed(value: object, shape: tuple[int, int] | None) -> EncodedArray:
    if not isinstance(value, CBORTag):
        raise ProtocolError("not-an-array", f"{_named(value)} where a typed array was expected")
    element = _ELEMENTS.get(value.tag)
    if element is None:
        raise ProtocolError("unknown-dtype", f"typed-array tag {value.tag}")
    dtype, big_endian = element
    data = value.value
    encoding = Encoding("raw", big_endian)
    if isinstance(data, CBORTag) and data.tag == COMPRESSED:
        parts = data.value
        if not isinstance(parts, list | tuple) or len(parts) != 3:
            raise ProtocolError("not-an-array", f"tag {COMPRESSED} around {_named(parts)}")
        algorithm, modifier, data = parts
        encoding = stream_v2_encoding(algorithm, modifier, dtype, big_endian)
    if not isinstance(data, bytes):
        raise ProtocolError("not-an-array", f"{_named(data)} where a byte string was expected")
    if shape is None:
        return EncodedArray((len(data) // dtype.itemsize,), dtype, encoding, data)
    return EncodedArray(shape, dtype, encoding, data)


def _named(value: object) -> str:
    return f"tag {value.tag}" if isinstance(value, CBORTag) else f"a {type(value).__name__}"
