"""Damage: what a kernel may find wrong with an encoded frame, as the numbers it returns."""

from __future__ import annotations

# Plain integers, because compiled code takes them in as constants. Never renumber: they are logged.
GOOD = 0
OUTSIDE = 1
TRUNCATED = 2
WRONG_TOTAL = 3
BAD_BLOCK_SIZE = 4
LEFTOVER = 5
BAD_MATCH = 6
BLOCK_TOO_LONG = 7
BLOCK_TOO_SHORT = 8
WRONG_LENGTH = 9

DESCRIPTIONS = {
    GOOD: "good",
    OUTSIDE: "the frame does not lie inside the memory it was said to lie in",
    TRUNCATED: "the encoded bytes end too early",
    WRONG_TOTAL: "the size in the header is not the size of a frame",
    BAD_BLOCK_SIZE: "the block size in the header is zero or no multiple of eight pixels",
    LEFTOVER: "encoded bytes are left over behind the last pixel",
    BAD_MATCH: "LZ4 refers to bytes before the start of its block",
    BLOCK_TOO_LONG: "an LZ4 block decodes to more bytes than it should",
    BLOCK_TOO_SHORT: "an LZ4 block decodes to fewer bytes than it should",
    WRONG_LENGTH: "the number of bytes is not that of an unencoded frame",
}
"""One sentence for people for each number."""
