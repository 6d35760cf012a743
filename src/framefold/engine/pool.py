"""Pool: where workers live. A session is one run's use of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from framefold.core.block import Block
from framefold.engine.worker import BlockResult, BlockWorker
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.spec import RunSpec


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one block.

    Parameters
    ----------
    block : Block
    result : BlockResult or None
        None when it was given up.
    lost : str
        Why it was given up, or empty.
    error : UDFError or None
        What was raised over it, if that is why.
    """

    block: Block
    result: BlockResult | None
    lost: str = ""
    error: UDFError | None = None


class Session(Protocol):
    """One run's use of a pool.

    `submit` and `finish` belong to the thread that feeds, `try_out`, `next`, `folded` and
    `abandon` to the one that folds; `update`, `wake`, `stop` and `abort` may be called from
    anywhere.
    """

    def try_out(self, *, noise: bool) -> PartitionResult | None:
        """Send a made-up frame through the UDFs in a worker, before the first `submit`.

        Parameters
        ----------
        noise : bool
            As for `framefold.udf.dry_run.attempt`.

        Returns
        -------
        PartitionResult or None
            What `framefold.udf.dry_run.attempt` gives, valid until the next call of any
            method; None if the worker did not survive it.

        Raises
        ------
        RunFailedError
            If the workers cannot run these UDFs at all.
        UDFRunCancelled
            After `abort`.
        """

    def submit(self, block: Block) -> bool:
        """Give a block to a worker; waits for one. False once the session was stopped."""

    def finish(self) -> None:
        """No more blocks will come."""

    def next(self, timeout: float | None) -> Outcome | None:
        """The next outcome; None after ``timeout`` [s], a `wake`, or at the `end`.

        Raises
        ------
        WorkerLostError
            If workers die faster than blocks are finished.
        RunFailedError
            If the workers cannot run these UDFs at all.
        UDFRunCancelled
            After `abort`.
        """

    def folded(self, outcome: Outcome) -> None:
        """An outcome was folded; its memory may be used again."""

    @property
    def at_end(self) -> bool:
        """Whether all blocks were submitted and every outcome was taken."""

    def update(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """Change UDF parameters for every block submitted from now on."""

    def wake(self) -> None:
        """Make `next` return."""

    def stop(self) -> None:
        """Take no more blocks; those in work are still finished. Also while it waits to begin."""

    def abort(self) -> None:
        """Take no more blocks and give up those in work."""

    def abandon(self) -> None:
        """Nothing more will be folded: let nobody wait for a worker any more."""

    def leftovers(self) -> Sequence[Block]:
        """Blocks that were taken and never came back by `next`; known once it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Pool(Protocol):
    """Workers, of whatever kind."""

    @property
    def workers(self) -> int:
        """How many work at the same time."""

    @property
    def in_this_thread(self) -> bool:
        """Whether `Session.submit` does the work itself, before it returns."""

    @property
    def threads_per_worker(self) -> int:
        """How many threads a UDF may start where it works."""

    def session(self, spec: RunSpec, names: Sequence[str] = ()) -> Session:
        """Use the workers for one run; its start waits while another run uses them.

        Parameters
        ----------
        spec : RunSpec
        names : sequence of str
            What its UDFs are called, for messages; their classes by default.
        """

    def close(self) -> None:
        """End the workers."""


class InlinePool:
    """No processes, no threads: work is done where it is submitted, so that a debugger,
    a profiler or a print statement sees it.
    """

    workers = 1
    in_this_thread = True

    @property
    def threads_per_worker(self) -> int:
        """As many as there are cores: nobody else works."""
        return os.cpu_count() or 1

    def session(self, spec: RunSpec, names: Sequence[str] = ()) -> Session:
        """Use the calling thread for one run."""
        return _InlineSession(spec)

    def close(self) -> None:
        """Nothing to end."""


class _InlineSession:
    def __init__(self, spec: RunSpec) -> None:
        self._worker = BlockWorker(spec)
        self._outcomes: deque[Outcome] = deque()
        self._finished = False
        self._stopped = False

    def try_out(self, *, noise: bool) -> PartitionResult | None:
        return self._worker.try_out(np.zeros, noise=noise)

    def submit(self, block: Block) -> bool:
        if self._stopped:
            return False
        self._outcomes.append(self._outcome(block))
        return True

    def _outcome(self, block: Block) -> Outcome:
        try:
            return Outcome(block, self._worker.work(block, np.zeros))
        except Exception as error:  # noqa: BLE001 - fence around one block, as in a process
            return Outcome(block, None, f"{type(error).__name__}: {error}", UDFError.of(error))

    def finish(self) -> None:
        self._finished = True

    def next(self, timeout: float | None) -> Outcome | None:
        return self._outcomes.popleft() if self._outcomes else None

    def folded(self, outcome: Outcome) -> None:
        """Nothing to give back: every block gets fresh memory here."""

    @property
    def at_end(self) -> bool:
        return self._finished and not self._outcomes

    def update(self, patches: Sequence[Mapping[str, Any]]) -> None:
        self._worker.update(tuple(patches))

    def wake(self) -> None:
        """Nobody waits: there is one thread."""

    def stop(self) -> None:
        self._stopped = True

    def abort(self) -> None:
        self._stopped = True

    def abandon(self) -> None:
        self._stopped = True

    def leftovers(self) -> tuple[Block, ...]:
        left = tuple(outcome.block for outcome in self._outcomes)
        self._outcomes.clear()
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._finished = True
