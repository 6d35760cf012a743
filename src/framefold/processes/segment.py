"""Segment: a piece of memory that several of our processes see, and that never outlives them."""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Segment:
    """Shared memory with one owner; others attach to it by its path.

    On Linux it is an anonymous file (``memfd``) that the kernel frees with the last process
    that uses it, so nothing is left behind whatever kills us. Elsewhere it is a temporary
    file that the owner removes.

    Parameters
    ----------
    path : str
        What other processes of the same user attach by: a file, ``#`` and its inode, since
        the kernel gives the same descriptor number to the next segment.
    size : int
        Length in bytes.
    descriptor : int
        The open file; the owner keeps it so that the path stays good.
    owner : bool
        Whether this process created it.

    Attributes
    ----------
    bytes : ndarray of uint8, shape (size,)
        The memory; empty once closed. Who may write where is agreed by messages, not by
        locks.
    """

    def __init__(self, path: str, size: int, descriptor: int, *, owner: bool) -> None:
        self.path = path
        self.size = size
        self._owner = owner
        self._descriptor: int | None = descriptor
        try:
            # the array is all that holds the mapping: it goes when its last view goes
            self.bytes: NDArray[np.uint8] = np.frombuffer(
                mmap.mmap(descriptor, size), dtype=np.uint8
            )
        except (OSError, ValueError):
            os.close(descriptor)
            raise

    @classmethod
    def create(cls, size: int) -> Segment:
        """New memory, all zero, owned by this process.

        Parameters
        ----------
        size : int
            Length in bytes, at least 1.
        """
        size = max(1, size)
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("framefold", os.MFD_CLOEXEC)
            file = f"/proc/{os.getpid()}/fd/{descriptor}"
        else:
            descriptor, file = tempfile.mkstemp(prefix="framefold-")
        os.ftruncate(descriptor, size)
        path = f"{file}#{os.fstat(descriptor).st_ino}"
        return cls(path, size, descriptor, owner=True)

    @classmethod
    def attach(cls, path: str, size: int) -> Segment:
        """Memory that another of our processes owns.

        Parameters
        ----------
        path : str
            Its `path`.
        size : int
            Its `size` in bytes.

        Raises
        ------
        FileNotFoundError
            If the owner is gone.
        """
        file, _, inode = path.rpartition("#")
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        if os.fstat(descriptor).st_ino != int(inode):
            os.close(descriptor)
            raise FileNotFoundError(f"segment {path} is gone: its owner closed it")
        return cls(path, size, descriptor, owner=False)

    @property
    def is_gone(self) -> bool:
        """Whether its owner has closed it."""
        file, _, inode = self.path.rpartition("#")
        try:
            return Path(file).stat().st_ino != int(inode)
        except OSError:
            return True

    def close(self) -> None:
        """Let go of it. Arrays that still look into it stay good in this process, and the
        memory is free once the last of them is gone.
        """
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        self.bytes = np.empty(0, dtype=np.uint8)
        if self._owner and not self.path.startswith("/proc/"):
            Path(self.path.rpartition("#")[0]).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._descriptor is None else "owner" if self._owner else "attached"
        return f"<Segment {self.path} {self.size} bytes, {state}>"


class Attached:
    """The segments this process has attached to, each once; for any number of threads."""

    def __init__(self) -> None:
        self._segments: dict[str, Segment] = {}
        self._lock = threading.RLock()
        _all_attached.add(self)

    def get(self, path: str, size: int) -> NDArray[np.uint8]:
        """The bytes of a segment, attached now if it was not before."""
        segment = self._segments.get(path)
        if segment is None:
            with self._lock:
                segment = self._segments.get(path) or self._attach(path, size)
        return segment.bytes

    def _attach(self, path: str, size: int) -> Segment:
        # a new one is rare: the moment to let go of old ones
        self.forget_gone()
        segment = self._segments[path] = Segment.attach(path, size)
        return segment

    def forget(self, path: str) -> None:
        """Let go of a segment, if it was attached."""
        with self._lock:
            segment = self._segments.pop(path, None)
        if segment is not None:
            segment.close()

    def forget_gone(self) -> None:
        """Let go of those whose owner closed them."""
        with self._lock:
            for path in [p for p, known in self._segments.items() if known.is_gone]:
                self.forget(path)

    def close(self) -> None:
        """Let go of all of them."""
        for path in list(self._segments):
            self.forget(path)


_all_attached: weakref.WeakSet[Attached] = weakref.WeakSet()


def forget_gone() -> None:
    """Let go of every segment in this process whose owner closed it."""
    for attached in list(_all_attached):
        attached.forget_gone()
