"""SharedTable: a position table in memory that all our processes see, however long it is."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framefold.core.position_table import PositionTable
from framefold.core.scan_rule import ScanRule
from framefold.processes.segment import Segment


@dataclass(frozen=True, slots=True)
class SharedTable:
    """Where a table lies, for a process that gets to know it by a message.

    Parameters
    ----------
    path : str
        The segment, as others attach to it.
    visits, positions : int
        Lengths of the table's arrays, which follow each other in the segment.
    has_repeats : bool
        As of the table.
    """

    path: str
    visits: int
    positions: int
    has_repeats: bool

    @property
    def nbytes(self) -> int:
        """Length of the segment [bytes]."""
        return 8 * (self.visits + self.positions)

    def __call__(self) -> PositionTable:
        """The table; the same object as long as this process has it.

        Raises
        ------
        FileNotFoundError
            If the process that made it is gone, or has let go of it.
        """
        with _lock:
            table = _tables.get(self.path)
            if table is None:
                table = self.lay_out(Segment.attach(self.path, self.nbytes))
            return table

    def lay_out(self, segment: Segment) -> PositionTable:
        """The table in an open segment, which is closed when the table goes."""
        numbers: NDArray[np.int64] = segment.bytes[: self.nbytes].view(np.int64)
        numbers.flags.writeable = False  # everybody reads it
        table = PositionTable(
            numbers[: self.visits], numbers[self.visits :], self.has_repeats, self
        )
        weakref.finalize(table, segment.close)
        _tables[self.path] = table
        return table


def share(table: PositionTable) -> PositionTable:
    """The same table, in memory that other processes see once they are sent it.

    It travels as a few bytes, to each process once, and there is one copy of it. This process
    must keep it as long as others may still be sent it; those that have it keep the memory.

    Parameters
    ----------
    table : PositionTable
    """
    if table.elsewhere is not None:
        return table
    visits, positions = len(table.entries), len(table.frames)
    segment = Segment.create(8 * (visits + positions))
    numbers = segment.bytes.view(np.int64)
    numbers[:visits] = table.entries
    numbers[visits:] = table.frames
    with _lock:
        return SharedTable(segment.path, visits, positions, table.has_repeats).lay_out(segment)


def with_shared_table(rule: ScanRule) -> ScanRule:
    """A rule whose positions, if it has any, are a table that is shared.

    Raises
    ------
    ScanError
        If the positions do not go with what else was said of the scan.
    """
    made = rule.with_table()
    if not isinstance(made.positions, PositionTable):
        return made
    return replace(made, positions=share(made.positions))


_lock = threading.Lock()
# written by: whoever lays a table out, under the lock
_tables: weakref.WeakValueDictionary[str, PositionTable] = weakref.WeakValueDictionary()
