"""What was found out about a recording, for people and for the end of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from framefold.core.scan_rule import ScanFit
from framefold.core.scan_shapes import Guess


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts about a recording that its frames do not tell.

    Parameters
    ----------
    format : str
        Name in the table of formats.
    why : str
        What in the file says that it has this format.
    nav_reason : str
        Where the scan shape comes from.
    codec : str
        How the frames are stored, in a word.
    frames_found : int
        Frames that can be read [frames].
    frames_promised : int
        Frames that should be there [frames].
    missing_files : tuple of str
        Linked files that are not there or cannot be read.
    has_mask : bool
        Whether the file holds a pixel mask.
    problems : tuple of str
        What is wrong with it, a sentence each.
    size_bytes : int or None
        Length of the file itself [bytes]; None for arrays in memory.
    nav_confidence : str
        How sure the scan shape is: ``"certain"``, ``"high"``, ``"medium"``, ``"low"``; empty where
        nobody asked.
    nav_guesses : tuple of Guess
        Other scan shapes that it could have, likely ones first.
    """

    format: str
    why: str
    nav_reason: str
    codec: str
    frames_found: int
    frames_promised: int
    missing_files: tuple[str, ...] = ()
    has_mask: bool = False
    problems: tuple[str, ...] = ()
    size_bytes: int | None = None
    nav_confidence: str = ""
    nav_guesses: tuple[Guess, ...] = ()

    def with_scan(self, fit: ScanFit) -> FileFacts:
        """The same facts, with those about the scan that was fitted."""
        return replace(
            self, nav_reason=fit.reason, nav_confidence=fit.confidence, nav_guesses=fit.others
        )
