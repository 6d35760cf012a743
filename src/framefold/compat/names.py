"""Activate, deactivate: let ``import libertem`` and ``import libertem_live`` find our modules."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

from framefold.errors import FramefoldError
from framefold.processes import launcher

HERE = Path(__file__).parent
FOLDERS = {"libertem": HERE / "libertem_names", "libertem_live": HERE / "libertem_live_names"}
"""Packages whose names are lent, and where the modules lie that answer to them."""
PAGE = "docs/how-to/coming-from-libertem.md"
IN_WORKERS = "framefold.compat:activate"
"""What a fork server calls so that workers find the same names."""


class CompatError(FramefoldError, ImportError):
    """Names that cannot be lent, because the real package has them already."""


class LentPackage(SourceFileLoader):
    """A package whose modules are there as attributes, imported when first asked for.

    Scripts write ``import libertem.api`` and then ``libertem.udf.sum.SumUDF``: elsewhere one import
    brings most of the others along.
    """

    def exec_module(self, module: ModuleType) -> None:
        """Run it, and say where its missing attributes are to be found."""
        super().exec_module(module)

        def missing(name: str) -> ModuleType:
            if not name.startswith("_"):
                try:
                    return importlib.import_module(f"{module.__name__}.{name}")
                except ImportError as error:
                    raise AttributeError(f"{module.__name__} has no {name}: {error}") from error
            raise AttributeError(f"{module.__name__} has no {name}")

        vars(module)["__getattr__"] = missing


class LentNames(MetaPathFinder):
    """Finds the packages of `FOLDERS` and what is below them, and nothing else."""

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
        if first not in FOLDERS:
            return None
        place = FOLDERS[first].joinpath(*rest)
        if (place / "__init__.py").is_file():
            file = place / "__init__.py"
            return importlib.util.spec_from_file_location(
                fullname,
                file,
                loader=LentPackage(fullname, str(file)),
                submodule_search_locations=[str(place)],
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
    for package in FOLDERS:
        loaded = sys.modules.get(package)
        if loaded is not None:
            raise CompatError(
                f"{package} is already imported from {getattr(loaded, '__file__', 'somewhere')}; "
                f"activate framefold.compat before anything imports {package}, or leave one of "
                "the two out"
            )
    sys.meta_path.insert(0, LentNames())
    if IN_WORKERS not in launcher.EVERYWHERE:
        launcher.EVERYWHERE.append(IN_WORKERS)


def deactivate() -> None:
    """Take the names back; modules that imported them keep what they have."""
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, LentNames)]
    if IN_WORKERS in launcher.EVERYWHERE:
        launcher.EVERYWHERE.remove(IN_WORKERS)
    for name in list(sys.modules):
        folder = FOLDERS.get(name.split(".")[0])
        file = str(getattr(sys.modules[name], "__file__", ""))
        if folder is not None and file.startswith(str(folder)):
            del sys.modules[name]
