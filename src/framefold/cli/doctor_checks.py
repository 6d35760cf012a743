"""What ``framefold doctor`` looks at: each check is a function that gives a verdict in words."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from framefold.build.settings import checked_rule
from framefold.config import RECORDINGS, Config, ScanConfig
from framefold.core import gaps
from framefold.core.position_table import PositionTable
from framefold.errors import ConfigError
from framefold.processes.memory import machine_bytes
from framefold.record.plan import folder_of

OK, WAITING, ERROR = "OK", "WAITING", "ERROR"
ANSWER_SECONDS = 2.0
CLOCK_SECONDS = 2.0
"""Times in files may differ from the detector's by so much without confusing anybody."""
DESCRIPTORS = 256
DESCRIPTORS_OF_A_WORKER = 16
MIB, GIB = 1 << 20, 1 << 30
FEWEST_GAPS = 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one check.

    Parameters
    ----------
    what : str
        What was looked at.
    verdict : str
        ``"OK"``; ``"WAITING"``, for somebody else or for knowledge; ``"ERROR"``.
    told : str
        One sentence: what is so, and what to do.
    """

    what: str
    verdict: str
    told: str

    def as_dict(self) -> dict[str, str]:
        """The same for JSON."""
        return asdict(self)


def http_port(host: str, port: int) -> Verdict:
    """Whether results can be served there."""
    what = f"port {host}:{port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            if _get(f"http://{host}:{port}/api/v1").get("name") == "framefold":
                return Verdict(what, OK, "framefold serves here already.")
            return Verdict(
                what, ERROR, "Another program listens here: end it, or choose another server.port."
            )
        return Verdict(what, ERROR, f"Nobody can listen here ({error}): check server.host.")
    return Verdict(what, OK, "The port is free.")


def stream(name: str, endpoint: str) -> Verdict:
    """Whether a detector's socket is there and speaks ZeroMQ; takes no frame from anybody."""
    what = f"stream {name} {endpoint}"
    scheme, _, rest = endpoint.partition("://")
    try:
        found = _connected(scheme, rest)
    except socket.gaierror as error:
        return Verdict(what, ERROR, f"There is no such host ({error.strerror}): check its name.")
    except OSError as error:
        return Verdict(
            what, WAITING, f"Nobody listens there yet ({error.strerror or error}): switch the "
            "detector's stream on, and check cable and firewall if it is.",
        )  # fmt: skip
    with found:
        try:
            # the greeting comes by itself; without an answer of ours no frame is sent to us
            said = found.recv(10)
        except OSError:
            said = b""
    if len(said) == 10 and said[0] == 0xFF and said[9] & 1:
        return Verdict(what, OK, "A ZeroMQ socket answers.")
    return Verdict(
        what, WAITING, "Somebody listens there but does not greet as ZeroMQ does: right for "
        "Merlin's TCP, wrong for DECTRIS (9999 is the usual port).",
    )  # fmt: skip


def _connected(scheme: str, rest: str) -> socket.socket:
    if scheme != "ipc":
        host, _, port = rest.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.settimeout(ANSWER_SECONDS)
        found.connect(rest)
    except OSError:
        found.close()
        raise
    return found


def rest_api(base: str) -> list[Verdict]:
    """How a DECTRIS detector's stream is set, and whether its clock and ours agree."""
    what = f"REST {base}"
    try:
        with urlopen(f"{base}/detector/api/version", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - http only
            date = answer.headers.get("Date")
            version = json.loads(answer.read()).get("value", "1.8.0")
    except HTTPError as error:
        with error:
            return [Verdict(what, ERROR, f"It answers {error.code}: no SIMPLON interface there.")]
    except (URLError, OSError) as error:
        why = getattr(error, "reason", error)
        return [Verdict(what, WAITING, f"It does not answer ({why}): is the detector on?")]
    except (ValueError, AttributeError):
        return [Verdict(what, ERROR, "What answers there is no SIMPLON interface: check the URL.")]
    asked = f"{base}/stream/api/{version}/config"
    mode = _get(f"{asked}/mode").get("value")
    detail = _get(f"{asked}/header_detail").get("value")
    dropped = _get(f"{base}/stream/api/{version}/status/dropped").get("value")
    return [
        Verdict(what, OK, f"It answers, version {version}."),
        stream_mode(mode),
        header_detail(detail),
        *([] if dropped is None else [stream_dropped(dropped)]),
        *([] if not date else [clock_of(date, time.time())]),
    ]


def stream_mode(mode: object) -> Verdict:
    """Whether the stream is switched on."""
    if mode == "enabled":
        return Verdict("stream mode", OK, "The stream is switched on.")
    told = "The stream is switched off: PUT stream/config/mode = enabled."
    if mode is None:
        return Verdict("stream mode", WAITING, "The detector does not say whether it streams.")
    return Verdict("stream mode", ERROR, told)


def header_detail(detail: object) -> Verdict:
    """Whether headers say enough."""
    what = "header detail"
    if detail == "none":
        return Verdict(
            what, WAITING, "Headers say nothing of the measurement: PUT stream/config/"
            "header_detail = basic, or give scan.nav_shape.",
        )  # fmt: skip
    if detail == "basic":
        return Verdict(what, OK, "Headers come without pixel mask and flat field (basic).")
    if detail == "all":
        return Verdict(what, OK, "Headers come with all tables (all).")
    return Verdict(what, WAITING, "The detector does not say what its headers hold.")


def stream_dropped(dropped: object) -> Verdict:
    """Whether the detector had to let go of images."""
    if isinstance(dropped, int) and dropped > 0:
        return Verdict(
            "dropped", ERROR, f"The detector dropped {dropped} images: nobody took them in time.",
        )  # fmt: skip
    return Verdict("dropped", OK, "The detector dropped no image.")


def clock_of(date: str, now: float) -> Verdict:
    """Whether a detector's clock and ours agree."""
    try:
        theirs = parsedate_to_datetime(date).astimezone(UTC).timestamp()
    except (TypeError, ValueError):
        return Verdict("clock", WAITING, f"The detector's time {date!r} makes no sense.")
    apart = abs(now - theirs)
    if apart > CLOCK_SECONDS:
        return Verdict(
            "clock", WAITING, f"The detector's clock and ours are {apart:.0f} s apart: durations "
            "are right, times in files are not; keep both by NTP.",
        )  # fmt: skip
    return Verdict("clock", OK, "The detector's clock and ours agree.")


def stolen_stream(missing: NDArray[np.bool_]) -> Verdict:
    """Whether somebody else takes frames: sockets of this kind deal them out in turn.

    Parameters
    ----------
    missing : ndarray of bool, flat
        Positions of the last acquisition without a frame.
    """
    what = "stolen stream"
    lost = np.flatnonzero(missing)
    if len(lost) < FEWEST_GAPS:
        return Verdict(what, OK, "Nobody else takes frames.")
    steps = np.diff(lost)
    step = int(np.median(steps))
    if step > 1 and np.count_nonzero(steps == step) > 0.9 * len(steps):
        return Verdict(
            what, ERROR, f"One in {step} frames of the last acquisition is missing: a second "
            "program is connected to the stream and gets them; find and end it.",
        )  # fmt: skip
    others = gaps.told(np.flatnonzero(~missing))
    if others:
        return Verdict(what, ERROR, f"Of the last acquisition {others}.")
    return Verdict(
        what, OK, f"{len(lost)} frames of the last acquisition are missing, in no order."
    )


def last_acquisition(host: str, port: int) -> Verdict | None:
    """What a server that runs here says of its last acquisition; None where there is none."""
    latest = f"http://{host}:{port}/api/v1/acquisitions/latest"
    states = _get(f"{latest}/results").get("coverage", {}).get("states", {})
    if "missing" not in states:
        return None
    try:
        with urlopen(f"{latest}/coverage.raw", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - http only
            coverage = np.frombuffer(answer.read(), np.uint8)
    except (URLError, OSError):
        return None
    return stolen_stream(coverage == states["missing"])


def shared_memory(ring_bytes: int) -> Verdict:
    """Whether the ring fits into memory."""
    there = machine_bytes()
    try:
        os.close(os.memfd_create("framefold-doctor", os.MFD_CLOEXEC))
    except (AttributeError, OSError) as error:
        return Verdict("shared memory", ERROR, f"There is no anonymous shared memory: {error}.")
    if there is not None and ring_bytes > there // 2:
        return Verdict(
            "shared memory", ERROR, f"A ring of {ring_bytes // MIB} MiB is more than half of the "
            f"{there // MIB} MiB there are: lower buffers.shared_memory_mib.",
        )  # fmt: skip
    return Verdict("shared memory", OK, f"A ring of {ring_bytes // MIB} MiB fits.")


def limits(workers: int, ring_bytes: int) -> Verdict:
    """Whether this user may open and map what is needed."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = DESCRIPTORS + workers * DESCRIPTORS_OF_A_WORKER
    if files != resource.RLIM_INFINITY and files < needed:
        return Verdict(
            "ulimits", ERROR, f"{files} open files are allowed, {needed} may be needed: "
            f"`ulimit -n {needed}`.",
        )  # fmt: skip
    space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if space != resource.RLIM_INFINITY and space < 4 * ring_bytes:
        return Verdict(
            "ulimits", ERROR, f"A process may map {space // MIB} MiB: `ulimit -v unlimited`.",
        )  # fmt: skip
    return Verdict("ulimits", OK, "Files and memory are allowed as needed.")


def positions(scan: ScanConfig) -> Verdict:
    """Whether the position table can be read, and goes with the scan."""
    what = f"position table {scan.positions}"
    try:
        found = checked_rule(scan).positions
    except ConfigError as error:
        return Verdict(what, ERROR, f"{error}.")
    assert isinstance(found, PositionTable)
    return Verdict(what, OK, f"{len(found.entries)} entries for {len(found.frames)} positions.")


def disk(config: Config) -> Verdict:
    """Whether recordings have room."""
    told = config.recording
    try:
        folder = folder_of(told.directory or RECORDINGS)
    except ConfigError as error:
        return Verdict("disk", ERROR, f"{error}.")
    what = f"disk {folder}"
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Verdict(what, ERROR, f"{there} cannot be written to: check its owner.")
    free = shutil.disk_usage(there).free
    if free < told.min_free_gib * GIB:
        level = ERROR if told.enabled else WAITING
        return Verdict(
            what, level, f"{free / GIB:.1f} GiB are free, {told.min_free_gib:g} are to be left "
            "alone: nothing would be recorded; make room.",
        )  # fmt: skip
    return Verdict(what, OK, f"{free / GIB:.1f} GiB are free.")


def kernels(warm: Callable[[], None] | None, cache: Path) -> Verdict:
    """Whether the first start will have to compile.

    Parameters
    ----------
    warm : callable or None
        Compiles them now.
    cache : Path
        Where compiled ones are kept.
    """
    if warm is not None:
        began = time.monotonic()
        warm()
        return Verdict("kernels", OK, f"They are compiled ({time.monotonic() - began:.1f} s).")
    if any(cache.glob("*.nbi")):
        return Verdict("kernels", OK, "They were compiled before.")
    return Verdict(
        "kernels", WAITING, "The first start compiles them, in half a minute: --warm does it now."
    )


def _get(url: str) -> dict[str, Any]:
    """What an address answers in JSON; empty if it does not."""
    try:
        with urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - http only
            said = json.loads(answer.read())
    except (URLError, OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
