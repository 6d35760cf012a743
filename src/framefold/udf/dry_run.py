"""Dry run: made-up frames through users' UDFs before the first real one, to hear of mistakes."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.errors import InvalidMaskError, UDFException
from framefold.udf.base import UDF
from framefold.udf.bound import BoundRun
from framefold.udf.bound_udf import CONSTRUCTION, Zeros
from framefold.udf.domain import Domain
from framefold.udf.main_udf import MainUDF
from framefold.udf.meta import UDFMeta
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.spec import RunSpec

Attempt = Callable[[bool], PartitionResult | None]
"""Has a worker do `attempt`, with noise or without; None if nothing came of it."""

_BLIND = frozenset(
    {CONSTRUCTION, "get_worker_data", "get_result_buffers", "get_task_data", "preprocess"}
    | {"get_method"}
)
"""Hooks that see no pixels: what they raise, they will raise again."""

_MISTAKES = (
    *(AttributeError, TypeError, NameError, ImportError, NotImplementedError),
    *(UDFException, InvalidMaskError),
)
"""What is raised over names and types rather than over values."""

_ABOUT_ARRAYS = re.compile(r"broadcast|shape|dimension|read-only|cannot be read here")
"""What a ValueError speaks of that is about arrays rather than about values."""


def is_tried(udf: type[UDF]) -> bool:
    """Whether made-up frames are sent through a UDF.

    Not through those that say ``DRY_RUN = False``, and not through those that come with this
    package: they are tested with it, and making their masks would only take time. What a user
    derives from them is tried.
    """
    is_shipped = udf.__module__.partition(".")[0] == __name__.partition(".")[0]
    return udf.DRY_RUN and not is_shipped


def tried(spec: RunSpec) -> tuple[int, ...]:
    """Numbers of the UDFs that are tried."""
    return tuple(i for i, (cls, _) in enumerate(spec.udfs) if is_tried(cls))


def made_up(shape: tuple[int, ...], dtype: np.dtype[Any], *, noise: bool) -> NDArray[Any]:
    """A frame that no detector recorded.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    noise : bool
        Whether it has values between 0 and 100 in no order; else all are 1, so that sums and
        ratios of them are as harmless as can be.
    """
    if not noise:
        return np.ones(shape, dtype)
    values = np.random.default_rng(0).integers(0, 101, shape)
    return (values > 50).astype(dtype) if dtype.kind == "b" else values.astype(dtype)


def attempt(spec: RunSpec, zeros: Zeros, *, noise: bool) -> PartitionResult:
    """What a partition of one made-up frame gives, in the process that works.

    Parameters
    ----------
    spec : RunSpec
        The run; at least one position is selected.
    zeros : callable
        As for `BoundRun.process`.
    noise : bool
        As for `made_up`.

    Returns
    -------
    PartitionResult
        One entry for each UDF that is `tried`.
    """
    numbers = tried(spec)
    part_of = replace(
        spec,
        udfs=tuple(spec.udfs[i] for i in numbers),
        backends=tuple(spec.backends[i] for i in numbers) if spec.backends else (),
    )
    selection = spec.selection
    first = 0 if selection is None else int(np.argmax(selection))
    frame = made_up((1, *spec.sig_shape), spec.dtype, noise=noise)
    with np.errstate(all="ignore"):
        return BoundRun(part_of).process(
            0, np.array([first], np.int64), lambda _first, _count: frame, zeros
        )


class DryRun:
    """The main side of a dry run: throw-away copies of the UDFs, merged into throw-away results.

    Parameters
    ----------
    spec : RunSpec
        The run.
    domain : Domain
        Its axes.
    meta : UDFMeta
        What the UDFs of the run are told on the main side.
    """

    def __init__(self, spec: RunSpec, domain: Domain, meta: UDFMeta) -> None:
        self._spec = spec
        self._domain = domain
        self._meta = meta

    def mistakes(self, attempt: Attempt) -> dict[int, UDFError]:
        """What UDFs raise that they would also raise over real frames, by number.

        Hooks that see pixels may raise over made-up ones what they would never raise over real
        ones. So these count only if the exception is of a kind that speaks of a mistake in the
        program, and if it comes again, word for word, with a frame of quite other values.

        Parameters
        ----------
        attempt : callable
            Has a worker do its part.
        """
        if not self._domain.frames:
            return {}
        found = self._raised(attempt(False))
        sure = {i: error for i, error in found.items() if error.hook in _BLIND}
        likely = {i: e for i, e in found.items() if i not in sure and _speaks_of_mistake(e)}
        if likely:
            again = self._raised(attempt(True))
            sure |= {i: e for i, e in likely.items() if i in again and _is_same(e, again[i])}
        for i, error in sorted(sure.items()):
            if error.exception is not None:
                error.exception.add_note(
                    f"found in {error.hook} of {self._spec.udfs[i][0].__name__} by a dry run "
                    "with made-up frames, before any data; dry_run=False leaves it out"
                )
        return dict(sorted(sure.items()))

    def _raised(self, part: PartitionResult | None) -> dict[int, UDFError]:
        if part is None:
            return {}
        found: dict[int, UDFError] = {}
        for i, arrays in zip(tried(self._spec), part.results, strict=True):
            error = arrays if isinstance(arrays, UDFError) else self._merged(i, part, arrays)
            if error is not None:
                found[i] = error
        return found

    def _merged(self, i: int, part: PartitionResult, arrays: Any) -> UDFError | None:
        cls, kwargs = self._spec.udfs[i]
        processed = np.zeros(self._domain.frames, dtype=bool)
        meta = copy(self._meta)
        meta.set_valid_nav_mask(processed)
        hook = CONSTRUCTION
        try:
            main = MainUDF(cls(**kwargs), meta, self._domain)
            hook = "preprocess"
            main.prepare()
            hook = "merge"
            with np.errstate(all="ignore"):
                main.merge(part.rows, arrays)
                hook = "get_results"
                processed[part.rows] = True
                main.results(processed, copy=False)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the fence around users' code
            return UDFError.of(error, hook)
        return None


def _speaks_of_mistake(error: UDFError) -> bool:
    raised = error.exception
    if isinstance(raised, ValueError) and not isinstance(raised, _MISTAKES):
        # not in get_results: it may rely on more positions than one
        return bool(_ABOUT_ARRAYS.search(error.message)) and error.hook != "get_results"
    if isinstance(raised, UnboundLocalError) or "NoneType" in error.message:
        return False  # nothing was found in the frame, say
    return isinstance(raised, _MISTAKES)


def _is_same(error: UDFError, other: UDFError) -> bool:
    return (error.hook, error.type_name, error.message) == (
        *(other.hook, other.type_name, other.message),
    )
