"""Shelf: the results of past acquisitions in a folder, for those who come when memory has none."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from framefold.engine.run import Run
from framefold.errors import ConfigError, DataError
from framefold.record.kept_run import KeptRun
from framefold.record.run_results import provenance_of
from framefold.representations.hdf5 import write_results
from framefold.representations.kept_snapshot import read_snapshot

log = logging.getLogger(__name__)

ENDING = ".kept.h5"
"""Other files in the folder, recordings say, are none of its business."""
_LONGEST_NAME = 200  # file systems take 255 bytes, and a name of ours gets some more while written
_AT_HAND_BYTES = 256 << 20
"""What was read last is held up to this length [bytes]."""
_FACTS_BYTES = 1 << 15
"""What a run takes beside its arrays, generously [bytes]."""


def file_name(ident: str) -> str:
    """Name of the file of an acquisition, whatever is in its identity."""
    name = quote(ident, safe="")
    if len(name) > _LONGEST_NAME:
        name = f"sha256-{hashlib.sha256(ident.encode()).hexdigest()}"
    return name + ENDING


class Shelf:
    """Keeps results in files, and finds them again; also those of an earlier server.

    Writing happens in a thread of its own: the next acquisition does not wait for a disk.

    Parameters
    ----------
    directory : path-like
        Made if it is not there.
    keep : int
        How many acquisitions; the oldest files go first.

    Raises
    ------
    ConfigError
        If the folder can be neither made nor read.
    """

    def __init__(self, directory: str | Path, keep: int) -> None:
        self.directory = Path(directory).expanduser().absolute()
        self._keep = keep
        self.failure = ""
        """Why the last results could not be kept; empty if they were."""
        self._lock = threading.Lock()
        # under the lock: all files by name, the oldest first; runs whose file is not there yet
        self._files: dict[str, None] = {}
        self._coming: dict[str, Run] = {}
        # under the lock, too: read with arrays or without; the one asked for last at last
        self._at_hand: OrderedDict[tuple[str, bool], KeptRun] = OrderedDict()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="shelf")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            found = [
                (one.stat().st_mtime_ns, one.name)
                for one in self.directory.glob(f"*{ENDING}")
                if one.is_file()
            ]
        except OSError as error:
            raise ConfigError(f"[history] directory {self.directory}: {error.strerror}") from error
        for _, name in sorted(found):
            self._files[name] = None

    def __len__(self) -> int:
        with self._lock:
            return len(self._files)

    def keep(self, run: Run, pipeline: Sequence[Mapping[str, object]]) -> None:
        """Have the results of a run that is over written; returns at once.

        Parameters
        ----------
        run : Run
        pipeline : sequence of mapping
            Names, UDFs and parameters, for whoever wants to make the results again.
        """
        with self._lock:
            self._coming[file_name(run.ident)] = run
        self._writer.submit(self._write, run, list(pipeline))

    def _write(self, run: Run, pipeline: list[Mapping[str, object]]) -> None:
        name = file_name(run.ident)
        try:
            told = {"ident": run.ident, "name": run.name}
            provenance = {"run": told, **provenance_of(run, pipeline)}
            write_results(self.directory / name, run.latest, provenance, overwrite=True)
        except Exception as error:  # whatever UDFs' results are: the next ones must be kept
            self.failure = f"{run.ident}: {error}"
            log.exception("results not kept id=%s folder=%s", run.ident, self.directory)
            with self._lock:
                self._coming.pop(name, None)
            return
        self.failure = ""
        with self._lock:
            self._coming.pop(name, None)
            self._forget(name)
            self._files[name] = None
            over = [*self._files][: max(0, len(self._files) - self._keep)]
        for oldest in over:
            self._remove(oldest)

    def _remove(self, name: str) -> None:
        """Give up an acquisition, if that is what a file is."""
        if self._look(name, arrays=False) is None:
            return
        with self._lock:
            self._forget(name)
        try:
            (self.directory / name).unlink(missing_ok=True)
        except OSError as error:
            log.warning("old results stay file=%s error=%s", name, error)

    def _forget(self, name: str) -> None:
        """Under the lock: nothing is known of a file any more."""
        self._files.pop(name, None)
        for arrays in (False, True):
            self._at_hand.pop((name, arrays), None)

    def page(
        self, without: Collection[str], after: str | None, limit: int
    ) -> tuple[list[KeptRun], bool] | None:
        """Runs in files without their arrays, newest first; reads files.

        Parameters
        ----------
        without : collection of str
            Identities of runs that are left out.
        after : str or None
            Identity of the one behind which to begin; None for the newest.
        limit : int
            How many at most.

        Returns
        -------
        runs : list of KeptRun
        more : bool
            Whether there are others behind.

            None if there is no run of the identity ``after``.
        """
        left_out = {file_name(ident) for ident in without}
        with self._lock:
            names = [*reversed([*self._files, *(n for n in self._coming if n not in self._files)])]
        if after is not None:
            begin = file_name(after)
            if begin not in names:
                return None
            names = names[names.index(begin) + 1 :]
        names = [name for name in names if name not in left_out]
        found: list[KeptRun] = []
        for name in names:
            if len(found) == limit:
                return found, True
            run = self._look(name, arrays=False)
            if run is not None:
                found.append(run)
        return found, False

    def get(self, ident: str) -> KeptRun | None:
        """The run of that identity with everything that is kept of it; reads a file."""
        return self._look(file_name(ident), arrays=True)

    def _look(self, name: str, *, arrays: bool) -> KeptRun | None:
        with self._lock:
            if name in self._coming:
                return _still_there(self._coming[name])
            if name not in self._files:
                return None
            if (name, arrays) in self._at_hand:
                self._at_hand.move_to_end((name, arrays))
                return self._at_hand[name, arrays]
        run = self._read(name, arrays=arrays)
        with self._lock:
            if run is not None and name in self._files:  # it may have been given up since
                self._at_hand[name, arrays] = run
                while len(self._at_hand) > 1 and self._held_bytes() > _AT_HAND_BYTES:
                    self._at_hand.popitem(last=False)
        return run

    def _held_bytes(self) -> int:
        return sum(map(_nbytes, self._at_hand.values()))

    def _read(self, name: str, *, arrays: bool) -> KeptRun | None:
        """A run out of its file; None, once with a warning, for what is no such file."""
        path = self.directory / name
        try:
            snapshot, facts = read_snapshot(path, arrays=arrays)
            told, statistics = facts.get("run"), facts.get("statistics")
            if not isinstance(told, dict) or file_name(str(told.get("ident"))) != name:
                raise DataError(f"{path} was not kept by a history, or has another name since")
        except DataError as error:
            log.warning("no results of an acquisition: %s", error)
            with self._lock:
                self._forget(name)
            return None
        known = statistics if isinstance(statistics, dict) else {}
        return KeptRun(str(told["ident"]), str(told.get("name", "")), snapshot, known)

    def close(self) -> None:
        """Write what is still to be written."""
        self._writer.shutdown(wait=True)


def _still_there(run: Run) -> KeptRun:
    return KeptRun(run.ident, run.name, run.latest, run.statistics())


def _nbytes(run: KeptRun) -> int:
    """About what a run takes [bytes]."""
    channels = [one for group in run.latest.results.values() for one in group.values()]
    excluded = run.latest.acquisition.mask.excluded
    arrays = [run.latest.coverage, *(part for one in channels for part in (one.data, one.valid))]
    masked = 0 if excluded is None else excluded.nbytes
    return _FACTS_BYTES + masked + sum(array.nbytes for array in arrays)
