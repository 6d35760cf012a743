"""UDFRunner under LiberTEM's name: a look at UDFs before a run, and runs without a Context."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Any, cast

from framefold.api import Context, UDFResults
from framefold.api.executors import Executor
from framefold.api.plots import dry_run
from framefold.core.reader import DataSet, Reader
from framefold.udf import UDF, BufferWrapper


class UDFRunner:
    """Runs UDFs; `framefold.Context` is the shorter way.

    Parameters
    ----------
    udfs : iterable of UDF
        What to run, in one passage over the frames.
    debug : bool
        Accepted and without effect.
    """

    def __init__(self, udfs: Iterable[UDF], debug: bool = False) -> None:  # noqa: ARG002
        self.udfs = list(udfs)

    @staticmethod
    def inspect_udf(
        udf: UDF, dataset: DataSet | Reader, roi: Any = None
    ) -> dict[str, BufferWrapper]:
        """The results a UDF would have, with zeros in them."""
        return dry_run(dataset, udf, roi).results(0)

    def run_for_dataset(
        self, dataset: DataSet | Reader, executor: Executor, roi: Any = None, **options: Any
    ) -> UDFResults:
        """All results at the end.

        Parameters
        ----------
        dataset : DataSet or Reader
        executor : Executor
            Says how many workers there are.
        roi, **options
            As for `framefold.Context.run_udf_iter`.

        Returns
        -------
        UDFResults
            ``buffers``: one dict of results for each UDF; ``damage``: which positions are there.
        """
        with (
            Context(executor) as context,
            closing(context.run_udf_iter(dataset, self.udfs, roi=roi, **options)) as updates,
        ):
            *_, last = cast("Iterable[UDFResults]", updates)
            return last.settled()
