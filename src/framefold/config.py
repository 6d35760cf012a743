"""Configuration: TOML -> validated models; unknown keys are errors naming the nearest key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from framefold.errors import ConfigError, nearest

Integer = Annotated[int, Field(strict=True)]  # true is no number
Positive = Annotated[int, Field(ge=1, strict=True)]
NotNegative = Annotated[int, Field(ge=0, strict=True)]

RECORDINGS = "recordings"
"""Where recordings go if nothing is said but that there shall be some."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _endpoint(text: str) -> str:
    host = re.fullmatch(r"tcp://[^\s/]+:(\d{1,5})", text)
    if (host and int(host[1]) < 65536) or re.fullmatch(r"ipc://\S+", text):
        return text
    raise ValueError("not like tcp://HOST:PORT or ipc://PATH")


def _scan_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if not shape or any(n < 1 and n != -1 for n in shape) or shape.count(-1) > 2:
        raise ValueError("give positions along each axis, at least 1; at most two may be -1")
    return shape


class ServerConfig(_Section):
    """Where results are served."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback is for everybody on the network to read."""
    port: Annotated[int, Field(ge=0, le=65535, strict=True)] = 8420
    """TCP port; 0 takes any free one."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """Names a browser may call us by; others are refused (DNS rebinding)."""
    max_response_mib: Positive = 256
    """Largest answer [MiB]."""
    control: Annotated[bool, Field(strict=True)] = False
    """Whether whoever has the token of this start may change what is recorded."""
    token_file: str | None = None
    """File for that token, which only its owner can read, as long as the server runs; or none."""


class WorkersConfig(_Section):
    """Who works."""

    count: Positive | Literal["auto"] = "auto"
    """Worker processes; "auto" takes one per core."""
    block_s: Annotated[float, Field(gt=0)] = 60.0
    """Time for one block, after which a worker is taken for hung and replaced [s]; inf: any."""
    memory_mib: Positive | Literal["auto"] = "auto"
    """Memory of its own that a worker may have [MiB]; "auto": four fifths of the machine's."""


class SourceConfig(_Section):
    """A detector."""

    type: str = "dectris"
    """Kind of detector."""
    stream: Annotated[str, AfterValidator(_endpoint)]
    """Where it sends, e.g. "tcp://detector:9999"."""
    protocol: str = "auto"
    """Protocol name, or "auto" to tell by the first message."""
    channel: str | None = None
    """Which channel to take where a frame has several; the first by default."""
    transport: Literal["auto", "zmtp", "libzmq", "mpx"] = "auto"
    """How the connection is read: ZeroMQ's by our own code or by libzmq, Merlin's over TCP, or as
    goes with the protocol."""
    masked: Literal["zero", "repair", "raw"] = "zero"
    """What stands in the place of pixels that the detector masks."""


class BuffersConfig(_Section):
    """Memory for frames on their way."""

    shared_memory_mib: Positive = 256
    """Size of the ring [MiB]."""
    keep_mib: NotNegative = 64
    """Frames kept there after processing for whoever looks at one, in half of its slots [MiB]."""
    block_mib: Positive = 8
    """Length of a slot of the ring, which collects encoded frames for one block [MiB]."""


class ScanConfig(_Section):
    """How frame numbers become scan positions."""

    nav_shape: Annotated[tuple[Integer, ...], AfterValidator(_scan_shape)] | None = None
    """Scan shape, slow axis first, with at most two -1; none goes by the frames promised."""
    order: Literal["raster", "snake"] | None = None
    """The order of positions; none goes by what the source says, or a raster."""
    sync_offset: Integer = 0
    """Frames to skip at the start, or positions to leave blank (negative)."""
    flyback: NotNegative | None = None
    """Frames behind each line without a position; none goes by what the source says, or none."""
    lead_in: NotNegative | None = None
    """Frames before the first line without a position; none as for flyback."""
    frames_per_position: Positive = 1
    """Frames at each position, one after another."""
    repeats: Literal["sum", "axis"] = "sum"
    """What becomes of these; of a stream "axis" only, one more navigation axis."""
    positions: Annotated[str, Field(min_length=1)] | None = None
    """CSV or .npy file that says where each frame belongs, instead of any order; its path goes
    from the folder of the configuration."""
    frames_per_partition: Positive | Literal["auto"] = "auto"
    """Frames handed to a worker at a time."""
    update_s: Annotated[float, Field(ge=0.02, le=60)] = 0.25
    """How often results should move [s]."""
    idle_abort_s: Annotated[float, Field(gt=0)] | None = 30.0
    """Silence after which an acquisition is taken for over [s]; inf waits for ever."""


class RecordingConfig(_Section):
    """Keeping the frames."""

    enabled: bool = False
    """Whether acquisitions are recorded while they are processed."""
    directory: str | None = None
    """Folder for the files; {date} in it becomes the day. None: "recordings", where enabled."""
    max_file_mib: Positive = 4096
    """How long a data file may become, were no frame compressible [MiB]."""
    min_free_gib: Annotated[float, Field(ge=0)] = 1.0
    """Room that is left alone: less than that, and a recording is not begun, or stopped [GiB]."""
    results: bool = True
    """Whether the results of the run are kept beside the recording."""
    wire_log: bool = False
    """Whether all messages are logged as they come, too."""

    @property
    def folder(self) -> str | None:
        """Where to record; None where nobody said so, or that there shall be recordings."""
        return self.directory or (RECORDINGS if self.enabled else None)


class OverloadConfig(_Section):
    """What gives way when frames come faster than they are worked on."""

    processing: Literal["lossless", "newest"] = "lossless"
    """"lossless": the detector has to wait; "newest": the oldest frames are let go."""


class PipelineConfig(_Section):
    """One UDF of the run."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """What its results are called."""
    udf: str
    """Name of a UDF, or "module:Class"."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Its parameters."""


class HistoryConfig(_Section):
    """What is kept of past acquisitions."""

    keep_in_memory: Positive = 50
    """How many."""
    directory: str | None = None
    """Folder for the results of each acquisition, so that older ones can be looked at; or none."""
    keep_on_disk: Positive = 1000
    """How many are kept there; the oldest files go first."""


class LoggingConfig(_Section):
    """What is written to stderr."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """From which level on."""


class Config(_Section):
    """Everything `framefold serve` needs to know."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    server: ServerConfig = ServerConfig()
    workers: WorkersConfig = WorkersConfig()
    sources: dict[str, SourceConfig] = Field(default_factory=dict)
    buffers: BuffersConfig = BuffersConfig()
    scan: ScanConfig = ScanConfig()
    overload: OverloadConfig = OverloadConfig()
    pipeline: tuple[PipelineConfig, ...] = ()
    recording: RecordingConfig = RecordingConfig()
    history: HistoryConfig = HistoryConfig()
    logging: LoggingConfig = LoggingConfig()

    def source(self, name: str | None = None) -> SourceConfig:
        """The detector to listen to.

        Parameters
        ----------
        name : str or None
            Which of ``sources``; may be left out where there is only one.

        Raises
        ------
        ConfigError
            If there is none of that name, none at all, or several and no name.
        """
        if name is None:
            if len(self.sources) == 1:
                return next(iter(self.sources.values()))
            what = f"{len(self.sources)} sources: name one" if self.sources else "no [sources.NAME]"
            raise ConfigError(f"the configuration has {what}{_listed(self.sources)}")
        if name not in self.sources:
            raise ConfigError(f"no source {name!r}{_guess(name, list(self.sources))}")
        return self.sources[name]


def _listed(names: dict[str, Any]) -> str:
    return f" ({', '.join(sorted(names))})" if names else ""


def _guess(name: str, known: list[str]) -> str:
    found = nearest(name, known)
    if found:
        return f"; did you mean {found!r}?"
    return f" (known: {', '.join(sorted(known)) or 'none'})"


def read_config(path: Path) -> Config:
    """Read a configuration file.

    Parameters
    ----------
    path : Path
        A TOML file.

    Raises
    ------
    ConfigError
        If it cannot be read, is no TOML, or a key or value is wrong: one line for each, with
        the nearest key that would have been understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"configuration {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"configuration {path} is no text: {error}") from error
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"configuration {path} is no valid TOML: {error}") from error
    return _beside(path, make_config(found, str(path)))


def _beside(path: Path, config: Config) -> Config:
    """The configuration with paths that go from the folder of its file made whole."""
    positions = config.scan.positions
    if positions is None:
        return config
    whole = str(path.absolute().parent / Path(positions).expanduser())
    return config.model_copy(update={"scan": config.scan.model_copy(update={"positions": whole})})


def make_config(values: dict[str, Any], where: str = "configuration") -> Config:
    """Check values.

    Parameters
    ----------
    values : dict
        As TOML gives them.
    where : str
        What to call them in messages.

    Raises
    ------
    ConfigError
        If a key or value is wrong: one line for each.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [f"{where}: {line}" for line in _explained(error, values)]
        raise ConfigError("\n".join(lines)) from error


def _explained(error: ValidationError, values: dict[str, Any]) -> list[str]:
    """One line for each key; what it may be instead is listed in it."""
    lines: dict[str, str] = {}
    for problem in error.errors():
        place = problem["loc"]
        if problem["type"] == "extra_forbidden":
            guess = _guess(str(place[-1]), _known_keys(place[:-1]))
            lines[_dotted(place)] = f"unknown key {_dotted(place)!r}{guess}"
        elif problem["type"] == "missing":
            lines[_dotted(place)] = f"{_dotted(place)!r} is missing"
        else:
            key = _dotted(_found(place, values))
            why = problem["msg"].removeprefix("Value error, ")
            before = f"{lines[key]}; or: " if key in lines else f"{key!r} = {problem['input']!r}: "
            lines[key] = before + why
    return list(lines.values())


def _dotted(place: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in place)


def _found(place: tuple[Any, ...], values: Any) -> tuple[Any, ...]:
    """As much of a place as was written; what follows names the alternatives of a value."""
    found = []
    for part in place:
        try:
            values = values[part]
        except (LookupError, TypeError):
            break
        found.append(part)
    return tuple(found)


def _known_keys(place: tuple[Any, ...]) -> list[str]:
    section, *_ = [*place, None]
    if section == "sources":
        model: type[BaseModel] = SourceConfig  # whatever it is called
    else:
        model = _SECTIONS.get(section, Config)
    return [f.alias or name for name, f in model.model_fields.items()]


_SECTIONS: dict[str | None, type[BaseModel]] = {
    "server": ServerConfig,
    "workers": WorkersConfig,
    "buffers": BuffersConfig,
    "scan": ScanConfig,
    "overload": OverloadConfig,
    "recording": RecordingConfig,
    "pipeline": PipelineConfig,
    "history": HistoryConfig,
    "logging": LoggingConfig,
}
