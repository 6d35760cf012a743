"""Supervision: when a worker has had its time or memory, and which UDF is to blame. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from framefold.core.tally import SHARED
from framefold.engine.limits import Limits
from framefold.errors import BlockTimeoutError, FramefoldError, WorkerMemoryError
from framefold.udf.partial import UDFError

LOOK_SECONDS = 0.5
"""How often the memory of workers is looked at while there is work."""

CHANCES = 2
"""A UDF is suspended the second time: the first may be the machine's fault."""

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Excess:
    """A worker took more than it may.

    Parameters
    ----------
    what : type of FramefoldError
        Of time, or of memory.
    told : str
        How much, and how much is allowed.
    """

    what: type[FramefoldError]
    told: str

    @property
    def is_of_time(self) -> bool:
        """Whether it hangs."""
        return self.what is BlockTimeoutError


class Supervision:
    """Watches the workers of one run.

    Parameters
    ----------
    limits : Limits
    names : sequence of str
        What the UDFs of the run are, for messages.
    """

    def __init__(self, limits: Limits, names: Sequence[str]) -> None:
        self._seconds = limits.block_seconds
        self._bytes = limits.most_bytes
        self._names = names
        self._hung: dict[int, int] = {}  # UDF -> how often
        self._large: dict[tuple[int, int], int] = {}  # UDF and ticket -> how often
        self._suspended: Mapping[int, UDFError] = {}

    @property
    def suspended(self) -> Mapping[int, UDFError]:
        """UDFs that get no more frames in this run, and why; replaced, never changed."""
        return self._suspended

    def patience(self, now: float, since: Iterable[float]) -> float:
        """How long until a worker has to be looked at [s].

        Parameters
        ----------
        now : float
            The time by the machine's monotonic clock [s].
        since : iterable of float
            When each worker that is at work began with what it is at [s].
        """
        found = [LOOK_SECONDS]
        if self._seconds is not None:
            found += [began + self._seconds - now for began in since]
        return max(0.0, min(found))

    def excess(self, now: float, since: float | None, memory: int) -> Excess | None:
        """Whether a worker took more than it may.

        Parameters
        ----------
        now : float
            The time by the machine's monotonic clock [s].
        since : float or None
            When it began with what it is at [s]; None while it waits.
        memory : int
            What it has for itself [bytes].
        """
        if since is not None and self._seconds is not None and now - since >= self._seconds:
            return Excess(BlockTimeoutError, f"no end after {self._seconds:g} s on one block")
        if memory > self._bytes:
            return Excess(
                WorkerMemoryError,
                f"{memory / MIB:.0f} MiB of memory in use, {self._bytes / MIB:.0f} allowed",
            )
        return None

    def blame(self, excess: Excess, udf: int, ticket: int, last_words: str) -> bool:
        """Note that a worker had to be ended.

        A UDF that hangs for the second time in a run, or takes too much memory for the second
        time on the same block, is suspended.

        Parameters
        ----------
        excess : Excess
            Why.
        udf : int
            Number of the UDF whose code ran, or `SHARED`.
        ticket : int
            The block in work.
        last_words : str
            What it wrote to stderr.

        Returns
        -------
        bool
            Whether a UDF is to blame, and not the block.
        """
        if udf == SHARED:
            return False
        if excess.is_of_time:
            times = self._hung[udf] = self._hung.get(udf, 0) + 1
        else:
            times = self._large[udf, ticket] = self._large.get((udf, ticket), 0) + 1
        if times >= CHANCES and udf not in self._suspended:
            error = excess.what(
                f"{self._names[udf]}: {excess.told}, for the second time: it gets no more frames "
                "in this run"
            )
            text = f"{error}\n\nlast words of the worker:\n{last_words or 'none'}"
            found = UDFError(error, type(error).__name__, str(error), text)
            self._suspended = {**self._suspended, udf: found}
        return True
