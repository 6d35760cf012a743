"""Name -> plug-in: a visible built-in table first, then entry points; imported when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from framefold.errors import UnknownNameError


class Registry:
    """Plug-ins of one kind by name.

    Parameters
    ----------
    kind : str
        What the names stand for, for error messages: ``"UDF"``, ``"format"`` ...
    builtin : mapping of str to str
        Name -> ``"module:attribute"``.
    group : str or None
        Entry-point group that other packages may add to.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str], group: str | None = None) -> None:
        self.kind = kind
        self.group = group
        self._builtin = dict(builtin)
        self._found: dict[str, str] | None = None  # entry points, looked up once when needed

    def _targets(self) -> dict[str, str]:
        if self._found is None:
            self._found = (
                {e.name: e.value for e in entry_points(group=self.group)} if self.group else {}
            )
        # ours win: a plug-in package must not change what a shipped name means
        return self._found | self._builtin

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._targets()))

    def target(self, name: str) -> str:
        """Where a plug-in lives, without importing it: ``"module:attribute"``.

        Raises
        ------
        UnknownNameError
            If no plug-in has that name; it names the nearest one.
        """
        if name in self._builtin:
            return self._builtin[name]
        targets = self._targets()
        if name not in targets:
            raise UnknownNameError(self.kind, name, targets)
        return targets[name]

    def load(self, name: str) -> Any:
        """The plug-in itself, imported now if it was not before.

        Raises
        ------
        UnknownNameError
            If no plug-in has that name; it names the nearest one.
        """
        return load_target(self.target(name))


def load_target(target: str) -> Any:
    """What ``"module:attribute"`` names, imported now if it was not before."""
    module, _, attribute = target.partition(":")
    found: Any = import_module(module)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found
