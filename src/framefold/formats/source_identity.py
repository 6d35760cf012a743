"""SourceIdentity: all files that a recording consists of, as they were when somebody looked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framefold.errors import DataError
from framefold.formats.files import FileDataSet
from framefold.formats.opened import FileIdentity


@dataclass(frozen=True, slots=True)
class SourceIdentity:
    """Tells whether a recording is still the one that it was.

    Files are told apart by path, length and time of the last change; nobody reads 40 GB for it.

    Parameters
    ----------
    path : str
        What the user would name; absolute.
    files : int
        How many files it consists of.
    size_bytes : int
        Their length in all [bytes].
    digest : str
        SHA-256 over path, length and time of each.
    """

    path: str
    files: int
    size_bytes: int
    digest: str

    @classmethod
    def of(cls, data_set: FileDataSet, positions: str | None = None) -> SourceIdentity:
        """Look at the files of a recording.

        Parameters
        ----------
        data_set : FileDataSet
            The recording, opened.
        positions : str or None
            A file that says where frames belong.

        Raises
        ------
        DataError
            If one of them has vanished.
        """
        main = FileIdentity.of(data_set.acquisition.source)
        found = {main.path: main}
        for segment in data_set.segments:
            identity = getattr(segment.storage, "identity", None)
            if isinstance(identity, FileIdentity):
                found[identity.path] = identity
        beside = _companions(data_set) if positions is None else [*_companions(data_set), positions]
        for path in beside:
            identity = FileIdentity.of(path)
            found[identity.path] = identity
        digest = hashlib.sha256()
        for path in sorted(found):
            one = found[path]
            digest.update(f"{one.path}\0{one.size}\0{one.mtime_ns}\n".encode())
        size = sum(one.size for one in found.values())
        return cls(main.path, len(found), size, digest.hexdigest())

    def as_dict(self) -> dict[str, Any]:
        """The facts as plain values, for JSON."""
        return {
            "path": self.path,
            "files": self.files,
            "size_bytes": self.size_bytes,
            "digest": self.digest,
        }

    @classmethod
    def of_dict(cls, facts: object) -> SourceIdentity:
        """The same from plain values.

        Raises
        ------
        DataError
            If they are something else.
        """
        if isinstance(facts, Mapping):
            path, digest = facts.get("path"), facts.get("digest")
            files, size = facts.get("files"), facts.get("size_bytes")
            texts = isinstance(path, str) and isinstance(digest, str)
            if texts and isinstance(files, int) and isinstance(size, int):
                return cls(str(path), files, size, str(digest))
        raise DataError(f"{facts!r:.200} does not say which recording was read")


def _companions(data_set: FileDataSet) -> Iterator[str]:
    """Files that say something of the frames, and hold none."""
    path = Path(data_set.acquisition.source)
    for name in ("hdr", "xml"):
        told = data_set.acquisition.metadata.get(name)
        if isinstance(told, str) and path.with_name(told).is_file():
            yield str(path.with_name(told))
    if data_set.facts.format == "zarr":
        # the library reads chunk files that we do not know one by one
        for folder, _, names in os.walk(path.parent):
            yield from (str(Path(folder) / name) for name in names)
