"""Run: one acquisition processed by named UDFs; its states and its threads."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import Block
from framefold.core.corrections import CorrectionSet
from framefold.core.losses import Losses
from framefold.core.picking import Picked, pick
from framefold.core.reader import BlockPlan, Reader
from framefold.core.scan import Scan
from framefold.core.scan_rule import ScanRule
from framefold.core.snapshot import RunState, Snapshot
from framefold.engine.fold import Fold
from framefold.engine.line import CUT_FOR_WORKERS, PLACES_PER_WORKER, Line
from framefold.engine.newest import NewestFirst, Room
from framefold.engine.pool import Outcome, Pool, Session
from framefold.engine.publication import Publication, Watcher
from framefold.engine.report import Report
from framefold.errors import (
    DataError,
    ParameterError,
    RunFailedError,
    ScanError,
    UDFException,
    UDFRunCancelled,
)
from framefold.udf.base import UDF
from framefold.udf.dry_run import tried
from framefold.udf.reduction import Reduction

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a run that is ended may take to finish the blocks in work; then their workers are
ended, too."""

ORDERS = ("arrival", "partition")
"""What `UDF.MERGE_ORDER` may be."""

_ORDER = tuple(RunState)
"""The states in the order in which a run goes through them."""

MOST_GROWTH = 4
"""A scan of more positions than this times the frames is a mistake, or an attack on memory."""

CANCELLED = "cancelled"
"""Why a run ended that somebody cancelled."""


class Run:
    """One acquisition processed by named UDFs.

    Parameters
    ----------
    reader : Reader
        The frames.
    udfs : mapping of str to UDF
        What to run, by name.
    pool : Pool
        Who works.
    selection : ndarray of bool, shape (positions,), or None
        Flat region of interest.
    stop_on_error : bool
        Whether the first exception of a UDF ends the run (a script wants to hear of it), or
        that UDF alone is dropped (a live scan goes on).
    ident : str, optional
        What others call this run; made up when not given.

    corrections : CorrectionSet, optional
        What is done to the pixels before UDFs see them; what the acquisition asks for when left
        out.
    backends : str or iterable of str, optional
        Array libraries that frames may come in; all that UDFs ask for by default.
    array_backends : sequence of str
        Array libraries that the data come in without effort, the cheapest first.
    dry_run : bool
        Whether to send made-up frames through users' UDFs in a worker first, so that mistakes
        are heard of before data are read or waited for.
    tile_shape : sequence of int, optional
        Shape that tiles must have, for tests of UDFs; what suits the UDFs by default.
    shown : bool
        Whether snapshots hold results, as in `Fold`.
    ordered : bool
        Whether partitions are merged in the order in which the reader hands blocks out, cut in
        a way that does not depend on the number of workers: float results are then the same
        bits for any pool. Also done if a UDF asks for it (`UDF.MERGE_ORDER`).
    newest : callable, optional
        How many blocks may wait for workers: then the newest comes first, and the oldest goes
        back unworked when there are more. When left out it is the reader's own ``room``; where
        it has none all are worked on, and wait where they are, at last in the detector.

    Raises
    ------
    ParameterError
        If there is no UDF.
    UDFException
        If a UDF asks for an order that there is not.
    """

    def __init__(
        self,
        reader: Reader,
        udfs: Mapping[str, UDF],
        pool: Pool,
        *,
        selection: NDArray[np.bool_] | None = None,
        stop_on_error: bool = False,
        ident: str | None = None,
        corrections: CorrectionSet | None = None,
        backends: str | Iterable[str] | None = None,
        array_backends: Sequence[str] = ("numpy",),
        dry_run: bool = True,
        tile_shape: Sequence[int] | None = None,
        shown: bool = True,
        ordered: bool = False,
        newest: Room | None = None,
    ) -> None:
        if not udfs:
            raise ParameterError("empty list of UDFs - nothing to do!")
        self.ident = ident or uuid.uuid4().hex
        self.name = reader.acquisition.source
        self.reader = reader
        self.udfs = dict(udfs)
        self._pool = pool
        self._stop_on_error = stop_on_error
        acquisition = reader.acquisition
        if corrections is None:
            corrections = acquisition.mask.corrections()
        reduction = Reduction(
            tuple(udfs.values()),
            nav_shape=acquisition.nav_shape,
            sig_shape=acquisition.sig_shape,
            dtype=acquisition.dtype,
            selection=selection,
            corrections=corrections,
            backends=backends,
            array_backends=array_backends,
            threads_per_worker=pool.threads_per_worker,
            tile_shape=tile_shape,
            mask=acquisition.mask,
        )
        self._dry_run = dry_run
        wanted = [_wants_order(udf) for udf in self.udfs.values()]
        ordered = ordered or any(wanted)
        self.plan = BlockPlan(CUT_FOR_WORKERS if ordered else pool.workers, selection)
        # in one thread, blocks are merged in order as it is
        has_line = ordered and not pool.in_this_thread
        self._line = Line(PLACES_PER_WORKER * pool.workers) if has_line else None
        self.fold = Fold(acquisition, reduction, tuple(udfs), selection, shown=shown)
        newest = newest or getattr(reader, "room", None)
        if newest is not None:
            self.reader = reader = NewestFirst(reader, newest, self.fold.let_go)
        self.started = time.time()
        # written by: folding thread, and by the feeding thread through `_advance`
        self._state = RunState.WAITING
        # written by: folding thread, both of these
        self._reason = ""
        self._blocks_seen = 0
        # written by: folding thread, and by the feeding thread when the reader fails
        self.error: BaseException | None = None
        # written by: anybody, under _changed
        self._changed = threading.Condition()
        self._began = time.monotonic()  # before anything of a UDF is timed
        first = self.fold.picture(self._state, "", reader.losses())
        self.publication = Publication(first, self._changed)
        self._started = False  # in threads of its own
        self._cancelled = False
        self._session: Session | None = None
        # held by: who changes parameters, and who opens a session with them
        self._steering = threading.Lock()
        self._ended: float | None = None
        # held by: who looks at the run in another scan; the last such view is kept
        self._refolding = threading.Lock()
        self._refolded: tuple[object, Snapshot] | None = None

    # what others see ------------------------------------------------------------------------

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot; never waits."""
        return self.publication.latest

    @property
    def state(self) -> RunState:
        """How far the run has come."""
        return self._state

    def want(self) -> bool:
        """Ask for a fresh snapshot.

        Returns
        -------
        bool
            Whether one will come; False when `latest` is up to date.
        """
        with self._changed:
            if self._state.is_final:
                return False
            comes = self.publication.ask(moved=self._has_moved)
            session = self._session
        if comes and session is not None:
            session.wake()
        return comes

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Be told of every snapshot.

        Parameters
        ----------
        watcher : callable
            Called with it from the folding thread; must return at once.

        Returns
        -------
        callable
            Call it to hear no more.
        """
        return self.publication.watch(watcher)

    def statistics(self) -> Mapping[str, float | int | str]:
        """Rates and counts of this run, for status pages."""
        elapsed = (self._ended or time.monotonic()) - self._began
        merged = self.fold.merged
        return {
            "seconds": round(elapsed, 3),
            "blocks": self.fold.folded_blocks,
            "frames": merged,
            "wanted": self.fold.wanted,
            "frames_per_second": round(merged / elapsed, 1) if elapsed > 0 else 0.0,
            **self.fold.lags.as_dict(),
        }

    def losses(self) -> Losses:
        """What was counted on the way so far; makes no snapshot and never waits."""
        return self.fold.losses(self.reader.losses())

    def refolded(self, rule: ScanRule) -> Snapshot:
        """The results as they are now, in another scan; no frame is looked at again.

        Parameters
        ----------
        rule : ScanRule
            What is said of the scan; open axes are worked out from the number of frames.

        Returns
        -------
        Snapshot
            UDFs that cannot do without the frames are among its failures, with the reason. Frames
            that had no place in the scan of the run are missing in any other.

        Raises
        ------
        ScanError
            If there is no such scan.
        RunFailedError
            If no UDF can do without the frames.
        """
        scan = self.scan_of(rule)
        now = self.fold.folded_blocks, self._state
        with self._refolding:
            known = self._refolded
            if known is None or known[0] != (scan, now):
                found = self.fold.refolded(scan)
                if found.fold is None:
                    raise RunFailedError(nothing_left(found.left_out))
                picture = found.fold.picture(self._state, self._reason, self.reader.losses())
                self._refolded = known = ((scan, now), picture)
            return known[1]

    def scan_of(self, rule: ScanRule) -> Scan:
        """The scan that a rule makes of this run's frames.

        Raises
        ------
        ScanError
            If there is none.
        """
        acquisition = self.reader.acquisition
        known = acquisition.frames
        scan = rule.fit(acquisition.scan.frames_needed if known is None else known).scan
        if scan.size > MOST_GROWTH * max(acquisition.scan.size, known or 0):
            raise ScanError(
                f"scan shape {scan.shape} has {scan.size} positions, for "
                f"{acquisition.scan.size if known is None else known} frames"
            )
        return scan

    def picked(self, positions: NDArray[np.int64]) -> Picked:
        """Frames of the acquisition as they came, from wherever they still are.

        Parameters
        ----------
        positions : ndarray of int64
            Flat scan positions; one for the frame, some for the sum of their frames.

        Raises
        ------
        FrameNotHeldError
            If none of them can be had.
        """
        return pick(self.reader, positions)

    def report(self) -> Report:
        """Where the time went so far."""
        acquisition = self.reader.acquisition
        return Report.of(
            self.fold.spent(),
            tuple(self.udfs),
            seconds=(self._ended or time.monotonic()) - self._began,
            frames=self.fold.merged,
            frame_bytes=acquisition.frame_bytes,
        )

    # driving it -----------------------------------------------------------------------------

    def start(self) -> None:
        """Feed and fold in threads of their own, until the acquisition ends."""
        self._started = True
        # a script that ends in the middle of a run need not wait for it
        threading.Thread(
            target=self._fold_to_end, name=f"fold-{self.ident[:8]}", daemon=True
        ).start()

    def steps(self) -> Iterator[None]:
        """Do everything in the calling thread, one block a step; for pools that work there."""
        with self._driving() as session, closing(self._blocks()) as blocks:
            for block in blocks:
                self._advance(RunState.RUNNING)
                if not session.submit(block):
                    self.reader.release(block)
                    break
                while (outcome := session.next(0)) is not None:
                    self._take(session, outcome)
                    self._publish_if_wanted()
                    yield
            self._advance(RunState.FINISHING)
            session.finish()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the run is over.

        Parameters
        ----------
        timeout : float or None
            Longest wait [s].

        Returns
        -------
        bool
            Whether it is over.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._state.is_final, timeout)

    def wait_for_blocks(self, seen: int) -> int:
        """Wait until more than ``seen`` blocks are folded, or the run is over.

        Returns
        -------
        int
            How many are folded.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._blocks_seen > seen or self._state.is_final)
            return self._blocks_seen

    def cancel(self, *, at_once: bool = False) -> None:
        """End the run as soon as may be; what is merged stays. Callable from any thread.

        Parameters
        ----------
        at_once : bool
            Whether blocks in work are given up, and their workers ended.
        """
        with self._changed:
            self._cancelled = True
            session = self._session
        if session is not None:
            session.abort() if at_once else session.stop()
        self.reader.stop()
        if self._line is not None:
            self._line.close()

    def end(self) -> None:
        """Cancel the run; returns when its threads are done, also if a worker hangs."""
        self.cancel()
        if self._started and not self.join(GRACE_SECONDS):
            self.cancel(at_once=True)
            self.join()

    def update(self, patches: Sequence[Mapping[str, Any]]) -> None:
        """Change UDF parameters for every block that was not handed out yet.

        Raises
        ------
        ParameterError
            If there is not one patch for each UDF.
        """
        with self._steering:
            self.fold.update(patches)
            # as the main side made them: a plain array became aux data there, say
            made = [
                {name: kwargs[name] for name in patch}
                for patch, (_, kwargs) in zip(patches, self.fold.spec.udfs, strict=True)
            ]
            with self._changed:
                session = self._session
            if session is not None:
                session.update(made)

    # threads --------------------------------------------------------------------------------

    def _driving(self) -> _Driving:
        return _Driving(self)

    def _blocks(self) -> Generator[Block]:
        # closed by whoever takes blocks, also when it stops in the middle
        yield from self.reader.blocks(self.plan)

    def _fold_to_end(self) -> None:
        try:
            with self._driving() as session:
                # two threads: with one, a ring smaller than the scan would wait for slots
                # that only come back when somebody folds
                feeding = threading.Thread(
                    target=self._feed,
                    args=(session,),
                    name=f"feed-{self.ident[:8]}",
                    daemon=True,
                )
                feeding.start()
                try:
                    while not session.at_end:
                        outcome = session.next(self.publication.patience(moved=self._has_moved))
                        if outcome is not None:
                            self._take(session, outcome)
                        self._publish_if_wanted()
                except BaseException:
                    # a worker nobody listens to stands still, and who feeds it with it
                    session.abandon()
                    raise
                finally:
                    session.stop()
                    self.reader.stop()
                    if self._line is not None:
                        self._line.close()
                    feeding.join()
        except BaseException as error:
            log.debug("run ended by an exception", exc_info=error)

    def _feed(self, session: Session) -> None:
        try:
            with closing(self._blocks()) as blocks:
                for block in blocks:
                    self._advance(RunState.RUNNING)
                    if not self._fed(session, block):
                        break
            self._advance(RunState.FINISHING)
        except BaseException as error:  # noqa: BLE001 - fence around a reader: ends the run
            log.error("reader failed source=%s error=%s", self.name, error)
            self.error = self.error or error
        finally:
            session.finish()

    def _fed(self, session: Session, block: Block) -> bool:
        taken = False
        try:
            has_place = self._line is None or self._line.join(block.ident)
            taken = has_place and session.submit(block)
        finally:
            if not taken:
                self.reader.release(block)
        return taken

    def _take(self, session: Session, outcome: Outcome) -> None:
        due = [outcome]
        try:
            if self._line is not None:
                due = self._line.due(outcome)
            for one in due:
                self.fold.fold(one)
        finally:
            session.folded(outcome)
            self.reader.release(outcome.block)
        with self._changed:
            self._blocks_seen += len(due)
            self._changed.notify_all()
        if self.fold.is_spoilt and self.error is None:
            self.error = DataError(
                f"most frames cannot be decoded ({self.fold.undecodable} of "
                f"{self.fold.undecodable + self.fold.merged}): {self.fold.why_undecodable}"
            )
            self.cancel()
        if self._stop_on_error and self.fold.first_error is not None and self.error is None:
            self.error = self.fold.first_error
            self.cancel()

    def _publish_if_wanted(self) -> None:
        if self.publication.patience(moved=self._has_moved) == 0:
            self._publish()

    @property
    def _has_moved(self) -> bool:
        """Whether there is anything that `latest` does not show."""
        return self.fold.moved or self._state is not self.publication.latest.state

    def _advance(self, state: RunState) -> None:
        """Note that the run has come so far; it never goes back."""
        with self._changed:
            if _ORDER.index(state) > _ORDER.index(self._state):
                self._state = state

    def _publish(self) -> None:
        with self.publication.making():
            snapshot = self.fold.picture(self._state, self._reason, self.reader.losses())
        self._show(snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        with self._changed:
            # together: who waits for the end must find the last snapshot there
            self._advance(snapshot.state)
            self._reason = snapshot.reason
            self.publication.latest = snapshot
        self.publication.show(snapshot)

    def began(self, session: Session) -> None:
        """Note that workers are at hand.

        Raises
        ------
        Exception
            If the UDFs cannot work, as a dry run shows.
        """
        if self._dry_run and tried(self.fold.spec):
            self.fold.try_out(lambda noise: session.try_out(noise=noise))
            found = self.fold.first_error
            if found is not None and (self._stop_on_error or self.fold.is_hopeless):
                raise found
        with self._changed:
            self._state = RunState.ARMED
            cancelled = self._cancelled
        if cancelled:
            session.stop()
        self._publish()

    def ended(self, error: BaseException | None) -> None:
        """Note that nothing will be folded any more, and why."""
        with self._changed:
            self._session = None
            if isinstance(error, (UDFRunCancelled, KeyboardInterrupt, GeneratorExit)):
                self._cancelled = True
            elif error is not None and self.error is None:
                self.error = error
        self._ended = time.monotonic()
        try:
            snapshot = self._final()
        except Exception as failed:  # whatever it is: those who wait must hear of the end
            log.exception("last snapshot failed run=%s error=%s", self.ident, failed)
            self.error = self.error or failed
            before = self.latest
            snapshot = replace(
                before,
                version=before.version + 1,
                state=RunState.FAILED,
                reason=_reason(self.error),
                created=time.time(),
            )
        self._show(snapshot)

    def _final(self) -> Snapshot:
        ending = self.reader.ending()
        self.fold.close(ending.joined)
        if self.error is not None:
            state, reason = RunState.FAILED, _reason(self.error)
        elif self._cancelled:
            state, reason = RunState.ABORTED, CANCELLED
        elif ending.complete:
            state, reason = RunState.COMPLETE, ending.reason
        else:
            state, reason = RunState.ABORTED, ending.reason
        return self.fold.picture(state, reason, ending.losses)

    def open_session(self) -> Session:
        """Workers for this run."""
        with self._steering:
            session = self._pool.session(self.fold.spec, tuple(self.udfs))
            with self._changed:
                self._session = session
                cancelled = self._cancelled
        if cancelled:
            session.stop()
        return session


def _wants_order(udf: UDF) -> bool:
    if udf.MERGE_ORDER not in ORDERS:
        raise UDFException(
            f"{type(udf).__name__}.MERGE_ORDER is {udf.MERGE_ORDER!r}; it may be {ORDERS}"
        )
    return udf.MERGE_ORDER == "partition"


def nothing_left(left_out: Mapping[str, str]) -> str:
    """Why there is nothing to be seen in another scan."""
    reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
    return f"no result can be had in another scan without the frames: {reasons}"


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


class _Driving:
    """From the first block to the final snapshot, whoever drives."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._session: Session | None = None

    def __enter__(self) -> Session:
        try:
            session = self._run.open_session().__enter__()
        except BaseException as error:
            self._run.reader.stop()
            self._run.ended(error)
            raise
        self._session = session
        try:
            self._run.began(session)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        session = self._session
        assert session is not None
        try:
            self._run.reader.stop()
            session.__exit__(None, None, None)
            # those whose outcome nobody took: their slots must come back all the same
            for block in session.leftovers():
                self._run.reader.release(block)
        finally:
            self._run.ended(error)


def check_failed(run: Run) -> None:
    """Raise what ended a run, if something did.

    Raises
    ------
    Exception
        The UDF's own exception, or ours.
    """
    if isinstance(run.error, Exception):
        raise run.error
    if run.error is not None or run.state is RunState.FAILED:
        # a SystemExit of a UDF, say, must not end whoever asked for the run
        raise RunFailedError(run.latest.reason) from run.error
