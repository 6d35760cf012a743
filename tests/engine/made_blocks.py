"""Blocks and readers made by hand, some of them broken on purpose; workers unpickle them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending
from framefold.core.scan import Scan
from framefold.errors import DataError
from framefold.udf import UDF

SIG = (4, 6)


@dataclass
class MadeFrames:
    """Every frame is full of its position."""

    positions: NDArray[np.int64]

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        out[: len(rows)] = self.positions[rows].reshape(-1, 1, 1)
        return out[: len(rows)]


@dataclass
class MadeBlock:
    """A few frames; ``trouble`` says what goes wrong with them, and where."""

    ident: int
    positions: NDArray[np.int64]
    trouble: str = ""
    mark: str = ""
    ballast: bytes = b""

    @contextmanager
    def open(self) -> Iterator[MadeFrames]:
        if self.trouble == "open":
            raise DataError(f"block {self.ident} cannot be opened")
        if self.trouble == "dies once" and not Path(self.mark).exists():
            Path(self.mark).touch()
            os._exit(3)
        if self.trouble == "waits" and not Path(f"{self.mark}.seen").exists():
            Path(f"{self.mark}.seen").touch()
            if Path(self.mark).read_text() == "die":  # a named pipe
                os._exit(3)
        yield MadeFrames(self.positions)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.trouble == "no pickle":
            raise TypeError("this block cannot be pickled")
        if self.trouble == "no unpickle":
            return (_refuse, ())
        facts = (self.ident, self.positions, self.trouble, self.mark, self.ballast)
        return (MadeBlock, facts)


def _refuse() -> None:
    raise RuntimeError("this block cannot be unpickled")


@dataclass
class MadeReader:
    """Hands out blocks, and remembers which came back."""

    given: list[MadeBlock]
    positions: int
    trouble: str = ""
    gate: threading.Event | None = None
    """Set: the reader waits for `stop` after its last block, as a silent detector would."""
    released: list[int] = field(default_factory=list)
    handed: list[int] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def acquisition(self) -> Acquisition:
        return Acquisition("made", "made", Scan((self.positions,)), SIG, np.dtype(np.float32))

    def blocks(self, plan: BlockPlan) -> Iterator[MadeBlock]:
        for block in self.given:
            if self.stopped.is_set():
                return
            self.handed.append(block.ident)
            yield block
        if self.trouble == "blocks":
            raise DataError("the file ends here")
        if self.gate is not None:
            self.gate.set()
            self.stopped.wait()

    def release(self, block: MadeBlock) -> None:
        self.released.append(block.ident)

    def stop(self) -> None:
        self.stopped.set()

    def losses(self) -> Losses:
        return Losses()

    def ending(self) -> Ending:
        if self.trouble == "ending":
            raise DataError("the end of the file is damaged")
        return Ending(True, "all read", Losses())


def blocks(count: int, frames: int = 2, **special: Any) -> list[MadeBlock]:
    """Blocks of consecutive frames; ``special`` goes to block number 2 (counted from 1)."""
    return [
        MadeBlock(
            n + 1,
            np.arange(n * frames, (n + 1) * frames, dtype=np.int64),
            **(special if n == 1 else {}),
        )
        for n in range(count)
    ]


def reader(count: int = 10, frames: int = 2, *, trouble: str = "", **special: Any) -> MadeReader:
    """A reader over `blocks`."""
    return MadeReader(blocks(count, frames, **special), count * frames, trouble)


class Values(UDF):
    """The value of every frame, by position."""

    def get_result_buffers(self) -> Any:
        return {"v": self.buffer(kind="nav", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.v[:] = frame[0, 0]


class Scaled(Values):
    """The value of every frame times a parameter."""

    def __init__(self, factor: float, ballast: Any = None) -> None:
        super().__init__(factor=factor, ballast=ballast)

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.v[:] = frame[0, 0] * self.params.factor


class NoUnpickle:
    """A parameter that no worker can unpickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (_refuse, ())


class Deadly:
    """A parameter that kills whoever unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os._exit, (5,))


class NoPickle:
    """A parameter that cannot be pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("this parameter cannot be pickled")


class Objects(UDF):
    """Results of objects that cannot be sent."""

    def get_result_buffers(self) -> Any:
        return {"v": self.buffer(kind="nav", dtype=object)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.v[:] = (x for x in "generators do not travel")


class HeldUp(Values):
    """Stays in its first block until a file appears."""

    def __init__(self, here: str, until: str) -> None:
        super().__init__(here=here, until=until)

    def process_frame(self, frame: NDArray[Any]) -> None:
        # named pipes: both sides wait for each other
        Path(self.params.here).write_text("here")
        Path(self.params.until).read_text()
        super().process_frame(frame)


class InOrder(Values):
    """How many partitions were merged before that of each position."""

    def get_result_buffers(self) -> Any:
        return {"rank": self.buffer(kind="nav", dtype=int), "n": self.buffer("single", dtype=int)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Only the merge counts."""

    def merge(self, dest: Any, src: Any) -> None:
        dest.rank[:] = dest.n
        dest.n += 1


class Misspelt(Values):
    """Writes to a buffer that it did not declare."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.w[:] = frame[0, 0]


class Exits(Values):
    """Its merge wants to end the program."""

    def merge(self, dest: Any, src: Any) -> None:
        raise SystemExit(9)


class BadBuffers(Values):
    """Its results cannot be looked at in the end."""

    def get_results(self) -> Any:
        raise ZeroDivisionError("nothing to show")
