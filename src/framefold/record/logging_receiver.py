"""The receiver's process with a log of all messages beside."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from framefold.live.connecting import connect_as
from framefold.live.receiver import listen
from framefold.live.settings import StreamSettings
from framefold.live.stream import Listening
from framefold.live.transport import Transport
from framefold.live.wire_log_state import WireLogNews
from framefold.record.logging_transport import LoggingTransport
from framefold.record.message_log import LogSettings, MessageLog

TARGET = "framefold.record.logging_receiver:main"

FINISH_SECONDS = 10.0
"""How long the last log may take to be finished [s]."""


def logging_messages(
    settings: LogSettings, logs_next: Callable[[], bool] = lambda: True
) -> Listening:
    """What a `Stream` is told so that all messages are logged.

    Parameters
    ----------
    settings : LogSettings
    logs_next : callable
        Whether those of the next series are.
    """
    return Listening(TARGET, (settings,), FINISH_SECONDS, logs_messages=True, logs_next=logs_next)


def main(
    connection: Connection, settings: StreamSettings, path: str, size: int, logs: LogSettings
) -> None:
    """Life of a receiver that logs.

    Parameters
    ----------
    connection, settings, path, size
        As for `framefold.live.receiver.main`.
    logs : LogSettings
    """

    def tell(news: WireLogNews) -> None:
        connection.send_bytes(pickle.dumps(("logging", news)))

    def open_transport(counts: NDArray[np.int64]) -> Transport:
        return LoggingTransport(connect_as(settings), MessageLog(logs, counts=counts, tell=tell))

    listen(connection, settings, path, size, open_transport)
