"""The one exception tree: each error keeps its facts as fields and builds its message from them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


def nearest(value: str, known: Iterable[str]) -> str | None:
    """The known name most like ``value``, or None when none comes close.

    Parameters
    ----------
    value : str
        What the user wrote.
    known : iterable of str
        The names that would have been understood.
    """
    found = difflib.get_close_matches(value, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


class FramefoldError(Exception):
    """Anything framefold raises on purpose."""


class UnknownNameError(FramefoldError, LookupError):
    """A name that nothing answers to, with the nearest one that something does.

    Parameters
    ----------
    kind : str
        What was looked for, e.g. ``"UDF"`` or ``"config key"``.
    name : str
        What the user wrote.
    known : iterable of str
        All names of that kind.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        self.suggestion = nearest(name, self.known)
        hint = f"; did you mean {self.suggestion!r}?" if self.suggestion else ""
        listed = ", ".join(self.known) or "none"
        super().__init__(f"unknown {kind} {name!r}{hint} (known: {listed})")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.kind, self.name, self.known))


class ConfigError(FramefoldError, ValueError):
    """A configuration that cannot be used: which key, its value, and what would do."""


class ParameterError(FramefoldError, ValueError):
    """A parameter whose value or name does not fit."""


class ShapeError(FramefoldError, ValueError):
    """Shapes or counts that do not fit each other."""


class ScanError(ShapeError):
    """A scan shape that cannot be used with the frames at hand."""


class DataError(FramefoldError, OSError):
    """A recorded file that cannot be read: which file, what is wrong with it, what to do."""


class MissingFileError(DataError, FileNotFoundError):
    """A recorded file that is not where it was said to be."""


class ProtocolError(FramefoldError, ValueError):
    """A detector message that does not follow its protocol.

    Parameters
    ----------
    kind : str
        A short, stable word for counting and for logging once per kind, e.g. ``"bad-json"``.
    detail : str
        What was wrong, with the numbers in it.
    """

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(f"{kind}: {detail}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.kind, self.detail))


class CodecError(FramefoldError, ValueError):
    """Encoded bytes that do not decode to the pixels they promise.

    Parameters
    ----------
    codec : str
        Name of the codec.
    detail : str
        What was wrong.
    """

    def __init__(self, codec: str, detail: str) -> None:
        self.codec = codec
        self.detail = detail
        super().__init__(f"{codec}: {detail}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.codec, self.detail))


class TooLargeError(FramefoldError, ValueError):
    """An answer larger than the way it was asked for allows: how large, the limit, what to ask."""


class UDFException(FramefoldError, ValueError):  # noqa: N818 - the name UDF authors know
    """A UDF that breaks the contract: which UDF, which rule, what to do."""


class UndeclaredResultError(UDFException, KeyError):
    """A result under a name that get_result_buffers does not declare."""

    __str__ = Exception.__str__  # KeyError would show the repr of the message


class MissingNameError(FramefoldError, AttributeError, KeyError):
    """A parameter, result or task datum that does not exist: its name and those that do."""

    __str__ = Exception.__str__  # KeyError would show the repr of the message


class InvalidMaskError(FramefoldError, ValueError):
    """A mask of valid values that does not fit the values it belongs to."""


class SliceUsageError(FramefoldError, ValueError):
    """Boxes or shapes put together that have different axes."""


class CorrectError(FramefoldError, ValueError):
    """Frames that cannot be corrected as asked."""


class RepairValueError(CorrectError):
    """An excluded pixel that has no good neighbour to be repaired from."""


class ExecutorSpecException(ParameterError):  # noqa: N818 - the name UDF authors know
    """An executor that cannot be had as asked: which one, why, what there is."""


class UDFRunCancelled(FramefoldError):  # noqa: N818 - the name UDF authors know
    """A run that was stopped before its end; what had been merged stays valid.

    Attributes
    ----------
    buffers : tuple of dict of str to BufferWrapper
        For each UDF, its results so far by name; empty if the run had not begun.
    damage : BufferWrapper or None
        Which scan positions are in them; nav-shaped bool.
    """

    buffers: tuple[dict[str, Any], ...] = ()
    damage: Any = None


class JobCancelledError(UDFRunCancelled):
    """What a source of frames raises to have the run end as cancelled."""


class RunFailedError(FramefoldError, RuntimeError):
    """A run that could not go on."""


class WorkerLostError(RunFailedError):
    """Worker processes that died more often than the run may survive."""


class BlockTimeoutError(RunFailedError, TimeoutError):
    """A UDF that does not come to an end with a block: which one, and how long it had."""


class WorkerMemoryError(RunFailedError, MemoryError):
    """A UDF that takes more memory than a worker may have: which one, how much, what it may."""


class RingTooSmallError(FramefoldError, ValueError):
    """A shared-memory ring that cannot hold the frames of this acquisition."""


class FrameNotHeldError(FramefoldError, LookupError):
    """Frames that cannot be had: not there yet, lost, or given up after they were processed.

    Parameters
    ----------
    source : str
        The acquisition.
    positions : sequence of int
        Their flat scan positions.
    damaged : int
        How many of them are there, but cannot be decoded.
    """

    def __init__(self, source: str, positions: Sequence[int], damaged: int = 0) -> None:
        self.source = source
        self.positions = tuple(positions)
        self.damaged = damaged
        what = f"frame {positions[0]}" if len(positions) == 1 else f"{len(positions)} frames"
        if damaged:
            why = "damaged: they cannot be decoded" if damaged > 1 else "damaged: undecodable"
        else:
            why = (
                "not held: not received, or given up after processing and not recorded; record "
                "the acquisition to have its frames afterwards"
            )
        super().__init__(f"{what} of {source}: {why}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.source, self.positions, self.damaged))
