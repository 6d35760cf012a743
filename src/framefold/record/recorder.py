"""Recorder: the process that writes what the receiver has sealed. Blocks in, files out."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from framefold.core.acquisition import Acquisition
from framefold.core.losses import Losses
from framefold.core.reader import Ending
from framefold.errors import ConfigError, DataError
from framefold.formats import recording_names as names
from framefold.live.block import SlotBlock
from framefold.record.dead_writer import close_for_dead_writer
from framefold.record.master import begin_master, finish_master
from framefold.record.plan import MASTER_ENDING, Plan, folder_of, free_name, needed_bytes
from framefold.record.settings import RecordingSettings
from framefold.record.state import RecordingState
from framefold.record.store import FrameStore, Written
from framefold.record.story import Story

log = logging.getLogger(__name__)

GIB = 1 << 30


class Recorder:
    """Writes one acquisition after the other.

    A recording that fails is stopped and says why; its blocks are given back as before, so that
    processing never waits for a disk that is full.

    Parameters
    ----------
    settings : RecordingSettings
    tell : callable
        Is given each announcement: ``("written", ident of the block)``, ``("state",
        RecordingState)``.
    free_bytes : callable
        How much room a folder's disk has [bytes].
    """

    def __init__(
        self,
        settings: RecordingSettings,
        tell: Callable[..., None],
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._free_bytes = free_bytes
        self._ratio = 1.0  # encoded over decoded size, of the last recording
        self._acquisition: Acquisition | None = None
        self._plan: Plan | None = None
        self._store: FrameStore | None = None  # while frames are written
        self._story = Story()
        self._state = RecordingState("")
        self._flushed = 0.0

    def begin(self, acquisition: Acquisition) -> None:
        """An acquisition begins."""
        if self._acquisition is not None:
            self._stop("another acquisition began before it ended")
        self._acquisition, self._plan = acquisition, None
        needed = needed_bytes(acquisition, self._ratio)
        self._state = RecordingState(acquisition.ident, needed_bytes=needed)
        self._story = Story(started=time.time())
        self._flushed = time.monotonic()
        try:
            self._open(acquisition)
        except (OSError, RuntimeError, ConfigError) as error:
            self._stop(f"it could not be begun: {_why(error)}")
        self._announce()

    def _open(self, acquisition: Acquisition) -> None:
        settings = self._settings
        folder = folder_of(settings.directory)
        folder.mkdir(parents=True, exist_ok=True)
        self._check_room(folder)
        room = self._state.free_bytes - settings.min_free_bytes
        if room < self._state.needed_bytes:
            log.warning(
                "disk may become full folder=%s needed_gib=%.1f room_gib=%.1f",
                folder, self._state.needed_bytes / GIB, room / GIB,
            )  # fmt: skip
        name = free_name(folder, str(acquisition.metadata.get("series", "")), MASTER_ENDING)
        self._plan = Plan.of(acquisition, folder, name, settings.file_bytes)
        begin_master(self._plan, acquisition, self._story)
        self._store = FrameStore(self._plan, acquisition.dtype, acquisition.sig_shape)
        self._state = replace(self._state, file=str(self._plan.master))
        log.info("recording id=%s file=%s", acquisition.ident, self._plan.master)

    def _check_room(self, folder: Path) -> None:
        free = self._free_bytes(folder)
        self._state = replace(self._state, free_bytes=free)
        if free < self._settings.min_free_bytes:
            raise OSError(
                f"{folder} has {free / GIB:.2f} GiB left, less than min_free_gib = "
                f"{self._settings.min_free_bytes / GIB:.2f}"
            )

    def write(self, block: SlotBlock) -> None:
        """Write the frames of a block, and give it back whatever happens."""
        try:
            if self._store is not None:
                self._write(self._store, block)
        except (OSError, RuntimeError) as error:
            # what HDF5 raises depends on the place at which the disk was full
            self._stop(f"a frame could not be written: {_why(error)}")
        finally:
            self._tell("written", block.ident)
        self.look_at_clock()

    def _write(self, store: FrameStore, block: SlotBlock) -> None:
        # blocks know the monotonic clock, files the calendar
        moment = time.time() - (time.monotonic() - block.sealed) if block.sealed else time.time()
        with block.open() as frames:
            store.write_many(frames.encoded(), moment)

    def patience(self) -> float | None:
        """How long may be waited for the next order [s]; None for ever."""
        if self._store is None or self._store.written.safe == self._store.written.frames:
            return None
        return max(0.0, self._flushed + self._settings.flush_seconds - time.monotonic())

    def look_at_clock(self) -> None:
        """Make safe what was written, if it is time."""
        if self._store is None or self.patience() != 0.0:
            return
        try:
            self._store.flush()
            assert self._plan is not None
            self._check_room(self._plan.directory)
        except (OSError, RuntimeError) as error:
            self._stop(_why(error))
        self._flushed = time.monotonic()
        self._announce()

    def end(self, ending: Ending) -> None:
        """The acquisition is over: finish its files."""
        if self._acquisition is None:
            return
        if self._store is not None:
            state = names.COMPLETE if ending.complete else names.ABORTED
            self._finish(state, ending.reason, ending.losses.as_dict())
        self._acquisition = self._plan = None

    def _stop(self, reason: str) -> None:
        """Give up this recording; the acquisition goes on."""
        log.error("recording stopped id=%s reason=%s", self._state.acquisition, reason)
        if self._store is None:
            self._state = replace(self._state, state=names.STOPPED, reason=reason)
            self._announce()
        else:
            self._finish(names.STOPPED, reason, {})

    def _finish(self, state: str, reason: str, losses: dict[str, int]) -> None:
        store, self._store = self._store, None
        acquisition, plan = self._acquisition, self._plan
        assert store is not None
        assert acquisition is not None
        assert plan is not None
        troubles = []
        try:
            store.close()
        except (OSError, RuntimeError) as error:
            log.warning("files closed in the place of HDF5, which could not: %s", _why(error))
            troubles += _mended(plan, store.files)
        self._story = Story(
            state, reason, self._story.started, time.time(), losses, store.files, store.present
        )
        try:
            finish_master(plan, acquisition.nav_shape, self._story)
        except (OSError, RuntimeError) as error:
            troubles.append(f"{plan.master.name} could not be finished: {_why(error)}")
        if troubles:
            hint = "`framefold repair` finishes it once there is room"
            state, reason = names.STOPPED, "; ".join([reason, *troubles, hint])
            log.error("recording not finished file=%s reason=%s", plan.master, reason)
        written = store.written
        if written.frames:
            self._ratio = written.nbytes / (written.frames * acquisition.frame_bytes)
        self._state = replace(self._state, state=state, reason=reason)
        self._announce(written)
        log.info("recording %s file=%s frames=%d", state, plan.master, written.frames)

    def _announce(self, written: Written | None = None) -> None:
        found = written or (self._store.written if self._store is not None else None)
        if found is not None:
            self._state = replace(
                self._state,
                frames=found.frames,
                safe=found.safe,
                nbytes=found.nbytes,
                unkept=found.unkept,
            )
        self._tell("state", self._state)


def _why(error: Exception) -> str:
    """An error in a few words; HDF5 tells the state of the world with it."""
    number = getattr(error, "errno", None)
    if number and "write failed" in str(error):
        return os.strerror(number)
    return " ".join(str(error).split())


def _mended(plan: Plan, files: tuple[int, ...]) -> list[str]:
    """Close files in the place of HDF5, which could not; what went wrong with that."""
    troubles = []
    for number in files:
        try:
            close_for_dead_writer(plan.data_file(number))
        except DataError as error:
            troubles.append(str(error))
    return troubles


def main(connection: Connection, settings: RecordingSettings) -> None:
    """Life of the recorder process.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        To the main process: ``("begin", Acquisition)``, ``("block", SlotBlock)``, ``("end",
        Ending)`` and ``("stop",)`` come.
    settings : RecordingSettings
    """
    logging.basicConfig(format="%(levelname)s %(message)s", level=settings.log_level)

    def tell(*facts: object) -> None:
        connection.send_bytes(pickle.dumps(facts))

    recorder = Recorder(settings, tell)
    try:
        while True:
            if not connection.poll(recorder.patience()):
                recorder.look_at_clock()
                continue
            verb, *facts = pickle.loads(connection.recv_bytes())
            if verb == "begin":
                recorder.begin(facts[0])
            elif verb == "block":
                recorder.write(facts[0])
            elif verb == "end":
                recorder.end(facts[0])
            else:
                return
    except EOFError:
        recorder.end(_gone())  # whoever we work for died, what we have is whole


def _gone() -> Ending:
    return Ending(False, "the program that was recorded for ended", Losses(), cut_short=True)
