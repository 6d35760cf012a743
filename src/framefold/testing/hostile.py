"""Messages that nobody should send, made of good ones: from a seed, for parsers to survive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

Message = Sequence[bytes]

_LENGTHS = (0, 1, 23, 24, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 2**31 - 1, 2**31, 2**32 - 1)
_NOISE = (b"", b"{", b"[", b"null", b"\xd9\xd9\xf7", b"\xff" * 16, b"\x9f" * 64, b"\x00" * 64)
_TEXTS = (b"-1", b"0", b"1e999", b"99999999999999999999", b"NaN", b'""', b"[]", b"{}", b"true")

_DIGIT = re.compile(rb"\d")
_STATIC = np.random.default_rng(0).bytes(1 << 16)


def hostile_messages(good: Sequence[Message], seed: int = 0) -> Iterator[list[bytes]]:
    """Good messages with one to four things wrong with them; no end of them.

    Parameters
    ----------
    good : sequence of sequence of bytes
        Messages as they should be, each a sequence of parts.
    seed : int
        The same seed gives the same messages.

    Yields
    ------
    list of bytes
        The parts of a message.
    """
    rng = np.random.default_rng(seed)
    while True:
        # in blocks: a number at a time costs more than what is done with it
        for row in rng.integers(0, 2**62, (256, 16)).tolist():
            yield _spoilt(good, row)


def _spoilt(good: Sequence[Message], numbers: list[int]) -> list[bytes]:
    draws = iter(numbers)
    which = next(draws)
    parts = [bytes(part) for part in good[which % len(good)]]
    for _ in range(1 + next(draws) % 4):
        how, where, what = next(draws), next(draws), next(draws)
        if how % 8 == 0:
            parts = _shuffled(parts, good, where, what)
        elif parts:
            # small parts say what the big ones are
            number = where // 64 % len(parts)
            change = _CHANGES[how // 8 % len(_CHANGES)]
            parts[number] = change(parts[number], where // 4096, what)
    return parts


def _shuffled(parts: list[bytes], good: Sequence[Message], where: int, what: int) -> list[bytes]:
    """Parts that are missing, doubled, swapped, or of another message."""
    other = good[what % len(good)]
    number = where % max(1, len(parts))
    kind = what // 8 % 5
    if kind == 0:
        return parts[:number]
    if kind == 1:
        return parts[:number] + parts[number + 1 :]
    if kind == 2:
        return [*parts[: number + 1], *parts[number:]]
    if kind == 3:
        return [*parts[:number], *(bytes(part) for part in other)]
    return parts[::-1]


def _flipped(part: bytes, where: int, what: int) -> bytes:
    """One bit is another; mostly near the beginning, where structure is."""
    if not part:
        return part
    at = where % len(part) if where & 1 else where // 2 % min(len(part), 300)
    return part[:at] + bytes([part[at] ^ 1 << what % 8]) + part[at + 1 :]


def _overwritten(part: bytes, where: int, what: int) -> bytes:
    """A byte is any other."""
    at = where % min(max(len(part), 1), 400)
    return part[:at] + bytes([what % 256]) + part[at + 1 :]


def _cut(part: bytes, where: int, _what: int) -> bytes:
    return part[: where % (len(part) + 1)]


def _without(part: bytes, where: int, what: int) -> bytes:
    """A piece is missing."""
    at = where % (len(part) + 1)
    return part[:at] + part[at + 1 + what % 40 :]


def _repeated(part: bytes, where: int, what: int) -> bytes:
    """A piece comes twice."""
    at = where % (len(part) + 1)
    return part[: at + what % 40] + part[at:]


def _stuffed(part: bytes, where: int, what: int) -> bytes:
    """Something that means something stands in between."""
    at = where % min(len(part) + 1, 400)
    stuff = (*_NOISE, *_TEXTS)[what % (len(_NOISE) + len(_TEXTS))]
    return part[:at] + stuff + part[at:]


def _lengthened(part: bytes, where: int, what: int) -> bytes:
    """A length or a number, big-endian or little, is at one of its limits."""
    size = (1, 2, 4, 8)[what % 4]
    number = _LENGTHS[what // 4 % len(_LENGTHS)] % (1 << 8 * size)
    at = where % min(len(part) + 1, 400)
    order = "big" if what & 1024 else "little"
    return part[:at] + number.to_bytes(size, order) + part[at + size :]  # type: ignore[arg-type]


def _renumbered(part: bytes, where: int, what: int) -> bytes:
    """Decimal digits are others: in JSON and in headers that are text."""
    start = where % min(len(part) + 1, 400)
    found = _DIGIT.search(part, start) or _DIGIT.search(part, 0, start)
    if found is None:
        return _flipped(part, where, what)
    at = found.start()
    if what & 8:
        return part[:at] + _TEXTS[what % len(_TEXTS)] + part[at + 1 + what // 16 % 3 :]
    return part[:at] + b"%d" % (what // 64 % 10) + part[at + 1 :]


def _noise(_part: bytes, where: int, what: int) -> bytes:
    start = what % (len(_STATIC) - 300)
    return _STATIC[start : start + where % 300]


_CHANGES: tuple[Callable[[bytes, int, int], bytes], ...] = (
    _flipped,
    _overwritten,
    _cut,
    _without,
    _repeated,
    _stuffed,
    _lengthened,
    _renumbered,
    _flipped,
    _overwritten,
    _noise,
)
