"""RecordingSwitch: in which forms the next acquisition will be recorded. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

FORMS = ("hdf5", "wire_log")
"""What an acquisition may be recorded as."""


@dataclass(frozen=True, slots=True)
class Forms:
    """In which forms an acquisition is recorded.

    Parameters
    ----------
    hdf5 : bool
        Its frames, in HDF5 files.
    wire_log : bool
        All messages of its series, as they come.
    """

    hdf5: bool = False
    wire_log: bool = False

    def as_dict(self) -> dict[str, bool]:
        """The facts as plain values."""
        return {form: getattr(self, form) for form in FORMS}


class RecordingSwitch:
    """Looked at when an acquisition begins, and never again for that one.

    Parameters
    ----------
    first : Forms
        For the acquisition that comes first.
    """

    def __init__(self, first: Forms) -> None:
        self._next = first  # replaced, never changed; written by: the event loop

    @property
    def next(self) -> Forms:
        """What is to be done with the acquisition that begins next."""
        return self._next

    def change(self, wanted: Mapping[str, bool]) -> tuple[Forms, Forms]:
        """Change it.

        Parameters
        ----------
        wanted : mapping of str to bool
            Some of `FORMS`; the others stay as they are.

        Returns
        -------
        tuple of Forms
            Before and after.
        """
        before = self._next
        self._next = replace(before, **wanted)
        return before, self._next
