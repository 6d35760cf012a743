"""Links: which other files a recording may take its frames from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import h5py

from framefold.errors import DataError
from framefold.formats.opened import FileIdentity

_DEPTH = 16
"""Soft links to soft links are followed this far."""


@dataclass(frozen=True, slots=True)
class Links:
    """Links of a file to others: those that stay in its folder are followed.

    A file from somewhere else could name any file of this machine as its pixels.

    Parameters
    ----------
    folder : str
        The folder that must not be left, with what is below it; symbolic links resolved.
    anywhere : bool
        Whether the user said that all links are to be followed.
    """

    folder: str
    anywhere: bool = False

    @classmethod
    def of(cls, identity: FileIdentity, anywhere: bool = False) -> Links:
        """The links of a file that the user named."""
        return cls(str(Path(identity.path).parent), bool(anywhere))

    def find(
        self, identity: FileIdentity, named: str, *, exact: bool = False
    ) -> tuple[str | None, str]:
        """Where a linked file is.

        Parameters
        ----------
        identity : FileIdentity
            The file that holds the link.
        named : str
            What the link says; relative names start from the folder of that file.
        exact : bool
            Whether it must be the very file named, since the library will open it by that name.
            Otherwise a file of the same name beside the first one will do: an absolute name stems
            from the detector's own computer, and the files usually moved together.

        Returns
        -------
        (str or None, str)
            The path, and nothing; or None, and why not, as the end of a sentence.
        """
        if named == ".":
            return identity.path, ""
        folder = Path(identity.path).parent
        refused = False
        for path in (folder / named,) if exact else (folder / named, folder / Path(named).name):
            try:
                if not (path.is_file() and os.access(path, os.R_OK)):
                    continue
                if self.anywhere or path.resolve().is_relative_to(self.folder):
                    return str(path), ""
            except (OSError, ValueError):  # a damaged name: too long, or with a null byte
                continue
            refused = True
        if refused:
            return None, f"lies outside {self.folder}; follow_links=True would follow it there"
        return None, "is missing"

    def item(self, group: h5py.Group, name: str) -> object | None:
        """What stands at a path in an HDF5 file, reached by links that may be followed only.

        Parameters
        ----------
        group : h5py.Group
            Where the path begins.
        name : str
            The path; one that begins with ``/`` begins at the root.

        Returns
        -------
        h5py.Group, h5py.Dataset or None
            None if there is nothing.

        Raises
        ------
        DataError
            If an external link on the way leaves the folder, or nothing is where it leads.
        """
        return self._item(group, name, _DEPTH)

    def _item(self, group: h5py.Group, name: str, depth: int) -> object | None:
        place: object = group.file if name.startswith("/") else group
        for part in name.split("/"):
            if part in ("", "."):
                continue
            if not isinstance(place, h5py.Group):
                return None
            link = place.get(part, getlink=True)
            if isinstance(link, h5py.SoftLink):
                if not depth:
                    raise DataError(f"{group.file.filename}: soft links lead in a circle at {name}")
                place = self._item(place, link.path, depth - 1)
                continue
            if isinstance(link, h5py.ExternalLink):
                identity = FileIdentity.of(place.file.filename)
                path, why = self.find(identity, link.filename, exact=True)
                if path is None:
                    raise DataError(
                        f"{identity.path}:{part} is a link to {link.filename}, which {why}"
                    )
            place = place.get(part)
        return place
