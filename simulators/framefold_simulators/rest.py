"""The REST side of a simulated SIMPLON detector, as far as live clients use it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from framefold_simulators.detector import Detector
from framefold_simulators.series import COMPRESSIONS, HEADER_DETAILS, Series

VERSION = "1.8.0"
_PATH = re.compile(r"/(\w+)/api/([\w.]+)(?:/(config|status|command)(?:/(\w+))?)?/?")
_TRIGGER_MODES = ("exts", "ints", "exte", "inte")
_LIMIT = 2_000_000_000  # what people set to measure "for ever"


class RestError(Exception):
    """A request that is answered with an HTTP error.

    Parameters
    ----------
    status : int
        The HTTP status.
    detail : str
        One line for the client.
    """

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        super().__init__(detail)


class Simplon:
    """Requests -> what a detector answers; no HTTP in it.

    Parameters
    ----------
    detector : Detector
        Configured and commanded by the requests.
    stream_format : str
        ``legacy`` or ``cbor``.
    """

    def __init__(self, detector: Detector, stream_format: str) -> None:
        self._detector = detector
        self._format = stream_format
        self._free: dict[str, object] = {  # kept and given back, without further effect
            "auto_summation": True,
            "countrate_correction_applied": False,
            "flatfield_correction_applied": True,
            "pixel_mask_applied": True,
            "virtual_pixel_correction_applied": True,
            "mask_to_zero": False,
            "photon_energy": 8041.0,
            "threshold_energy": 4020.5,
            "roi_mode": "disabled",
            "roi_bit_depth": 8 * detector.settings.dtype.itemsize,
            "test_image_mode": "",
        }
        self._commands: dict[str, Callable[[], object]] = {
            "arm": lambda: {"sequence id": detector.arm()},
            "trigger": detector.trigger,
            "disarm": lambda: {"sequence id": detector.stop()},
            "cancel": lambda: {"sequence id": detector.stop()},
            "abort": lambda: {"sequence id": detector.stop()},
            "initialize": lambda: None,
            "status_update": lambda: None,
        }

    def answer(self, method: str, path: str, body: object) -> object:
        """What a request is answered with, as a JSON value; None for an empty answer.

        Raises
        ------
        RestError
            404 for what there is not, 400 for a value that will not do, 409 for a command
            that does not fit the state, 405 for another method.
        """
        if path.rstrip("/") == "/detector/api/version":
            return {"value": VERSION, "value_type": "string"}
        found = _PATH.fullmatch(path)
        if found is None:
            raise RestError(404, f"no {path}")
        module, _, task, name = found.groups()
        if task == "command" and name is not None:
            return self._command(method, module, name)
        table = self._table(module, task)
        if name is None:
            if method == "PUT" and task == "config" and isinstance(body, dict):
                return [key for k, v in body.items() for key in self._set(module, k, v)]
            return sorted(table)
        if name not in table:
            raise RestError(404, f"no {module} {task} {name}; there are {', '.join(sorted(table))}")
        if method == "GET":
            return _described(name, table[name], "r" if task == "status" else "rw")
        if task != "config":
            raise RestError(405, f"{module} {task} {name} is read only")
        return self._set(module, name, body)

    def _command(self, method: str, module: str, name: str) -> object:
        known = self._commands if module == "detector" else {"initialize": lambda: None}
        if name not in known or module not in ("detector", "stream"):
            raise RestError(404, f"no {module} command {name}; there are {', '.join(known)}")
        if method != "PUT":
            raise RestError(405, "commands are PUT")
        try:
            return known[name]()
        except RuntimeError as error:
            raise RestError(409, str(error)) from error

    def _table(self, module: str, task: str | None) -> dict[str, object]:
        detector, settings = self._detector, self._detector.settings
        h, w = settings.sig_shape
        nimages, ntrigger = settings.triggers
        tables: dict[tuple[str, str], dict[str, object]] = {
            ("detector", "config"): {
                "bit_depth_image": 8 * settings.dtype.itemsize,
                "compression": settings.compression,
                "count_time": settings.frame_time,
                "frame_time": settings.frame_time,
                "nimages": nimages,
                "ntrigger": ntrigger,
                "trigger_mode": settings.trigger_mode,
                "x_pixels_in_detector": w,
                "y_pixels_in_detector": h,
                **self._free,
            },
            ("detector", "status"): {
                "state": detector.state,
                "series_unique_id": settings.unique_id,
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            },
            ("stream", "config"): {
                "mode": "enabled",
                "format": self._format,
                "header_detail": settings.header_detail,
                "header_appendix": settings.appendix,
                "image_appendix": settings.image_appendix,
            },
            ("stream", "status"): {
                "state": "acquire" if detector.state == "acquire" else "ready",
                "dropped": 0,
                "error": [],
            },
        }
        if (module, task) not in tables:
            raise RestError(404, f"no {module} {task}")
        return tables[module, str(task)]

    def _set(self, module: str, name: str, body: object) -> list[str]:
        """Set one parameter; the names of all that changed with it."""
        if not isinstance(body, dict) or "value" not in body:
            raise RestError(400, 'the body of a PUT is {"value": ...}')
        value = body["value"]
        if name in self._free and module == "detector":
            self._free[name] = value
            return [name]
        if self._detector.state != "idle":
            raise RestError(409, f"{name} cannot be set while {self._detector.state}; disarm first")
        settings, changed = _changed(self._detector.settings, module, name, value)
        self._detector.settings = settings
        return changed


def _changed(settings: Series, module: str, name: str, value: object) -> tuple[Series, list[str]]:
    """The settings with one of them changed, and the names of all that changed with it."""
    nimages, ntrigger = settings.triggers
    match module, name:
        case "detector", "nimages":
            return replace(settings, scan=(ntrigger, _count(name, value))), [name]
        case "detector", "ntrigger":
            return replace(settings, scan=(_count(name, value), nimages)), [name]
        case "detector", "trigger_mode":
            mode = _one_of(name, value, _TRIGGER_MODES)
            changed = replace(settings, trigger_mode=mode)
            return changed, [name, "nimages", "ntrigger"]
        case "detector", "compression":
            return replace(settings, compression=_one_of(name, value, COMPRESSIONS)), [name]
        case "detector", "count_time" | "frame_time":
            if not isinstance(value, int | float) or not 0 < value < 1e6:
                raise RestError(400, f"{name} is a time in seconds, not {value!r}")
            return replace(settings, frame_time=float(value)), ["count_time", "frame_time"]
        case "stream", "header_detail":
            return replace(settings, header_detail=_one_of(name, value, HEADER_DETAILS)), [name]
        case "stream", "header_appendix":
            return replace(settings, appendix=str(value)), [name]
        case "stream", "image_appendix":
            return replace(settings, image_appendix=str(value)), [name]
        case "stream", "mode":
            _one_of(name, value, ("enabled",))
            return settings, []
    raise RestError(405, f"{module} config {name} is read only")


def _count(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LIMIT:
        raise RestError(400, f"{name} is a number from 1 to {_LIMIT}, not {value!r}")
    return value


def _one_of(name: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise RestError(400, f"{name} is one of {', '.join(known)}, not {value!r}")
    return value


def _described(name: str, value: object, access: str) -> dict[str, Any]:
    kinds = {bool: "bool", int: "uint", float: "float", str: "string", list: "string[]"}
    described: dict[str, Any] = {
        "value": value,
        "value_type": kinds.get(type(value), "string"),
        "access_mode": access,
    }
    allowed = {
        "trigger_mode": _TRIGGER_MODES,
        "compression": COMPRESSIONS,
        "header_detail": HEADER_DETAILS,
    }
    if name in allowed:
        described["allowed_values"] = list(allowed[name])
    return described


class RestServer:
    """Serves a `Simplon` over HTTP from threads of its own.

    Parameters
    ----------
    simplon : Simplon
        Answers the requests.
    port : int
        TCP port; 0 takes a free one.
    host : str
        Address to listen on.
    """

    def __init__(self, simplon: Simplon, port: int = 0, host: str = "127.0.0.1") -> None:
        self._server = _Server((host, port), _Handler)
        self._server.simplon = simplon
        self.address = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="rest", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a trigger may be waiting for its frames when we are told to end
    block_on_close = False
    simplon: Simplon


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply("GET")

    def do_PUT(self) -> None:
        self._reply("PUT")

    def _reply(self, method: str) -> None:
        try:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw.strip() else None
            status, found = 200, self.server.simplon.answer(method, self.path, body)
        except RestError as error:
            status, found = error.status, {"error": str(error)}
        except ValueError as error:
            status, found = 400, {"error": f"a body that is not JSON: {error}"}
        content = b"" if found is None else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing: standard output is for the series, standard error for trouble."""
