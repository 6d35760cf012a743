"""The token of this start in a file that only its owner can read, as long as the server runs."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framefold.errors import ConfigError

log = logging.getLogger(__name__)

_TOKEN = re.compile(rb"[A-Za-z0-9_-]{43}\n")


@contextmanager
def kept_token(token: str | None, path: str | None) -> Iterator[Path | None]:
    """Keep a token in a file (mode 0600) as long as the context lasts.

    Parameters
    ----------
    token : str or None
        As `framefold.http.control.new_token` makes them; None if there is none.
    path : str or None
        The file; None for no file. An older token in it, of a server that was killed, is
        replaced.

    Yields
    ------
    Path or None
        The file, if there is one.

    Raises
    ------
    ConfigError
        If something else is there, or it cannot be written.
    """
    if token is None or path is None:
        yield None
        return
    target = Path(path).expanduser().absolute()
    text = token.encode() + b"\n"
    try:
        if not _may_be_replaced(target):
            raise ConfigError(
                f"server.token_file = {path!r} is no token of ours; remove it, or name another file"
            )
        _write(target, text)
    except OSError as error:
        raise ConfigError(
            f"server.token_file = {path!r} cannot be written: {error.strerror}; name a file "
            "in a folder of your own"
        ) from error
    try:
        yield target
    finally:
        _remove(target, text)


def _may_be_replaced(target: Path) -> bool:
    """Whether nothing is there, or a token; a link is neither, whatever it leads to."""
    if target.is_symlink():
        return False
    if not target.exists():
        return True
    return target.is_file() and _TOKEN.fullmatch(_beginning(target)) is not None


def _beginning(target: Path) -> bytes:
    with target.open("rb") as file:
        return file.read(64)


def _write(target: Path, text: bytes) -> None:
    # whoever reads it finds a whole one; mkstemp makes it 0600 before there is anything in it
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _remove(target: Path, text: bytes) -> None:
    try:
        if not target.is_symlink() and _beginning(target) == text:  # not of a later server
            target.unlink()
    except OSError as error:
        log.warning("token file not removed file=%s error=%s", target, error)
