"""What a configuration says to the parts of a server: stream, recorder, workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from framefold.api import usable_cores
from framefold.config import Config, ScanConfig, SourceConfig
from framefold.core.scan_rule import ScanRule
from framefold.engine.limits import Limits
from framefold.errors import ConfigError, DataError, ScanError
from framefold.formats.position_files import read_positions
from framefold.live.settings import MIB, StreamSettings
from framefold.live.stream import TO_A_DETECTOR, Listening
from framefold.record.logging_receiver import logging_messages
from framefold.record.message_log import LogSettings
from framefold.record.plan import folder_of
from framefold.record.settings import RecordingSettings
from framefold.record.switch import Forms, RecordingSwitch

GIB = 1 << 30


def checked_positions(scan: ScanConfig) -> NDArray[np.int64] | None:
    """The position table of a configuration, read from its file.

    Raises
    ------
    ConfigError
        If it cannot be read, naming key, file and line.
    """
    with _fault_of_positions(scan):
        return read_positions(scan.positions)


def checked_rule(scan: ScanConfig) -> ScanRule:
    """What a configuration says of the scan, with its position table made.

    Raises
    ------
    ConfigError
        If the table cannot be read, or does not go with the scan.
    """
    rule = ScanRule(
        scan.nav_shape,
        scan.sync_offset,
        order=scan.order,
        flyback=scan.flyback,
        lead_in=scan.lead_in,
        frames_per_position=scan.frames_per_position,
        repeats=scan.repeats,
        positions=checked_positions(scan),
    )
    with _fault_of_positions(scan):
        return rule.with_table()


@contextmanager
def _fault_of_positions(scan: ScanConfig) -> Iterator[None]:
    """Errors say that it is the position table of a configuration that is wrong."""
    try:
        yield
    except (DataError, ScanError) as error:
        if scan.positions is None:
            raise
        raise ConfigError(f"scan.positions = {scan.positions!r}: {error}") from error


def stream_settings(config: Config, source: SourceConfig) -> StreamSettings:
    """What the receiver is told.

    Raises
    ------
    ConfigError
        If the position table cannot be read, or does not go with the scan.
    """
    scan, rule = config.scan, checked_rule(config.scan)
    auto = scan.frames_per_partition == "auto"
    return StreamSettings(
        endpoint=source.stream,
        protocol=source.protocol,
        channel=source.channel,
        nav_shape=rule.nav_shape,
        sync_offset=rule.sync_offset,
        scan_order=rule.order,
        flyback=rule.flyback,
        lead_in=rule.lead_in,
        frames_per_position=rule.frames_per_position,
        repeats=rule.repeats,
        ring_bytes=config.buffers.shared_memory_mib * MIB,
        keep_bytes=config.buffers.keep_mib * MIB,
        block_bytes=config.buffers.block_mib * MIB,
        frames_per_block=None if auto else int(scan.frames_per_partition),
        update_seconds=scan.update_s,
        idle_seconds=scan.idle_abort_s,
        log_level=config.logging.level,
        masked=source.masked,
        transport=source.transport,
        processing=config.overload.processing,
        positions=rule.positions,
    )


def recording_settings(config: Config) -> RecordingSettings | None:
    """What the recorder is told; None where there is no folder, so that nothing is recorded.

    Raises
    ------
    ConfigError
        If there cannot be such a folder.
    """
    told = config.recording
    if told.folder is None:
        return None
    folder_of(told.folder)  # what is wrong with it should be said before the start
    return RecordingSettings(
        directory=told.folder,
        file_bytes=told.max_file_mib * MIB,
        min_free_bytes=int(told.min_free_gib * GIB),
        log_level=config.logging.level,
    )


def first_forms(config: Config) -> Forms:
    """In which forms acquisitions are recorded until somebody says something else."""
    told = config.recording
    return Forms(told.enabled, told.enabled and told.wire_log)


def listening_of(config: Config, source: SourceConfig, switch: RecordingSwitch) -> Listening:
    """Which process listens: one that logs all messages, if that may ever be asked for."""
    told = recording_settings(config)
    if told is None or not (switch.next.wire_log or config.server.control):
        return TO_A_DETECTOR
    settings = LogSettings(told.directory, source.stream, told.min_free_bytes)
    return logging_messages(settings, lambda: switch.next.wire_log)


def worker_count(config: Config) -> int:
    """How many workers to start."""
    count = config.workers.count
    return usable_cores() if count == "auto" else count


def worker_limits(config: Config) -> Limits:
    """What a worker may take."""
    told = config.workers
    memory = None if told.memory_mib == "auto" else int(told.memory_mib) * MIB
    return Limits(told.block_s, memory)
