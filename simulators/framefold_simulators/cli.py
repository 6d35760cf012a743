"""The command line of the simulators."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, fields
from types import FrameType
from typing import Any

import click
import numpy as np

from framefold_simulators.detector import LANGUAGES, Detector, ProtocolName, Recipe
from framefold_simulators.faults import Faults
from framefold_simulators.merlin_control import Control, ControlServer
from framefold_simulators.options import OPTIONS, Command
from framefold_simulators.outgoing import Outgoing
from framefold_simulators.rest import RestServer, Simplon
from framefold_simulators.scene import Scene
from framefold_simulators.sender import Outlet
from framefold_simulators.series import COMPRESSIONS, Series
from framefold_simulators.sources import Source, open_file
from framefold_simulators.tcp_outlet import TcpOutlet

_SPELLINGS = {"<": "none", "lz4<": "lz4"} | {f"bs{n}-lz4<": "bslz4" for n in (8, 16, 32)}
DEFAULT_CHANNELS = {"jungfraujoch": "default"}
_LINGER = 60.0  # seconds that a slow client has for what is still in the queue
_LOOK_SECONDS = 0.05  # how often a detector that sends looks whether it is to end


@dataclass(frozen=True)
class _Run:
    """How many series, and when."""

    scans: int | None
    pause: float
    wait_for_arm: bool


@click.group()
def main() -> None:
    """Detectors that are not there, over real ZeroMQ."""


def _detector_command(name: ProtocolName, text: str) -> None:
    def command(**options: Any) -> None:
        _serve(name, options)

    decorated: Command = command
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    main.command(name, help=text)(decorated)


_detector_command("simplon-v1", "DECTRIS SIMPLON stream v1 (JSON and blobs).")
_detector_command("simplon-v2", "DECTRIS SIMPLON stream v2 (CBOR).")
_detector_command("plain", "The open plain protocol (CBOR).")
_detector_command("merlin", "Quantum Detectors Merlin, over TCP.")
_detector_command("jungfraujoch", "Jungfraujoch's variant of stream v2 (CBOR).")


def _serve(protocol: ProtocolName, options: dict[str, Any]) -> None:
    try:
        recipe, series = _recipe(protocol, options)
        outlet: Outgoing
        outlet = TcpOutlet(options["bind"]) if protocol == "merlin" else Outlet(options["bind"])
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    done = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if done.is_set():
            os._exit(0)  # the second time, or while a client takes the rest of the queue
        done.set()

    # before anybody hears that we are ready: whoever started us may end as soon as that is said
    parent = None if options["keep_running"] else os.getppid()
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    run = _Run(options["scans"], options["pause"], options["wait_for_arm"])
    detector = Detector(outlet, recipe, series, finished=lambda f: _say(asdict(f)))
    api: RestServer | ControlServer | None = None
    try:
        if options["api_port"] is not None or run.wait_for_arm:
            api = _rest(detector, protocol, options["api_port"] or 0)
        _say(_ready(protocol, outlet, api, series))
        told = _go_on(detector, run, done, parent)
    except OSError as error:
        raise click.ClickException(str(error)) from error
    finally:
        outlet.stopping.set()
        detector.stop()
        if api is not None:
            api.close()
    done.set()
    outlet.close(0.2 if told else _LINGER)


def _go_on(detector: Detector, run: _Run, done: threading.Event, parent: int | None) -> bool:
    """Series after series; whether we were told to end rather than being through."""
    taken = 0
    while run.wait_for_arm or run.scans is None or taken < run.scans:
        if not run.wait_for_arm:
            if taken and done.wait(run.pause):
                return True
            detector.arm()
            taken += 1
            if detector.is_internal:
                threading.Thread(target=_trigger_all, args=(detector,), daemon=True).start()
        # the next series follows at once
        while run.wait_for_arm or not detector.wait(_LOOK_SECONDS):
            told = done.wait(_LOOK_SECONDS if run.wait_for_arm else 0)
            if told or (parent is not None and os.getppid() != parent):
                return True
        if detector.error is not None:
            raise OSError(f"series {detector.number} broke off: {detector.error}")
    return False


def _trigger_all(detector: Detector) -> None:
    """What an operator does in trigger mode ints: trigger until the series is over."""
    try:
        while not detector.wait(0):
            detector.trigger()
    except RuntimeError:
        return  # it ended between the look and the trigger


def _recipe(protocol: ProtocolName, options: dict[str, Any]) -> tuple[Recipe, Series]:
    spelled = options["encoding"]
    if spelled is None:
        spelled = "none" if protocol == "merlin" else "bslz4"
    compression = _SPELLINGS.get(spelled, spelled)
    if compression not in COMPRESSIONS:
        known = ", ".join((*COMPRESSIONS, *_SPELLINGS))
        raise ValueError(f"encoding {spelled!r}: one of {known}")
    if compression not in LANGUAGES[protocol].CODECS:
        raise ValueError(f"{protocol} has no compression {compression!r}")
    source = _source(options)
    if spelled.startswith("bs") and spelled[2].isdigit():
        bits = spelled[2:].partition("-")[0]
        if int(bits) != 8 * source.dtype.itemsize:
            raise ValueError(f"encoding {spelled!r} for pixels of type {source.dtype}")
    channels = tuple(name for name in options["channels"].split(",") if name)
    rate = options["rate"]
    series = Series(
        number=0,
        scan=source.scan,
        sig_shape=source.sig_shape,
        dtype=source.dtype,
        compression=compression,
        channels=channels or (DEFAULT_CHANNELS.get(protocol, "threshold_1"),),
        frame_time=1e-3 if rate is None else 1 / rate,
        trigger_mode=options["trigger_mode"],
        header_detail=options["header_detail"],
        appendix=options["appendix"],
        image_appendix=options["image_appendix"],
        checksums=options["checksums"],
        # like a real one after a restart: the number begins again, the unique id does not
        epoch_ms=time.time_ns() // 1_000_000,
    )
    faults = Faults(**{option.name: options[option.name] for option in fields(Faults)})
    recipe = Recipe(protocol, source, rate, options["pool"], options["block_bytes"], faults)
    return recipe, series


def _source(options: dict[str, Any]) -> Source:
    dtype = np.dtype(options["dtype"]) if options["dtype"] else None
    if options["file"]:
        return open_file(options["file"], dtype, options["scan"])
    kinds: dict[str, type[int | float]] = {
        "seed": int, "counts": float, "particles": int, "deflection": int
    }  # fmt: skip
    parameters: dict[str, Any] = {}
    for item in filter(None, options["scene"].split(",")):
        name, _, value = item.partition("=")
        if name not in kinds:
            raise ValueError(f"scene parameter {name!r}: one of {', '.join(kinds)}")
        try:
            parameters[name] = kinds[name](value)
        except ValueError as error:
            raise ValueError(f"scene parameter {item!r}: not like {name}=3") from error
    if len(options["sig"]) != 2:
        raise ValueError("--sig has two sides, rows and columns, like 128x128")
    return Scene(options["scan"] or (64, 64), options["sig"], dtype or np.dtype("u2"), **parameters)


def _rest(detector: Detector, protocol: ProtocolName, port: int) -> RestServer | ControlServer:
    if protocol == "merlin":
        return ControlServer(Control(detector), port)
    return RestServer(Simplon(detector, "legacy" if protocol == "simplon-v1" else "cbor"), port)


def _ready(
    protocol: str, outlet: Outgoing, api: RestServer | ControlServer | None, series: Series
) -> dict[str, object]:
    return {
        "ready": outlet.endpoint,
        "api": None if api is None else api.address,
        "protocol": protocol,
        "scan": list(series.scan),
        "sig": list(series.sig_shape),
        "dtype": series.dtype.name,
        "encoding": series.compression,
        "channels": list(series.channels),
    }


def _say(line: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody reads our lines; the frames go on
