"""Recording: the main side of a recorder process; what was written, and what became of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.reader import Ending, Reader
from framefold.errors import FramefoldError, RunFailedError
from framefold.formats import recording_names as names
from framefold.processes.launcher import Child, Launcher
from framefold.record.recorded_files import RecordedFiles
from framefold.record.recorded_reader import RecordedReader
from framefold.record.repair import repair
from framefold.record.settings import RecordingSettings
from framefold.record.state import RecordingState, RecordingTotals

log = logging.getLogger(__name__)

RECORDER = "framefold.record.recorder:main"


class Recording:
    """Records one acquisition after the other, in a process of its own.

    When that process dies, the blocks it had are given back, the recording is stopped, and the
    next acquisition gets another process.

    Parameters
    ----------
    launcher : Launcher
        Where the process comes from.
    settings : RecordingSettings

    Raises
    ------
    RunFailedError
        If no process can be started.
    """

    def __init__(self, launcher: Launcher, settings: RecordingSettings) -> None:
        self._launcher = launcher
        self.settings = settings
        self._changed = threading.Condition()
        self._out: dict[int, Block] = {}  # blocks the recorder has; under the condition
        self._give_back: Callable[[Block], None] = lambda _: None
        self._state: RecordingState | None = None  # written by: the listening thread, `begin`
        self._earlier = RecordingTotals()  # without the last one; written by: `begin`
        self._files = RecordedFiles()  # written by: the listening thread
        self._closing = False
        self._child, self._listening = self._start()

    def _start(self) -> tuple[Child, threading.Thread]:
        child = self._launcher.spawn("recorder", RECORDER, self.settings)
        thread = threading.Thread(target=self._listen, args=(child,), name="recording", daemon=True)
        thread.start()
        return child, thread

    @property
    def state(self) -> RecordingState | None:
        """How the last recording goes, or went; None before the first."""
        return self._state

    def totals(self) -> RecordingTotals:
        """What was written in all recordings so far."""
        with self._changed:
            return self._earlier.plus(self._state)

    @property
    def pid(self) -> int:
        """Process number of the recorder."""
        return self._child.pid

    def reader(self, reader: Reader) -> RecordedReader:
        """A reader for processing whose frames are recorded, too.

        Parameters
        ----------
        reader : Reader
            Of a live stream.
        """
        return RecordedReader(reader, self)

    def begin(self, acquisition: Acquisition, give_back: Callable[[Block], None]) -> None:
        """An acquisition begins.

        Parameters
        ----------
        acquisition : Acquisition
        give_back : callable
            Is given each block that the recorder is done with, from another thread.
        """
        self._give_back = give_back
        with self._changed:
            self._earlier = self._earlier.plus(self._state)
            self._state = RecordingState(acquisition.ident)
        if not self._listening.is_alive() and not self._closing:
            try:
                self._child, self._listening = self._start()
            except RunFailedError as error:
                self._stopped(f"no recorder: {error}")
                return
        self._send("begin", acquisition)

    def write(self, block: Block) -> None:
        """Have a block written; it is given back afterwards, and in any case."""
        with self._changed:
            assert self._state is not None
            lost = not self._listening.is_alive()
            if not lost:
                self._out[block.ident] = block
        if lost:
            self._give_back(block)
        else:
            self._send("block", block)

    def end(self, ending: Ending) -> None:
        """The acquisition is over."""
        self._send("end", ending)

    def join(self) -> None:
        """Wait until the files of the last acquisition are finished or given up."""
        with self._changed:
            self._changed.wait_for(self._is_idle)

    def recorded(
        self, acquisition: str, positions: NDArray[np.int64]
    ) -> Iterator[tuple[str, Block]]:
        """Frames of an acquisition that are in its files, also while it is being recorded.

        Parameters
        ----------
        acquisition : str
            Its identity.
        positions : ndarray of int64
            Flat scan positions, ascending.
        """
        return self._files.blocks(acquisition, positions)

    def _is_idle(self) -> bool:
        over = self._state is None or self._state.is_over or not self._listening.is_alive()
        return over and not self._out

    def _send(self, *order: object) -> None:
        try:
            self._child.send(*order)
        except OSError as error:
            # the listening thread hears of it, too, and does what there is to do
            log.debug("recorder gone order=%s error=%s", order[0], error)

    def _listen(self, child: Child) -> None:
        while True:
            try:
                verb, fact = child.receive()
            except (EOFError, OSError):
                break
            if verb == "written":
                with self._changed:
                    block = self._out.pop(fact)
                    if not self._out:
                        # of a recording that was stopped before its end nothing else tells
                        self._changed.notify_all()
                self._give_back(block)
            else:
                self._note(fact)
        self._lost(child)

    def _note(self, state: RecordingState) -> None:
        with self._changed:
            before, self._state = self._state, state
            self._files.note(state)
            self._changed.notify_all()
        if state.state == names.STOPPED and (before is None or before.state != names.STOPPED):
            log.error(
                "recording stopped id=%s file=%s safe=%d reason=%s",
                state.acquisition, state.file, state.safe, state.reason,
            )  # fmt: skip

    def _lost(self, child: Child) -> None:
        """The process is gone: nobody may wait for it."""
        try:
            how = self._launcher.reap(child)
        except RunFailedError as error:
            how = str(error)
        if not self._closing:
            self._stopped(f"the recorder died ({how})")
            self._mend(how)
        with self._changed:
            left, self._out = list(self._out.values()), {}
            self._changed.notify_all()
        for block in left:
            self._give_back(block)
        with self._changed:
            self._changed.notify_all()

    def _mend(self, how: str) -> None:
        """Finish what the process that died has left, so that everybody may open it."""
        state = self._state
        if state is None or not state.file:
            return
        try:
            repair(state.file, f"the recorder died ({how})", names.STOPPED)
        except FramefoldError as error:
            log.error("recording not finished file=%s error=%s", state.file, error)

    def _stopped(self, reason: str) -> None:
        state = self._state
        if state is not None and not state.is_over:
            self._note(replace(state, state=names.STOPPED, reason=reason))

    def close(self) -> None:
        """End the process; it finishes what it has."""
        self._closing = True
        self._send("stop")
        self._listening.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
