"""The control port of a simulated Merlin: variables, and commands that start and stop it."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import replace

from framefold_simulators.detector import Detector

OK, BUSY, UNKNOWN, OUT_OF_RANGE = "0", "1", "2", "3"
_MOST = 2_000_000_000


class Control:
    """Questions -> what a Merlin answers; no socket in it.

    Parameters
    ----------
    detector : Detector
        Configured and commanded by the questions.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        h, w = detector.settings.sig_shape
        self._values = {  # kept and given back, without further effect but for the number of frames
            "ACQUISITIONPERIOD": f"{detector.settings.frame_time * 1000:g}",
            "ACQUISITIONTIME": f"{detector.settings.frame_time * 1000:g}",
            "CONTINUOUSRW": "1",
            "COUNTERDEPTH": "12",
            "DETECTORSTATUS": "0",
            "FILEENABLE": "0",
            "FILEFORMAT": "0",
            "GAIN": "0",
            "IMAGEX": str(w),
            "IMAGEY": str(h),
            "NUMFRAMESPERTRIGGER": "1",
            "NUMFRAMESTOACQUIRE": str(detector.settings.count),
            "SCANX": str(detector.settings.scan[-1]),
            "SCANY": str(detector.settings.scan[0]),
            "SOFTWAREVERSION": "0.0",
            "THRESHOLD0": "20",
            "TRIGGERSTART": "1",
            "TRIGGERSTOP": "0",
        }

    def answer(self, question: str) -> str:
        """The answer to one question, both without their prefixes."""
        verb, _, rest = question.partition(",")
        name, _, value = rest.partition(",")
        if verb == "GET" and name in self._values:
            return f"GET,{name},{self._values[name]},{OK}"
        if verb == "SET" and name in self._values:
            return f"SET,{name},{self._set(name, value)}"
        if verb == "CMD":
            return f"CMD,{name},{self._command(name)}"
        return f"{verb},{name},{UNKNOWN}" if verb != "GET" else f"GET,{name},0,{UNKNOWN}"

    def _set(self, name: str, value: str) -> str:
        if name == "NUMFRAMESTOACQUIRE":
            if not value.isdigit() or not int(value) <= _MOST:
                return OUT_OF_RANGE
            if not self._detector.wait(0):
                return BUSY
            self._detector.settings = replace(self._detector.settings, frames=int(value))
        self._values[name] = value
        return OK

    def _command(self, name: str) -> str:
        try:
            if name == "STARTACQUISITION":
                self._detector.arm()
            elif name in ("STOPACQUISITION", "ABORT"):
                self._detector.stop()
            elif name in ("SOFTTRIGGER", "SWTRIGGER"):
                self._detector.trigger()
            elif name != "RESET":
                return UNKNOWN
        except RuntimeError:
            return BUSY
        return OK


class _Dialogue(socketserver.StreamRequestHandler):
    """One client; what has no prefix ends the dialogue."""

    control: Control

    def handle(self) -> None:
        while len(prefix := self.rfile.read(15)) == 15:
            if prefix[:4] != b"MPX," or not prefix[4:14].isdigit() or int(prefix[4:14]) > 4096:
                return
            question = self.rfile.read(max(0, int(prefix[4:14]) - 1)).decode("latin-1")
            answer = self.control.answer(question.strip("\0 \r\n")).encode("latin-1")
            self.wfile.write(b"MPX,%010d,%s" % (len(answer) + 1, answer))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class ControlServer:
    """Answers over TCP, in threads of its own.

    Parameters
    ----------
    control : Control
    port : int
        0 takes a free one.
    host : str
        Where to listen.
    """

    def __init__(self, control: Control, port: int = 0, host: str = "127.0.0.1") -> None:
        handler = type("Dialogue", (_Dialogue,), {"control": control})
        self._server = _Server((host, port), handler)
        self.host, self.port = host, self._server.server_address[1]
        self.address = f"tcp://{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
