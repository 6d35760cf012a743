"""DectrisController: arms a DECTRIS detector through its SIMPLON interface."""

from __future__ import annotations

import json
import math
import threading
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from framefold.errors import ParameterError, RunFailedError

TriggerMode = Literal["exte", "exts", "ints", "inte"]
ANSWER_SECONDS = 60.0
"""How long a detector may take to answer; arming takes some of them half a minute."""


class DectrisController:
    """Arms a detector; what is None is left as it is.

    Parameters
    ----------
    api : str
        Where it is commanded, as ``http://HOST:PORT``.
    trigger_mode : str, optional
        ``exts``, ``exte``: the scan engine triggers; ``ints``, ``inte``: `trigger` does. With
        it the numbers of images and triggers are set for the scan.
    count_time, frame_time : float, optional
        Exposure, and from frame to frame [s].
    roi_mode, roi_y_size, roi_bit_depth : optional
        Part of the detector that is read out.
    compression : str, optional
        ``bslz4``, ``lz4`` or ``none``.
    enable_file_writing : bool, optional
        Whether the detector writes files, too.
    name_pattern : str, optional
        What it calls them.
    nimages_per_file : int
        Images in each; 0 for all.
    enable_corrections : bool
        Accepted and without effect: give ``corrections=`` to the run.

    Notes
    -----
    Paths and names are those of the SIMPLON API 1.8, "Detector", "Filewriter".
    """

    def __init__(
        self,
        api: str,
        *,
        trigger_mode: TriggerMode | None = None,
        count_time: float | None = None,
        frame_time: float | None = None,
        roi_mode: str | None = None,
        roi_y_size: int | None = None,
        roi_bit_depth: int | None = None,
        enable_file_writing: bool | None = None,
        compression: str | None = None,
        name_pattern: str | None = None,
        nimages_per_file: int = 0,
        enable_corrections: bool = False,  # noqa: ARG002
    ) -> None:
        if trigger_mode not in (None, "exte", "exts", "ints", "inte"):
            raise ParameterError(f"trigger_mode={trigger_mode!r}: exte, exts, ints or inte")
        if not api.startswith("http://"):
            raise ParameterError(f"api={api!r}: give http://HOST:PORT")
        self._api = api.rstrip("/")
        self._version: str | None = None
        self._trigger_mode = trigger_mode
        self._enable_file_writing = enable_file_writing
        self._file_writing = {"name_pattern": name_pattern, "nimages_per_file": nimages_per_file}
        self._misc = {
            "count_time": count_time,
            "frame_time": frame_time,
            "compression": compression,
            "roi_mode": roi_mode,
            "roi_y_size": roi_y_size,
            "roi_bit_depth": roi_bit_depth,
        }

    def arm(self, nav_shape: tuple[int, ...] | None) -> int:
        """Apply all settings and arm.

        Parameters
        ----------
        nav_shape : tuple of int or None
            The scan; with a ``trigger_mode`` it must be known.

        Returns
        -------
        int
            Number of the series.

        Raises
        ------
        RunFailedError
            If the detector cannot be reached, or refuses.
        ParameterError
            If the scan shape is missing.
        """
        self.apply_scan_settings(nav_shape)
        self.apply_misc_settings()
        self.apply_file_writing()
        said = self.command("arm")
        if not isinstance(said, dict) or "sequence id" not in said:
            raise RunFailedError(f"{self._api}: no number of the series in its answer {said!r}")
        return int(said["sequence id"])

    def apply_scan_settings(self, nav_shape: tuple[int, ...] | None) -> None:
        """Set trigger mode, images and triggers; nothing without a trigger mode."""
        mode = self._trigger_mode
        if mode is None:
            return
        if nav_shape is None:
            raise ParameterError(f"trigger_mode={mode!r} needs nav_shape: how many frames are due?")
        frames = math.prod(nav_shape)
        # one each first: some modes refuse what the mode before allowed
        for name, value in (("ntrigger", 1), ("nimages", 1), ("trigger_mode", mode)):
            self.configure("detector", name, value)
        if frames > 1:
            self.configure("detector", "nimages" if mode == "ints" else "ntrigger", frames)

    def apply_misc_settings(self) -> None:
        """Set times, region and compression, as far as they were given."""
        for name, value in self._misc.items():
            if value is not None:
                self.configure("detector", name, value)

    def apply_file_writing(self) -> None:
        """Have the detector write files, or not; nothing if that was not said."""
        if self._enable_file_writing is None:
            return
        mode = "enabled" if self._enable_file_writing else "disabled"
        self.configure("filewriter", "mode", mode)
        if self._enable_file_writing:
            for name, value in self._file_writing.items():
                if value is not None:
                    self.configure("filewriter", name, value)

    def trigger(self) -> None:
        """Trigger once, in modes ``ints`` and ``inte``; does not wait for the frames."""
        # the detector answers when the frames are taken, and somebody must read them meanwhile
        threading.Thread(
            target=self.command, args=("trigger",), name="trigger", daemon=True
        ).start()

    def cancel(self) -> None:
        """Have the detector end the series after the frames of the trigger at hand."""
        self.command("cancel")

    def disarm(self) -> None:
        """Have the detector end the series at once."""
        self.command("abort")

    def command(self, name: str) -> Any:
        """Send a command of the detector module; what it answers."""
        return self._asked("PUT", f"/detector/api/{self.version}/command/{name}")

    def configure(self, module: str, name: str, value: object) -> None:
        """Set one parameter of a module."""
        self._asked("PUT", f"/{module}/api/{self.version}/config/{name}", {"value": value})

    @property
    def version(self) -> str:
        """Of the interface, as its paths have it."""
        if self._version is None:
            said = self._asked("GET", "/detector/api/version")
            self._version = str(said["value"]) if isinstance(said, dict) else "1.8.0"
        return self._version

    def _asked(self, method: str, path: str, body: object = None) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        request = Request(  # noqa: S310 - the constructor takes http only
            self._api + path,
            data if method == "PUT" else None,
            {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                said = answer.read()
        except HTTPError as error:
            with error:
                detail = error.read(500).decode(errors="replace")
            raise RunFailedError(
                f"the detector refused {method} {self._api}{path} {body or ''}: "
                f"{error.code} {detail}"
            ) from error
        except (URLError, OSError) as error:
            raise RunFailedError(f"no answer to {method} {self._api}{path}: {error}") from error
        try:
            return json.loads(said) if said.strip() else None
        except ValueError as error:
            raise RunFailedError(f"{self._api}{path} answered no JSON: {said[:80]!r}") from error
