"""Files held open in this process, so that a block costs one look at the disk and no more."""

from __future__ import annotations

import mmap
import os
import stat
import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError, MissingFileError

_KEPT = 32
"""Files kept open per process; the default limit of open files is 1024."""


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """A file as it was when it was first looked at.

    Parameters
    ----------
    path : str
        Absolute path.
    mtime_ns : int
        Time of the last change [ns since the epoch].
    size : int
        Length [bytes].
    """

    path: str
    mtime_ns: int
    size: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> FileIdentity:
        """Look at a file.

        Raises
        ------
        DataError
            If there is none, or it is a directory, a pipe or a device, or may not be read.
        """
        name = os.fspath(path)
        try:
            found = os.stat(name)  # noqa: PTH116 - pathlib would only wrap it
        except (OSError, ValueError) as error:  # ValueError: a null byte in the name
            kind = MissingFileError if isinstance(error, FileNotFoundError) else DataError
            raise kind(_why_not(name, error)) from error
        if stat.S_ISDIR(found.st_mode):
            raise DataError(f"{name} is a directory; name the file in it that holds the frames")
        if not stat.S_ISREG(found.st_mode):
            # opening a pipe would wait for ever for somebody to write into it
            raise DataError(f"{name} is not a regular file but a pipe, socket or device")
        if not os.access(name, os.R_OK):
            raise DataError(f"{name} may not be read by this user; change its permissions")
        return cls(str(Path(name).resolve()), found.st_mtime_ns, found.st_size)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return Path(self.path).name

    @property
    def ident(self) -> str:
        """A name that no other recording has, nor this one once it is written anew."""
        return f"{self.name}-{self.mtime_ns:x}-{self.size:x}"

    def check(self) -> None:
        """Make sure that the file is still what it was.

        Raises
        ------
        DataError
            If it has changed or vanished: its frames could come from two recordings.
        """
        now = FileIdentity.of(self.path)
        if now != self:
            raise DataError(
                f"{self.path} has changed since it was opened ({self.size} -> {now.size} bytes); "
                "wait until it is written, then load it again"
            )


def _why_not(name: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        folder = Path(name).parent
        if not folder.is_dir():
            return f"there is no file {name}: the folder {folder} does not exist"
        return f"there is no file {name}; check the spelling"
    return f"{name!r} cannot be opened: {error}"


class OpenFile:
    """A file opened for reading; closed when nobody refers to it any more.

    Parameters
    ----------
    identity : FileIdentity
        Which file.
    """

    def __init__(self, identity: FileIdentity) -> None:
        self.identity = identity
        self.fd = os.open(identity.path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self.fd)
        self._mapped: NDArray[np.uint8] | None = None

    def read_into(self, buffer: NDArray[np.uint8], offset: int) -> int:
        """Read bytes from a place in the file.

        Parameters
        ----------
        buffer : ndarray of uint8, shape (n,)
            Memory to fill.
        offset : int
            Where to start [bytes].

        Returns
        -------
        int
            How many bytes there were; less than n at the end of the file.
        """
        done = 0
        while done < len(buffer):
            # preadv takes at most 2 GiB at a time and may return less than it was asked for
            got = os.preadv(self.fd, [buffer[done:].data], offset + done)
            if got == 0:
                break
            done += got
        return done

    def mapped(self) -> NDArray[np.uint8]:
        """All bytes of the file in place; read-only, shape (size,)."""
        if self._mapped is None:
            pages = mmap.mmap(self.fd, 0, access=mmap.ACCESS_READ)
            self._mapped = np.frombuffer(pages, dtype=np.uint8)
        return self._mapped


_kept: OrderedDict[FileIdentity, OpenFile] = OrderedDict()  # written by: held_open, under _lock
_lock = threading.Lock()


def held_open(identity: FileIdentity) -> OpenFile:
    """The file, opened once in this process for all its blocks.

    Parameters
    ----------
    identity : FileIdentity
        The file as it was when the run began.

    Raises
    ------
    DataError
        If the file has changed or vanished since.
    """
    identity.check()
    with _lock:
        found = _kept.get(identity)
        if found is None:
            try:
                found = OpenFile(identity)
            except OSError as error:
                raise DataError(f"{identity.path} cannot be opened: {error}") from error
            _kept[identity] = found
        _kept.move_to_end(identity)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)  # closed as soon as the last block that uses it is
        return found


def readable_sibling(identity: FileIdentity, name: str) -> str | None:
    """A file of that name in the folder of another one; None if there is none to be read."""
    path = Path(identity.path).with_name(name)
    return str(path) if path.is_file() and os.access(path, os.R_OK) else None
