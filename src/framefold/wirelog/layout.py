"""How a wire log lies in its file; no I/O.

All numbers are little-endian::

    0    magic (8 bytes) | version u32 | length of the facts u32 | CRC-32 of the facts u32
    20   facts about the log, JSON

then for each message::

    0    mark u32 | CRC-32 u32 of all that follows | length of the body u64
    16   monotonic time u64 [ns] | wall time u64 [ns since 1970-01-01 UTC]
    32   socket u16 | flags u16 | number of parts u32
    40   body: length of each part u64, then the parts one behind the other;
         with the flag `PACKED`, these as one Zstandard frame

and, once the log was closed, a record of the same head with another mark, whose body holds place
and monotonic time of each message (u64 each), followed by the trailer::

    0    place of that record u64 | number of messages u64 | magic (8 bytes)

A log that was not closed lacks only the last two: messages are found one behind the other.
"""

from __future__ import annotations

import struct

MAGIC = b"\x89FFLOG\r\n"
END_MAGIC = b"FFLOGEND"
VERSION = 1
FILE_HEAD = struct.Struct("<8sIII")
RECORD_HEAD = struct.Struct("<IIQQQHHI")
CHECKED_FROM = 8
"""The checksum of a record is that of its bytes from here on."""
TRAILER = struct.Struct("<QQ8s")
MESSAGE = int.from_bytes(b"FFms", "little")
INDEX = int.from_bytes(b"FFix", "little")
PACKED = 1
"""Flag: the parts are compressed."""
LONGEST_MESSAGE = 1 << 31
"""A longer message is nonsense [bytes]."""
MOST_PARTS = 1 << 16
"""A message of more parts is nonsense."""
