"""RecordingState: how the recording of an acquisition goes, for status pages, logs and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from framefold.formats import recording_names as names


@dataclass(frozen=True, slots=True)
class RecordingState:
    """One recording, at some moment.

    Parameters
    ----------
    acquisition : str
        Of which acquisition.
    state : str
        ``recording``, ``complete``, ``aborted`` (the acquisition was) or ``stopped`` (the
        recording was).
    reason : str
        The same in a sentence.
    file : str
        The master file; empty where there is none.
    frames : int
        Frames written [frames].
    safe : int
        Of these, frames that outlive whatever happens to our processes [frames].
    unkept : int
        Frames that no file could hold as they were [frames].
    nbytes : int
        What they take, as they came [bytes].
    needed_bytes : int
        What was expected of the whole acquisition before it began [bytes].
    free_bytes : int
        Room that the disk had when it was last looked at [bytes].
    """

    acquisition: str
    state: str = names.RECORDING
    reason: str = ""
    file: str = ""
    frames: int = 0
    safe: int = 0
    unkept: int = 0
    nbytes: int = 0
    needed_bytes: int = 0
    free_bytes: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is written."""
        return self.state != names.RECORDING

    def as_dict(self) -> dict[str, object]:
        """The facts as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RecordingTotals:
    """Sums over recordings; they only grow.

    Parameters
    ----------
    recordings : mapping of str to int
        Recordings that are over, by their final state.
    frames, nbytes, unkept : int
        As in `RecordingState`, of all of them [frames], [bytes], [frames].
    """

    recordings: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys((names.COMPLETE, names.ABORTED, names.STOPPED), 0)
    )
    frames: int = 0
    nbytes: int = 0
    unkept: int = 0

    def plus(self, one: RecordingState | None) -> RecordingTotals:
        """With one recording more, if there is one."""
        if one is None:
            return self
        return RecordingTotals(
            {state: count + (state == one.state) for state, count in self.recordings.items()},
            self.frames + one.frames,
            self.nbytes + one.nbytes,
            self.unkept + one.unkept,
        )

    def as_dict(self) -> dict[str, object]:
        """The facts as plain values."""
        return asdict(self)
