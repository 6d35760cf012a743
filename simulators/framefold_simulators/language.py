"""Language: what the messages of a series look like in one protocol; each is a module here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from framefold_simulators.series import Series


class Language(Protocol):
    """The messages of one protocol, as lists of parts; no I/O."""

    @property
    def CODECS(self) -> Mapping[str, str]:  # noqa: N802 - a module's constant
        """Compression as people name it -> how a blob of this protocol is made."""

    def header(self, series: Series) -> list[bytes]:
        """What announces a series."""

    def image(self, series: Series, frame: int, blobs: bytes | Sequence[bytes]) -> list[bytes]:
        """One image; of several blobs a protocol with a single channel takes the first."""

    def end(self, series: Series, sent: int | None = None, reason: str = "") -> list[bytes]:
        """The end of the series, and how it came about where the protocol can tell."""
