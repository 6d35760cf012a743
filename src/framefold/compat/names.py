"""Activate, deactivate: let ``import libertem`` find the modules in ``libertem_names``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from framefold.errors import FramefoldError
from framefold.processes import launcher

PACKAGE = "libertem"
FOLDER = Path(__file__).parent / "libertem_names"
PAGE = "docs/how-to/coming-from-libertem.md"
IN_WORKERS = "framefold.compat:activate"
"""What a fork server calls so that workers find the same names."""


class CompatError(FramefoldError, ImportError):
    """Names that cannot be lent, because the real package has them already."""


class LentNames(MetaPathFinder):
    """Finds ``libertem`` and what is below it in `FOLDER`, and nowhere else."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the import system's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Where a module lies.

        Raises
        ------
        ModuleNotFoundError
            If the name is not one of those that are lent.
        """
        first, *rest = fullname.split(".")
        if first != PACKAGE:
            return None
        place = FOLDER.joinpath(*rest)
        if (place / "__init__.py").is_file():
            return importlib.util.spec_from_file_location(
                fullname, place / "__init__.py", submodule_search_locations=[str(place)]
            )
        if place.with_suffix(".py").is_file():
            return importlib.util.spec_from_file_location(fullname, place.with_suffix(".py"))
        raise ModuleNotFoundError(
            f"framefold.compat has no {fullname}; {PAGE} lists what is there", name=fullname
        )


def is_active() -> bool:
    """Whether ``import libertem`` finds the names of this package."""
    return any(isinstance(finder, LentNames) for finder in sys.meta_path)


def activate() -> None:
    """Let ``import libertem`` and the modules below it find framefold, here and in workers.

    Call it before the first such import, and before a `framefold.Context` has started workers.
    Calling it again changes nothing.

    Raises
    ------
    CompatError
        If the real package is imported already: two sets of classes of one name would be
        mixed up.
    """
    if is_active():
        return
    loaded = sys.modules.get(PACKAGE)
    if loaded is not None:
        raise CompatError(
            f"{PACKAGE} is already imported from {getattr(loaded, '__file__', 'somewhere')}; "
            f"activate framefold.compat before anything imports {PACKAGE}, or leave one of the "
            "two out"
        )
    sys.meta_path.insert(0, LentNames())
    if IN_WORKERS not in launcher.EVERYWHERE:
        launcher.EVERYWHERE.append(IN_WORKERS)


def deactivate() -> None:
    """Take the names back; modules that imported them keep what they have."""
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, LentNames)]
    if IN_WORKERS in launcher.EVERYWHERE:
        launcher.EVERYWHERE.remove(IN_WORKERS)
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
            del sys.modules[name]
