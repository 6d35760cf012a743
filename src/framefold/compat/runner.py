"""UDFRunner under LiberTEM's name: a look at UDFs before a run, and runs without a Context."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any

from framefold.api import Context, UDFResults
from framefold.api.executors import Executor
from framefold.api.plots import dry_run, nowhere
from framefold.core.reader import DataSet, Reader
from framefold.udf import UDF, BufferWrapper


@dataclass(frozen=True, slots=True)
class ResultsBeforehand:
    """What `UDFRunner.dry_run` gives.

    Parameters
    ----------
    buffers : tuple of dict
        Results of each UDF by name.
    damage : BufferWrapper
        Positions that are merged: none.
    """

    buffers: tuple[dict[str, BufferWrapper], ...]
    damage: BufferWrapper


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

    @staticmethod
    def dry_run(
        udfs: Iterable[UDF], dataset: DataSet | Reader, roi: Any = None
    ) -> ResultsBeforehand:
        """The results UDFs would have, with zeros in them, and no position merged."""
        sides = [dry_run(dataset, udf, roi) for udf in udfs]
        return ResultsBeforehand(tuple(side.results(0) for side in sides), nowhere(dataset))

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
        *_, last = self.run_for_dataset_sync(dataset, executor, roi, **options)
        return last

    def run_for_dataset_sync(
        self, dataset: DataSet | Reader, executor: Executor, roi: Any = None, **options: Any
    ) -> Iterator[UDFResults]:
        """One update after another; parameters as for `run_for_dataset`."""
        with (
            Context(executor) as context,
            closing(context.run_udf_iter(dataset, self.udfs, roi=roi, **options)) as updates,
        ):
            for update in updates:
                yield update.settled()

    async def run_for_dataset_async(
        self,
        dataset: DataSet | Reader,
        executor: Executor,
        cancel_id: Any = None,  # noqa: ARG002
        roi: Any = None,
        **options: Any,
    ) -> AsyncIterator[UDFResults]:
        """One update after another for ``async for``; parameters as for `run_for_dataset`.

        ``cancel_id`` has no effect: end the iteration to cancel.
        """
        with Context(executor) as context:
            updates = context.run_udf_iter(dataset, self.udfs, roi=roi, sync=False, **options)
            async with aclosing(updates) as open_updates:
                async for update in open_updates:
                    yield update
