"""Inspection: what a file is and whether it is complete, for people and as plain values."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framefold.core.acquisition import Acquisition
from framefold.core.scan_shapes import Guess
from framefold.formats.files import FileDataSet


@dataclass(frozen=True, slots=True)
class Inspection:
    """Facts about a file.

    Parameters
    ----------
    path : str
        The file.
    format : str or None
        Name in the table of formats; None when it was not recognised.
    why : str
        What in the file says so.
    nav_shape : tuple of int or None
        Scan shape it would be read with.
    nav_reason : str
        Where that comes from.
    nav_confidence : str
        How sure it is: ``"certain"``, ``"high"``, ``"medium"``, ``"low"``.
    scan : mapping
        How frames find their positions: offset, order, flyback ...
    nav_guesses : tuple of Guess
        Other scan shapes that it could have, likely ones first.
    sig_shape : tuple of int or None
        Frame shape [pixels].
    dtype : str or None
        Pixel type.
    codec : str
        How the frames are stored.
    frames_found, frames_promised : int or None
        Frames that can be read, and that should be there [frames].
    missing_files : tuple of str
        Linked files that are not there.
    mask : str
        What is known of pixels without value, and what becomes of them, in words.
    masked_pixels : int or None
        How many pixels are excluded by the mask in the file, or hold the value that means none in
        the first frame [pixels]; None where the file tells neither.
    has_mask : bool
        Whether the file holds a pixel mask.
    size_bytes : int or None
        Length of the file itself [bytes].
    metadata : mapping
        What the file says beside that.
    problems : tuple of str
        What is wrong, a sentence each; empty when all is well.
    suggestion : str
        A command line that would use it.
    """

    path: str
    format: str | None
    why: str
    nav_shape: tuple[int, ...] | None = None
    nav_reason: str = ""
    nav_confidence: str = ""
    scan: Mapping[str, object] = field(default_factory=dict)
    nav_guesses: tuple[Guess, ...] = ()
    sig_shape: tuple[int, ...] | None = None
    dtype: str | None = None
    codec: str = ""
    frames_found: int | None = None
    frames_promised: int | None = None
    missing_files: tuple[str, ...] = ()
    has_mask: bool = False
    mask: str = "none"
    masked_pixels: int | None = None
    size_bytes: int | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    suggestion: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether `open_dataset` takes the file."""
        return self.frames_found is not None

    @classmethod
    def of(cls, data_set: FileDataSet) -> Inspection:
        """Facts about a file that could be opened."""
        acquisition, facts = data_set.acquisition, data_set.facts
        grid, scan = acquisition.nav_shape, acquisition.scan
        if scan.frames_per_position > 1 and not scan.sums:
            grid = grid[:-1]
        nav, sig = (",".join(map(str, s)) for s in (grid, acquisition.sig_shape))
        told = f"--format raw --dtype {acquisition.dtype} --sig {sig} "
        return cls(
            path=acquisition.source,
            format=facts.format,
            why=facts.why,
            nav_shape=acquisition.nav_shape,
            nav_reason=facts.nav_reason,
            nav_confidence=facts.nav_confidence,
            scan=acquisition.scan.described(),
            nav_guesses=facts.nav_guesses,
            sig_shape=acquisition.sig_shape,
            dtype=str(acquisition.dtype),
            codec=facts.codec,
            frames_found=facts.frames_found,
            frames_promised=facts.frames_promised,
            missing_files=facts.missing_files,
            has_mask=facts.has_mask,
            mask=acquisition.mask.as_text(),
            masked_pixels=data_set.masked_pixels(),
            size_bytes=facts.size_bytes,
            metadata=acquisition.metadata,
            problems=facts.problems,
            suggestion=(
                f"framefold run {shlex.quote(acquisition.source)} "
                f"{told if facts.format == 'raw' else ''}--nav {nav} {_scan_options(acquisition)}"
                "--udf sum -o out.h5"
            ),
        )

    @classmethod
    def refused(
        cls, path: str, size: int | None, name: str | None, why: str | None, problem: str
    ) -> Inspection:
        """Facts about a file that could not be opened."""
        suggestion = ""
        if name is None and size:
            suggestion = (
                f"framefold run {shlex.quote(path)} --format raw --dtype uint16 --sig HEIGHT,WIDTH "
                "--nav -1,-1 --udf sum -o out.h5"
            )
        return cls(
            path, name, why or "", size_bytes=size, problems=(problem,), suggestion=suggestion
        )

    def as_dict(self) -> dict[str, Any]:
        """The facts as plain values, for JSON."""
        return {
            "path": self.path,
            "format": self.format,
            "why": self.why,
            "nav_shape": None if self.nav_shape is None else list(self.nav_shape),
            "nav_reason": self.nav_reason,
            "nav_confidence": self.nav_confidence,
            "scan": dict(self.scan),
            "nav_guesses": [guess.as_dict() for guess in self.nav_guesses],
            "sig_shape": None if self.sig_shape is None else list(self.sig_shape),
            "dtype": self.dtype,
            "codec": self.codec,
            "frames_found": self.frames_found,
            "frames_promised": self.frames_promised,
            "missing_files": list(self.missing_files),
            "has_mask": self.has_mask,
            "mask": self.mask,
            "masked_pixels": self.masked_pixels,
            "size_bytes": self.size_bytes,
            "metadata": dict(self.metadata),
            "problems": list(self.problems),
            "suggestion": self.suggestion,
        }

    def as_text(self) -> str:
        """The facts for people, one a line."""
        lines = [self.path]

        def fact(name: str, value: str, reason: str = "") -> None:
            lines.append(f"  {name:<10} {value}" + (f"  ({reason})" if reason else ""))

        def sentence(name: str, value: str) -> None:
            wrapped = textwrap.wrap(value, _WIDTH, break_long_words=False, break_on_hyphens=False)
            for i, line in enumerate(wrapped or [""]):
                lines.append(f"  {'' if i else name:<10} {line}")

        fact("format", self.format or "not recognised", self.why)
        if self.is_readable:
            sure = f"; confidence {self.nav_confidence}" if self.nav_confidence else ""
            fact("scan", _shape(self.nav_shape), self.nav_reason + sure)
            for name, value in self.scan.items():
                if name != "shape" and value:
                    fact("scan", f"{name} = {value}")
            for guess in self.nav_guesses[:_GUESSES]:
                behind = f", {guess.flyback} flyback frames a line" if guess.flyback else ""
                fact("or", _shape(guess.shape) + behind, guess.reason)
            fact("frame", f"{_shape(self.sig_shape)} {self.dtype}, {self.codec}")
            found, promised = self.frames_found, self.frames_promised
            fact("frames", f"{found}" if found == promised else f"{found} of {promised}")
            seen = "" if self.has_mask or not self.masked_pixels else "in the first frame"
            count = f"{self.masked_pixels} pixels {seen}".strip() if seen else ""
            fact("mask", self.mask, count)
        if self.size_bytes is not None:
            fact("size", f"{self.size_bytes} bytes")
        for name, value in list(self.metadata.items())[:_SHOWN]:
            fact("metadata", f"{name} = {value}")
        if len(self.metadata) > _SHOWN:
            fact("metadata", f"... and {len(self.metadata) - _SHOWN} more")
        for problem in self.problems:
            sentence("problem", problem)
        if self.suggestion:
            fact("try", self.suggestion)
        return "\n".join(lines)


_WIDTH = 100
"""Letters of a line of a problem, which may be long."""

_GUESSES = 5
"""Other scan shapes that fit a screen."""

_SHOWN = 24
"""Metadata entries that fit a screen."""


def _scan_options(acquisition: Acquisition) -> str:
    """What else the command must be told of the scan."""
    scan = acquisition.scan
    told = ""
    for name in ("sync_offset", "flyback", "lead_in"):
        if getattr(scan, name):
            told += f"--{name.replace('_', '-')} {getattr(scan, name)} "
    if scan.frames_per_position > 1:
        told += f"--frames-per-position {scan.frames_per_position} "
        told += "" if scan.sums else "--repeats axis "
    return told if scan.order == "raster" else f"{told}--scan-order {scan.order} "


def _shape(shape: tuple[int, ...] | None) -> str:
    return " x ".join(map(str, shape or ()))
