"""The metrics there are: what each is called, what it means, and where the status has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial

from framefold.core.snapshot import RunState

Facts = Mapping[str, object]
"""What `Services.status` gives, and what HTTP itself knows, below ``http``."""


class Kind(Enum):
    """What a value may do."""

    COUNTER = "counter"
    """It only grows, as long as the server runs."""
    GAUGE = "gauge"
    """It goes up and down."""
    STATE = "state"
    """One of some words; a sample for each of them, which is 1 for the one that holds."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Parameters
    ----------
    name : str
        Without the ``_total`` that counters get.
    kind : Kind
    help : str
        One sentence for people.
    read : callable
        Finds the value among the facts: a number; with labels a mapping of label to number; for
        a state its word. Anything else means that there is none.
    labels : tuple of str
        At most one.
    states : tuple of str
        The words of a state.
    """

    name: str
    kind: Kind
    help: str
    read: Callable[[Facts], object]
    labels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """``bytes``, ``seconds``, or empty for what is merely counted."""
        last = self.name.rpartition("_")[2]
        return last if last in ("bytes", "seconds") else ""


def _at(path: str, facts: Facts) -> object:
    found: object = facts
    for key in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def _lags(facts: Facts) -> object:
    run = facts.get("run")
    if not isinstance(run, Mapping):
        return None
    return {
        key[len("lag_") : -len("_s")]: seconds
        for key, seconds in run.items()
        if key.startswith("lag_") and key.endswith("_s")
    }


def _counter(name: str, path: str, told: str, *labels: str) -> Family:
    return Family(name, Kind.COUNTER, told, partial(_at, path), labels)


def _gauge(name: str, path: str, told: str, *labels: str) -> Family:
    return Family(name, Kind.GAUGE, told, partial(_at, path), labels)


def _state(name: str, path: str, told: str, *states: str) -> Family:
    return Family(name, Kind.STATE, told, partial(_at, path), states=states)


_LOSSES = {
    "received": "Frames that arrived and found their place, late ones included.",
    "missing": "Positions for which no frame came, counted when their run ends.",
    "duplicate": "Frames whose position had been received before.",
    "corrupt": "Messages or frames that did not fit what they claimed.",
    "late": "Frames received after those around them were handed out; they are in the results.",
    "flyback": "Frames that the scan has no position for by its own rule.",
    "surplus": "Frames beyond the last one that the scan needs.",
    "undecodable": "Frames that arrived whole but could not be decoded.",
    "dropped": "Frames that were let go because processing was too slow.",
    "stale": "Frames of a series that was over already, or that was refused.",
    "set_aside": "Frames given up because working on them killed workers.",
}

METRICS = (
    _gauge("framefold_source_connected", "source.connected", "Whether the detector is there."),
    _counter("framefold_source_messages", "source.messages", "Messages taken off the wire."),
    _counter(
        "framefold_source_payload_bytes",
        "source.payload_bytes",
        "Encoded frames put into the ring, as they came.",
    ),
    _counter("framefold_source_acquisitions", "source.acquisitions", "Series that were begun."),
    _counter(
        "framefold_source_stalls",
        "source.stalls",
        "How often a frame had to wait for a free slot; the detector has to wait meanwhile.",
    ),
    _counter(
        "framefold_source_receiver_restarts",
        "source.restarts",
        "Receiver processes that died and were replaced.",
    ),
    *(
        _counter(f"framefold_frames_{name}", f"totals.losses.{name}", told)
        for name, told in _LOSSES.items()
    ),
    _gauge("framefold_ring_bytes", "source.ring_bytes", "Shared memory for frames on their way."),
    _gauge("framefold_ring_slots", "source.slots", "Slots of the ring; 0 before a series."),
    _gauge("framefold_ring_free_slots", "source.free_slots", "Slots that frames can go to."),
    _gauge(
        "framefold_ring_kept_slots",
        "source.kept_slots",
        "Slots that were worked on and are kept to be looked at; of those that are not free.",
    ),
    _gauge("framefold_workers", "workers.count", "Worker processes."),
    _counter(
        "framefold_workers_replaced",
        "workers.replaced",
        "Workers that died, hung or took too much memory, and were replaced.",
    ),
    _counter("framefold_runs", "totals.runs", "Acquisitions that are over, by how.", "state"),
    _counter("framefold_positions_merged", "totals.merged", "Positions merged into results."),
    _counter("framefold_blocks_folded", "totals.blocks", "Blocks merged or given up."),
    _state(
        "framefold_run_state",
        "run.state",
        "How far the newest run has come.",
        *(state.value for state in RunState),
    ),
    _gauge("framefold_run_seconds", "run.seconds", "How long the newest run took so far."),
    _gauge(
        "framefold_run_merged_positions", "run.frames", "Positions in results of the newest run."
    ),
    _gauge("framefold_run_wanted_positions", "run.wanted", "Positions the newest run selects."),
    Family(
        "framefold_run_lag_seconds",
        Kind.GAUGE,
        "How long the last block of the newest run was underway in each stage.",
        _lags,
        ("stage",),
    ),
    _gauge(
        "framefold_run_udf_failed",
        "run.failed",
        "Whether a UDF of the newest run raised, and is left out since.",
        "udf",
    ),
    _state(
        "framefold_recording_state",
        "recording.state",
        "How the last recording goes, or went.",
        "recording", "complete", "aborted", "stopped",
    ),
    _gauge(
        "framefold_recording_free_bytes",
        "recording.free_bytes",
        "Room on the disk when it was last looked at.",
    ),
    _gauge(
        "framefold_recording_needed_bytes",
        "recording.needed_bytes",
        "What was expected of the whole acquisition before it began.",
    ),
    _counter(
        "framefold_recordings",
        "totals.recording.recordings",
        "Recordings that are over, by how.",
        "state",
    ),
    _counter("framefold_recorded_frames", "totals.recording.frames", "Frames written to files."),
    _counter(
        "framefold_recorded_bytes", "totals.recording.nbytes", "What these take, as they came."
    ),
    _counter(
        "framefold_recorded_unkept_frames",
        "totals.recording.unkept",
        "Frames that no file could hold as they were.",
    ),
    _state(
        "framefold_wire_log_state",
        "wire_log.state",
        "Whether all messages are logged.",
        "waiting", "logging", "stopped", "off",
    ),
    _counter(
        "framefold_wire_log_messages", "totals.logged_messages", "Messages written to wire logs."
    ),
    _counter("framefold_wire_log_bytes", "totals.logged_bytes", "Length of all wire logs."),
    _gauge("framefold_history_runs", "http.remembered", "Runs whose results can be had."),
    _gauge("framefold_http_held_requests", "http.held", "Requests that wait for a change."),
    _gauge("framefold_http_watched_runs", "http.watched", "Runs that somebody waits on."),
)  # fmt: skip
"""In the order in which they are told."""
