"""MerlinController: starts and stops a Merlin readout over its control port."""

from __future__ import annotations

import math
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from framefold.errors import RunFailedError

API_PORT = 6341
TIMEOUT_SECONDS = 10.0
_RETRIED = ("1", "4")  # codes for "busy", by whom one asks
_ATTEMPTS = 5
_MEANINGS = {"1": "busy", "2": "not recognised", "3": "out of range", "4": "busy"}
_LONGEST = 1 << 20


class MerlinControl:
    """A dialogue over the control port: one question, one answer.

    Parameters
    ----------
    host, port
        Where it is.

    Raises
    ------
    RunFailedError
        If nobody is there; likewise later, if an answer does not come or says no.
    """

    def __init__(self, host: str, port: int = API_PORT) -> None:
        self._where = f"{host}:{port}"
        self._heard = b""
        try:
            self._socket = socket.create_connection((host, port), TIMEOUT_SECONDS)
        except OSError as error:
            raise RunFailedError(f"no Merlin at {self._where}: {error}") from error

    def get(self, name: str) -> str:
        """The value of a variable, as it is written."""
        return self._asked("GET", name)[2]

    def set(self, name: str, value: object) -> None:
        """Give a variable another value."""
        self._asked("SET", name, str(value))

    def command(self, name: str) -> None:
        """Have something done."""
        self._asked("CMD", name)

    def _asked(self, verb: str, name: str, *more: str) -> list[str]:
        text = ",".join((verb, name, *(more or ("0",))))
        for _ in range(_ATTEMPTS):
            words = self._exchanged(text)
            if words[:2] != [verb, name] or len(words) < (4 if verb == "GET" else 3):
                raise RunFailedError(f"{self._where}: {text!r} was answered {','.join(words)!r}")
            if words[-1] == "0":
                return words
            if words[-1] not in _RETRIED:
                break
        meaning = _MEANINGS.get(words[-1], "failed")
        raise RunFailedError(f"{self._where}: {text!r}: code {words[-1]}, {meaning}")

    def _exchanged(self, text: str) -> list[str]:
        payload = text.encode("latin-1")
        try:
            # the number counts the comma behind it
            self._heard = b""  # of the last answer: one question, one answer
            self._socket.sendall(b"MPX,%010d,%s" % (len(payload) + 1, payload))
            return self._answer().decode("latin-1").strip("\0 \r\n").split(",")
        except OSError as error:
            raise RunFailedError(f"{self._where}: no answer to {text!r}: {error}") from error

    def _answer(self) -> bytes:
        self._wait_for(15)
        prefix = self._heard[:15]
        if prefix[:4] != b"MPX," or not prefix[4:14].isdigit():
            raise RunFailedError(f"{self._where}: {prefix!r} is no answer of a Merlin")
        size = max(1, min(int(prefix[4:14]), _LONGEST)) - 1
        self._wait_for(15 + size)
        if self._heard[14 + size : 15 + size] == b",":
            size += 1  # whoever does not count the comma of the prefix is a byte short: the code
            self._wait_for(15 + size)
        return self._heard[15 : 15 + size]

    def _wait_for(self, count: int) -> None:
        while len(self._heard) < count:
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionResetError("the connection was closed")
            self._heard += piece

    def close(self) -> None:
        """End the dialogue."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class MerlinController:
    """Sets a readout up and starts it, when a run begins.

    Parameters
    ----------
    host, port
        Its control port.
    settings : mapping
        Further variables of the readout, by name, that are set before.
    internal : bool
        Whether the readout triggers itself; else the scan engine does, at rising edges.
    dwell_time, exposure : float or None
        From frame to frame, and how long each is exposed [s].
    counter_depth : int or None
        Bits of a counter: 1, 6, 12 or 24.
    frames_per_trigger : int or None
        Frames for each trigger; of a whole line, or one.

    Notes
    -----
    In the order of the manual: stop, set values, start; the data port is connected before.
    """

    def __init__(
        self,
        host: str,
        port: int = API_PORT,
        *,
        settings: Mapping[str, object] | None = None,
        internal: bool = False,
        dwell_time: float | None = None,
        exposure: float | None = None,
        counter_depth: int | None = None,
        frames_per_trigger: int | None = None,
    ) -> None:
        self._where = (host, port)
        edge = 0 if internal else 1
        self._settings: dict[str, object] = {"TRIGGERSTART": edge, "TRIGGERSTOP": 0}
        if dwell_time is not None:
            self._settings["ACQUISITIONPERIOD"] = f"{dwell_time * 1000:g}"
        if exposure is not None:
            self._settings["ACQUISITIONTIME"] = f"{exposure * 1000:g}"
        if counter_depth is not None:
            self._settings["COUNTERDEPTH"] = counter_depth
        if frames_per_trigger is not None:
            self._settings["NUMFRAMESPERTRIGGER"] = frames_per_trigger
        self._settings |= settings or {}

    def arm(self, nav_shape: tuple[int, ...] | None) -> int | None:
        """Set the readout up and start it; it counts no series.

        Parameters
        ----------
        nav_shape : tuple of int or None
            The scan; frames are as many as the readout is set to when None.

        Raises
        ------
        RunFailedError
            If it cannot be reached, or refuses.
        """
        with MerlinControl(*self._where) as control:
            control.command("STOPACQUISITION")
            for name, value in self._settings.items():
                control.set(name, value)
            if nav_shape is not None:
                control.set("NUMFRAMESTOACQUIRE", math.prod(nav_shape))
                if "NUMFRAMESPERTRIGGER" not in self._settings and len(nav_shape) > 1:
                    control.set("NUMFRAMESPERTRIGGER", nav_shape[-1])
            control.command("STARTACQUISITION")
        return None

    def disarm(self) -> None:
        """Stop the readout.

        Raises
        ------
        RunFailedError
            If it cannot be reached, or refuses.
        """
        with MerlinControl(*self._where) as control:
            control.command("STOPACQUISITION")
