"""Log the messages of a detector without knowing anything of them: transport in, file out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from framefold.live.transport import Transport
from framefold.wirelog import LogWriter

_FLUSH_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Until:
    """When to stop, beside when told to.

    Parameters
    ----------
    messages : int or None
        After so many.
    seconds : float or None
        After so long [s].
    idle_seconds : float or None
        After so long a silence, once something came [s].
    """

    messages: int | None = None
    seconds: float | None = None
    idle_seconds: float | None = None


def record_wire(
    transport: Transport,
    writer: LogWriter,
    until: Until,
    control: int,
    told: Callable[[int, int], None] = lambda messages, nbytes: None,  # noqa: ARG005
) -> str:
    """Write message after message.

    Parameters
    ----------
    transport : Transport
    writer : LogWriter
    until : Until
    control : int
        Descriptor that becomes readable when it is time to stop.
    told : callable
        Is given messages and bytes so far, a few times a second.

    Returns
    -------
    str
        Why it ended.

    Raises
    ------
    OSError
        If the disk is full, or gone; what was written before is there.
    """
    began = last = flushed = time.monotonic()
    while True:
        now = time.monotonic()
        if until.messages is not None and writer.messages >= until.messages:
            return f"{writer.messages} messages were asked for"
        if until.seconds is not None and now - began >= until.seconds:
            return f"{until.seconds:g} s were asked for"
        silent = until.idle_seconds is not None and writer.messages
        if silent and now - last >= (until.idle_seconds or 0.0):
            return f"no message for {until.idle_seconds:g} s"
        stop, ready = transport.wait(control, _FLUSH_SECONDS, data=True)
        if stop:
            os.read(control, 1)
            return "told to stop"
        while ready and (until.messages is None or writer.messages < until.messages):
            parts = transport.receive()
            if parts is None:
                break
            last = time.monotonic()
            writer.write(parts, time.monotonic_ns(), time.time_ns())
            if last - flushed > _FLUSH_SECONDS:
                break
        if time.monotonic() - flushed >= _FLUSH_SECONDS:
            writer.flush()
            flushed = time.monotonic()
            told(writer.messages, writer.nbytes)
