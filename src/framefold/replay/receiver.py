"""The receiver's process with a recording in the place of a detector."""

from __future__ import annotations

from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from framefold.live.receiver import listen
from framefold.live.settings import StreamSettings
from framefold.live.stream import Listening
from framefold.live.transport import Transport
from framefold.replay.source import ReplaySource
from framefold.replay.transport import ReplayTransport

TARGET = "framefold.replay.receiver:main"


def playing(source: ReplaySource) -> Listening:
    """What a `Stream` is told so that it plays a recording."""
    return Listening(TARGET, (source,))


def main(
    connection: Connection, settings: StreamSettings, path: str, size: int, source: ReplaySource
) -> None:
    """Life of a receiver that plays a recording.

    Parameters
    ----------
    connection, settings, path, size
        As for `framefold.live.receiver.main`.
    source : ReplaySource
    """

    def open_transport(_: NDArray[np.int64]) -> Transport:
        return ReplayTransport(source.messages(), source.pace)

    listen(connection, settings, path, size, open_transport)
