"""Scan shapes: open axes worked out, and guesses with their reasons; plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from framefold.errors import ScanError

Confidence = Literal["certain", "high", "medium", "low"]
"""How sure a scan shape is: told by somebody, consistent with all that is known, likely, or a
mere possibility."""

_RANKS: tuple[Confidence, ...] = ("certain", "high", "medium", "low")

_TRIED = 1 << 16
"""Numbers of lines that are tried: all of any real scan, and no more for what a header invents."""
_PAIRS = 4
"""Factor pairs worth showing."""

_FLYBACKS = 4
"""Flyback frames that are looked for in a number of frames that is nearly a square."""

_MOST_ELONGATED = 8
"""A scan of more lines than this times the positions of a line (or the reverse) is no guess."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A scan shape, and why it could be the right one.

    Parameters
    ----------
    shape : tuple of int
        Positions along each navigation axis, slow axis first [positions].
    reason : str
        What speaks for it.
    confidence : str
        ``"certain"``, ``"high"``, ``"medium"`` or ``"low"``.
    flyback : int
        Frames behind each line that belong to no position.
    lead_in : int
        Frames before the first line that belong to no position.
    order : str
        ``"raster"`` or ``"snake"``.
    """

    shape: tuple[int, ...]
    reason: str
    confidence: Confidence = "medium"
    flyback: int = 0
    lead_in: int = 0
    order: Literal["raster", "snake"] = "raster"

    def as_dict(self) -> dict[str, object]:
        """The guess as plain values, for JSON."""
        return {
            "nav_shape": list(self.shape),
            "reason": self.reason,
            "confidence": self.confidence,
            "flyback": self.flyback,
            "lead_in": self.lead_in,
            "order": self.order,
        }


def fill(
    frames: int | None, shape: Sequence[int], *, flyback: int = 0, each: int = 1
) -> tuple[int, ...]:
    """A scan shape with its open axes worked out.

    Parameters
    ----------
    frames : int or None
        How many frames there are; None when nobody knows.
    shape : sequence of int
        With at most two ``-1``.
    flyback : int
        Frames behind each line that belong to no position; those of the last line may be missing.
    each : int
        Frames at each position.

    Returns
    -------
    tuple of int
        With one ``-1`` the axis takes as many whole lines as the frames allow; with two they
        become equal.

    Raises
    ------
    ScanError
        If the frames do not say how long an open axis is.
    """
    given = tuple(int(n) for n in shape)
    open_axes = [axis for axis, n in enumerate(given) if n == -1]
    if not open_axes:
        return given
    if len(open_axes) > 2:
        raise ScanError(f"scan shape {given} leaves {len(open_axes)} axes open; at most 2 can be")
    if not frames:
        raise ScanError(
            f"scan shape {given} leaves an axis open and the source does not say how many "
            "frames come; give every axis"
        )
    if any(n < 1 and n != -1 for n in given):
        raise ScanError(f"scan shape {given} does not fit {frames} frames")
    last = len(given) - 1
    if last not in open_axes:
        lines = (frames + flyback) // (given[last] * each + flyback)
        found = _equal(lines, given[:last], given, frames)
        return (*found, given[last])
    if len(open_axes) == 1:
        known = math.prod(given[:last])
        # the flyback frames of the last line are there, unless only without them it comes out
        lacking = flyback if frames % known and not (frames + flyback) % known else 0
        length = ((frames + lacking) // known - flyback) // each
        if length < 1:
            raise ScanError(f"scan shape {given} does not fit {frames} frames")
        return (*given[:last], length)
    side = _side(frames, math.prod(n for n in given if n != -1), flyback, each, given)
    return tuple(side if n == -1 else n for n in given)


def _equal(
    lines: int, outer: tuple[int, ...], given: tuple[int, ...], frames: int
) -> tuple[int, ...]:
    """The axes that count lines, the open ones among them equal."""
    known = math.prod(n for n in outer if n != -1)
    rest = lines // known
    if rest < 1:
        raise ScanError(f"scan shape {given} does not fit {frames} frames")
    side = rest if outer.count(-1) == 1 else math.isqrt(rest)
    if outer.count(-1) == 2 and side * side != rest:
        raise _no_square(given, frames, rest)
    return tuple(side if n == -1 else n for n in outer)


def _side(frames: int, known: int, flyback: int, each: int, given: tuple[int, ...]) -> int:
    """The side of ``known`` square scans, one after another."""
    if not flyback:
        rest = frames // (known * each)
        side = math.isqrt(rest)
        if not rest:
            raise ScanError(f"scan shape {given} does not fit {frames} frames")
        if side * side != rest:
            raise _no_square(given, frames, rest)
        return side
    for total in (frames, frames + flyback):
        # the positive root of side * (side * each + flyback) = total / known
        root = math.isqrt(flyback * flyback + 4 * each * (total // known))
        side = (root - flyback) // (2 * each)
        if side > 0 and known * side * (side * each + flyback) == total:
            return side
    raise _no_square(given, frames, frames // known)


def _no_square(given: tuple[int, ...], frames: int, rest: int) -> ScanError:
    return ScanError(
        f"scan shape {given} asks for two equal axes, but {frames} frames leave "
        f"{rest} positions for them, which is no square"
    )


def guesses(frames: int | None, hints: Iterable[Guess] = (), each: int = 1) -> tuple[Guess, ...]:
    """Scan shapes that a recording could have, likely ones first.

    Parameters
    ----------
    frames : int or None
        How many frames there are or were promised; None when nobody knows.
    hints : iterable of Guess
        What the source itself says.
    each : int
        Frames at each position.

    Returns
    -------
    tuple of Guess
        Ranked: what the source says as sure as it says it; a square; one line; squares with
        flyback frames; pairs of factors.

    Raises
    ------
    ScanError
        If there is nothing to go by.
    """
    found: dict[tuple[object, ...], Guess] = {}
    positions = (frames or 0) // each
    for guess in (*hints, *(_counted(positions) if positions else ())):
        found.setdefault((guess.shape, guess.flyback, guess.lead_in, guess.order), guess)
    if not found:
        raise ScanError(
            "scan shape unknown: the source does not say how many frames come; give nav_shape"
        )
    return tuple(sorted(found.values(), key=lambda guess: _RANKS.index(guess.confidence)))


def _counted(positions: int) -> Iterator[Guess]:
    """Guesses from the bare number of positions."""
    side = math.isqrt(positions)
    if side * side == positions > 1:
        # few frames are a square by chance: 4, 9 and 16 are not rare
        sure: Confidence = "medium" if side >= 8 else "low"
        yield Guess((side, side), f"{positions} is {side} x {side}, a square", sure)
    yield Guess((positions,), f"one line of {positions} positions", "low")
    for extra in range(1, _FLYBACKS + 1):
        for total in (positions, positions + extra):
            n = (math.isqrt(extra * extra + 4 * total) - extra) // 2
            if n >= 8 and n * (n + extra) == total:
                reason = f"{positions} frames are {n} lines of {n} and {extra} flyback frames"
                yield Guess((n, n), reason, "low", flyback=extra)
    shown = 0
    for lines in range(side, max(1, side - _TRIED), -1):
        length, rest = divmod(positions, lines)
        if length > _MOST_ELONGATED * lines or shown == _PAIRS:
            return
        if not rest and length != lines:
            shown += 1
            yield Guess((lines, length), f"{positions} is {lines} x {length}", "low")
