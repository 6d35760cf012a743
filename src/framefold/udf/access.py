"""UDFData: what ``self.params``, ``self.results`` and ``self.task_data`` are."""

from __future__ import annotations

import warnings
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from framefold.errors import MissingNameError, nearest

_NOTHING: Mapping[str, str] = MappingProxyType({})


class UseDiscouragedWarning(FutureWarning):
    """Something that works but has a better way."""


class UDFData:
    """Named things, read as attributes; assigning to one fills it, it is never replaced.

    What an attribute gives is the *view* of the moment (a row while frames are processed,
    everything between). Views live in the instance dictionary, so that reading one costs no
    more than any attribute: whoever drives the UDF exchanges them there with `show`.

    Parameters
    ----------
    things : mapping of str to object
        What is there, by name.
    owner : str
        What the names belong to, for errors: ``"self.results"``.
    views : mapping of str to object, optional
        What attributes give; the things themselves when left out.
    hidden : mapping of str to str, optional
        Names that exist but cannot be read at the moment, with the reason.
    """

    __slots__ = ("__dict__", "_hidden", "_owner", "_things")

    _things: Mapping[str, Any]
    _owner: str
    _hidden: Mapping[str, str]

    def __init__(
        self,
        things: Mapping[str, Any],
        owner: str = "self.params",
        views: Mapping[str, Any] | None = None,
        hidden: Mapping[str, str] = _NOTHING,
    ) -> None:
        put = object.__setattr__
        put(self, "_things", things)
        put(self, "_owner", owner)
        put(self, "_hidden", hidden)
        shown = things if views is None else views
        if shown:
            self._fill(shown)

    def show(self, views: Mapping[str, Any], hidden: Mapping[str, str] = _NOTHING) -> None:
        """Exchange what attributes give; names left out of both are gone."""
        object.__setattr__(self, "_hidden", hidden)
        self.__dict__.clear()
        self._fill(views)

    def _fill(self, views: Mapping[str, Any]) -> None:
        shown = self.__dict__
        for name, view in views.items():
            if is_readable(name):
                shown[name] = view

    def __getattr__(self, name: str) -> Any:
        # reached only when no view has that name
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._hidden:
            raise ValueError(f"{self._owner}.{name} cannot be read here: {self._hidden[name]}")
        raise self._missing(name)

    def __setattr__(self, name: str, value: Any) -> None:
        view = getattr(self, name)
        if view is not value:  # after an in-place operator there is nothing left to do
            view[:] = value

    def __getitem__(self, name: str) -> Any:
        self._discourage(name)
        if name not in self._things:
            raise self._missing(name)
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def get(self, name: str, default: Any = None) -> Any:
        """The view of that name, or the default when there is none."""
        return getattr(self, name) if name in self._things else default

    def keys(self) -> KeysView[str]:
        """All names."""
        return self._things.keys()

    def values(self) -> ValuesView[Any]:
        """The things themselves, not their views."""
        return self._things.values()

    def items(self) -> ItemsView[str, Any]:
        """Names and the things themselves."""
        return self._things.items()

    def as_dict(self) -> dict[str, Any]:
        """Names and the things themselves, as a new dictionary."""
        return dict(self._things)

    def get_buffer(self, name: str) -> Any:
        """The buffer behind a view.

        Raises
        ------
        MissingNameError
            If there is none of that name; an AttributeError and a KeyError.
        """
        if name not in self._things:
            raise self._missing(name)
        return self._things[name]

    def set_buffer(self, name: str, value: Any) -> None:
        """Put another thing under a name, new or known."""
        object.__setattr__(self, "_things", {**self._things, name: value})
        self.__dict__[name] = value

    def __reduce__(self) -> tuple[object, ...]:
        return (UDFData, (self._things, self._owner))

    def _discourage(self, name: str) -> None:
        warnings.warn(
            f"{self._owner}[{name!r}] is discouraged, read {self._owner}.{name} instead "
            f"(or {self._owner}.get_buffer({name!r}) for the buffer object)",
            UseDiscouragedWarning,
            stacklevel=3,
        )

    def _missing(self, name: str) -> MissingNameError:
        known = ", ".join(sorted(self._things)) or "nothing"
        close = nearest(name, self._things)
        hint = f"; did you mean {close!r}?" if close else ""
        return MissingNameError(f"{self._owner} has no {name!r}{hint} (it has: {known})")

    def __repr__(self) -> str:
        return f"<{self._owner}: {', '.join(sorted(self._things)) or 'empty'}>"


_METHODS = frozenset(dir(UDFData))


@lru_cache(maxsize=4096)  # asked for every buffer of every partition
def is_readable(name: str) -> bool:
    """Whether a name can be read as an attribute: no leading underscore, no method's name."""
    return not name.startswith("_") and name not in _METHODS
