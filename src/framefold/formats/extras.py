"""Optional libraries: imported when a file needs them; what to say where one fails."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from framefold.errors import DataError, FramefoldError


def extra(module: str, install: str, path: str) -> Any:
    """An optional library.

    Parameters
    ----------
    module : str
        What to import.
    install : str
        Name of the extra of this package that brings it.
    path : str
        The file that needs it, for the message.

    Raises
    ------
    DataError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise DataError(
            f"{path} is read by way of the package {package}, which is not installed "
            f"(pip install 'framefold[{install}]')"
        ) from error


@contextmanager
def library_errors(path: str, library: str) -> Iterator[None]:
    """Turn whatever a library raises into a `DataError` that names the file; no warnings of its.

    Parameters
    ----------
    path : str
        The file.
    library : str
        Who reads it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except FramefoldError:
        raise
    except Exception as error:
        # damage comes out as struct.error, IndexError, OverflowError, ... whatever it hit
        raise DataError(
            f"{path} cannot be read by {library} ({type(error).__name__}: {error}); it may be "
            "damaged, cut off or of another kind"
        ) from error
