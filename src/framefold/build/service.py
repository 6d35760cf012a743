"""Service: live processing with results over HTTP, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from framefold.api import PRELOAD
from framefold.build.pipeline import DEFAULT_PIPELINE, make_pipeline
from framefold.build.settings import (
    GIB,
    first_forms,
    listening_of,
    recording_settings,
    stream_settings,
    worker_count,
    worker_limits,
)
from framefold.config import Config
from framefold.core.losses import Losses
from framefold.core.reader import Reader
from framefold.engine.history import History
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run
from framefold.errors import FramefoldError
from framefold.http.app import make_app
from framefold.http.control import new_token
from framefold.http.server import serving
from framefold.http.token_file import kept_token
from framefold.live.settings import MIB
from framefold.live.stream import Listening, LiveReader, Stream
from framefold.processes.launcher import Launcher
from framefold.processes.memory import give_memory_back
from framefold.record.control import RecordingControl
from framefold.record.recorded_reader import RecordedReader
from framefold.record.recording import Recording
from framefold.record.run_results import keep_results
from framefold.record.shelf import Shelf
from framefold.record.switch import RecordingSwitch

log = logging.getLogger(__name__)

SLOW_START_SECONDS = 4.0
"""With compiled kernels in numba's cache the workers are ready long before that [s]."""


class Service:
    """Live processing with results over HTTP, until told to stop.

    Parameters
    ----------
    config : Config
    source : str or None
        Which source to listen to; may be left out where there is only one.
    listening : Listening or None
        Who listens; None for what the configuration says.

    Raises
    ------
    ConfigError
        If the configuration cannot be used.
    """

    def __init__(
        self, config: Config, source: str | None = None, listening: Listening | None = None
    ) -> None:
        self._config = config
        self._source = config.source(source)
        self._settings = stream_settings(config, self._source)
        first = first_forms(config)
        if listening is not None and not listening.logs_messages:
            first = replace(first, wire_log=False)
        self._switch = RecordingSwitch(first)
        self._listening = listening or listening_of(config, self._source, self._switch)
        self._recording_settings = recording_settings(config)
        make_pipeline(config.pipeline)  # what is wrong with it should be said before the start
        self.history = History(config.history.keep_in_memory)
        told = config.history
        self.shelf = Shelf(told.directory, told.keep_on_disk) if told.directory else None
        self._launcher = Launcher(PRELOAD)
        self._pool: ProcessPool | None = None
        self._stream: Stream | None = None
        self._recording: Recording | None = None
        self._results_file = ""  # of the acquisition at hand; written by: who processes
        self._acquiring: threading.Thread | None = None
        self._stopped = threading.Event()
        self._through: Callable[[], None] = lambda: None  # called when no acquisition will come

    def start(self) -> None:
        """Start listening and working; returns when both are ready.

        Raises
        ------
        ConfigError
            If the stream cannot be listened to.
        """
        self._stream = Stream(self._launcher, self._settings, self._listening)
        self._stream.heed()  # whoever switched in this moment had nobody to tell
        told = self._recording_settings
        if told is not None and (self._switch.next.hdf5 or self._config.server.control):
            self._recording = Recording(self._launcher, told)
        self._pool = ProcessPool(
            self._launcher, worker_count(self._config), worker_limits(self._config)
        )
        self._acquiring = threading.Thread(
            target=self._acquire, args=(self._stream, self._pool), name="acquire"
        )
        self._acquiring.start()

    def _acquire(self, stream: Stream, pool: ProcessPool) -> None:
        try:
            for reader in stream:
                self._process(reader, pool)
                if self._stopped.is_set():
                    return
        except FramefoldError as error:
            log.error("stream given up source=%s error=%s", self._source.stream, error)
        finally:
            self._through()

    def _process(self, live: LiveReader, pool: ProcessPool) -> None:
        reader: Reader = live
        recorded: RecordedReader | None = None
        if self._recording is not None and self._switch.next.hdf5:
            self._results_file = ""
            reader = recorded = self._recording.reader(live)
        run = None
        try:
            run = self._run(reader, pool)
        finally:
            if recorded is not None:
                recorded.join()
        if run is not None and recorded is not None and self._config.recording.results:
            self._keep_results(run)

    def _keep_results(self, run: Run) -> None:
        """Write the results beside the recording, if there is one."""
        assert self._recording is not None
        recording = self._recording.state
        if recording is None or not recording.file or recording.acquisition != run.ident:
            return  # it could not be begun, and has said so
        try:
            path = keep_results(run, recording, self._described_pipeline())
        except Exception as error:  # whatever UDFs' results are: the next acquisition must come
            log.exception("results not kept id=%s error=%s", run.ident, error)
            return
        self._results_file = str(path)
        log.info("results kept id=%s file=%s", run.ident, path)

    def _described_pipeline(self) -> list[dict[str, Any]]:
        """Names, UDFs and parameters, for whoever wants to make the results again."""
        return [entry.model_dump() for entry in self._config.pipeline or DEFAULT_PIPELINE]

    def _run(self, reader: Reader, pool: ProcessPool) -> Run | None:
        try:
            run = Run(
                reader,
                make_pipeline(self._config.pipeline),
                pool,
                ident=reader.acquisition.ident,
            )
        except Exception as error:
            log.exception("not processed id=%s error=%s", reader.acquisition.ident, error)
            reader.stop()
            return None
        self.history.add(run)
        if self._stopped.is_set():
            run.cancel()
        run.start()
        run.join()
        if self.shelf is not None:
            self.shelf.keep(run, self._described_pipeline())
        log.info("acquisition %s: %s", run.state.value, run.latest.reason)
        return run

    def status(self) -> Mapping[str, object]:
        """What the status page shows beside the current run."""
        stream, pool = self._stream, self._pool
        recording = self._recording.state if self._recording else None
        logged = stream.wire_log if stream else None
        newest = self.history.get("latest")
        source = asdict(stream.statistics()) if stream else {}
        totals = self._totals(source)
        return {
            "source": {
                "endpoint": self._source.stream,
                "type": self._source.type,
                **source,
                "last_refusal": stream.last_refusal if stream else "",
                "quarantine": [
                    {"kind": one.kind, "detail": one.detail, "lengths": one.lengths}
                    for one in (stream.quarantine if stream else ())
                ],
            },
            "recording": {**recording.as_dict(), "results": self._results_file}
            if recording
            else None,
            "wire_log": logged.as_dict() if logged else None,
            "workers": {
                "count": pool.workers if pool else 0,
                "replaced": pool.replaced if pool else 0,
                "last_loss": pool.last_loss if pool else "",
            },
            "history": {
                "directory": str(self.shelf.directory),
                "kept": len(self.shelf),
                "failure": self.shelf.failure,
            }
            if self.shelf
            else None,
            "run": _run_facts(newest) if newest else None,
            "totals": totals,
        }

    def _totals(self, source: dict[str, Any]) -> dict[str, object]:
        """What was counted over all acquisitions; what of it the stream counts is taken out of its
        facts.
        """
        runs = self.history.totals()
        lost = runs.losses + Losses(**source.pop("losses", {}))
        return {
            "losses": lost.as_dict(),
            "runs": dict(runs.runs),
            "merged": runs.merged,
            "blocks": runs.blocks,
            "recording": self._recording.totals().as_dict() if self._recording else None,
            "logged_messages": source.pop("logged_messages", 0),
            "logged_bytes": source.pop("logged_bytes", 0),
        }

    def recording_control(self) -> RecordingControl:
        """How acquisitions are recorded, and the switch for the next one."""
        told, config = self._recording_settings, self._config.recording
        return RecordingControl(
            self._switch,
            told.directory if told else None,
            int(config.min_free_gib * GIB),
            logs_messages=self._listening.logs_messages,
            recording=lambda: self._recording.state if self._recording else None,
            wire_log=lambda: self._stream.wire_log if self._stream else None,
            heed=lambda: self._stream.heed() if self._stream else None,
        )

    def stop(self) -> None:
        """End everything; returns when no process is left."""
        self._stopped.set()
        if self._stream is not None:
            self._stream.close()
        for run in self.history.runs():
            if not run.state.is_final:
                run.end()
        if self._acquiring is not None:
            self._acquiring.join()
        if self._stream is not None:
            self._stream.end()
        if self._recording is not None:
            self._recording.close()
        if self._pool is not None:
            self._pool.close()
        self._launcher.close()
        if self.shelf is not None:
            self.shelf.close()

    async def _started(self, ending: asyncio.Event) -> None:
        """Start, and say so when that takes long; give up when told to end."""
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        told = asyncio.ensure_future(ending.wait())
        first = asyncio.FIRST_COMPLETED
        given_up = False
        try:
            done, _ = await asyncio.wait(
                {starting, told}, timeout=SLOW_START_SECONDS, return_when=first
            )
            if not done:
                log.warning(
                    "compiling kernels: needed once after an installation or an update, "
                    "takes about half a minute"
                )
                await asyncio.wait({starting, told}, return_when=first)
        finally:
            told.cancel()
            given_up = not starting.done()
            if given_up:  # also when cancelled: nobody may go on starting while we stop
                self._launcher.abandon()
                await asyncio.wait({starting})
                starting.exception()  # what it says is that we abandoned it
        if not given_up:
            await starting

    async def run(
        self,
        *,
        announce: Any = print,
        announce_token: Callable[[str, Path | None], object] = print,
        until_through: bool = False,
    ) -> None:
        """Serve until SIGINT or SIGTERM.

        Parameters
        ----------
        announce : callable
            Told the address once it answers.
        announce_token : callable
            Told next, where the configuration allows control: the token of this start, and the
            file that it is in, if any.
        until_through : bool
            Whether to end by itself when no further acquisition can come.

        Raises
        ------
        ConfigError
            If the port is in use, the stream cannot be listened to, or the token cannot be kept.
        """
        give_memory_back()
        server = self._config.server
        token = new_token() if server.control else None
        app = make_app(
            self.history,
            self.status,
            allowed_hosts=server.allowed_hosts,
            max_response_bytes=server.max_response_mib * MIB,
            update_seconds=self._config.scan.update_s,
            shelf=self.shelf,
            token=token,
            recorded=self.recording_control(),
        )
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ending.set)
        if until_through:
            self._through = lambda: _set_from_thread(loop, ending)
        try:
            async with serving(app, server.host, server.port) as address:
                # not before the port is ours: the file may be that of whoever has it
                with kept_token(token, server.token_file) as file:
                    announce(address)
                    if token is not None:
                        announce_token(token, file)
                    await self._started(ending)
                    await ending.wait()
        finally:
            await asyncio.to_thread(self.stop)


def _run_facts(run: Run) -> dict[str, object]:
    """How a run goes, without a snapshot that somebody would have to make."""
    failed = run.fold.failed
    return {
        "state": run.state.value,
        **run.statistics(),
        "failed": {name: name in failed for name in run.udfs},
    }


def _set_from_thread(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)
