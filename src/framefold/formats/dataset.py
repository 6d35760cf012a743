"""RecordedDataSet: what users read off a data set, whatever it was recorded by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.reader import Reader
from framefold.core.roi import RoiMaker
from framefold.core.shape import Shape
from framefold.formats.cuts import borders
from framefold.formats.facts import FileFacts
from framefold.formats.partitions import DataSetMeta, Partition


class RecordedDataSet(ABC):
    """A recorded acquisition as users see it; a subclass says where the frames lie.

    Parameters
    ----------
    acquisition : Acquisition
        What was measured.
    facts : FileFacts
        What was found out about the recording, for people.
    num_partitions : int or None
        How many partitions; None for as many as suit the workers.
    step : int
        Frames that the file stores as one.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        facts: FileFacts,
        *,
        num_partitions: int | None = None,
        step: int = 1,
    ) -> None:
        self.acquisition = acquisition
        self.facts = facts
        self.num_partitions = num_partitions
        self.step = step

    @abstractmethod
    def reader(self) -> Reader:
        """A fresh reader over all frames."""

    @abstractmethod
    def block(self, ident: int, start: int, stop: int) -> Block | None:
        """The frames at the flat scan positions ``[start, stop)``; None if there are none."""

    @contextmanager
    def held(self, positions: NDArray[np.int64]) -> Iterator[Iterable[tuple[str, Block]]]:
        """Its frames by their positions; see `framefold.core.picking.Holder`."""
        breaks = np.flatnonzero(np.diff(positions) != 1) + 1
        stretches = np.split(positions, breaks) if len(positions) else []
        yield (
            ("file", block)
            for ident, stretch in enumerate(stretches)
            if (block := self.block(ident, int(stretch[0]), int(stretch[-1]) + 1)) is not None
        )

    @property
    @abstractmethod
    def frames(self) -> int:
        """How many frames there are."""

    @property
    def shape(self) -> Shape:
        """Scan and detector."""
        sig = self.acquisition.sig_shape
        return Shape((*self.acquisition.nav_shape, *sig), len(sig))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type as recorded, in the byte order of this machine."""
        return self.acquisition.dtype

    raw_dtype = dtype

    @property
    def meta(self) -> DataSetMeta:
        """The facts in one."""
        offset = self.acquisition.scan.sync_offset
        return DataSetMeta(self.shape, self.dtype, offset, self.frames, self.array_backends)

    @property
    def array_backends(self) -> tuple[str, ...]:
        """Array libraries frames come in: numpy."""
        return ("numpy",)

    @property
    def roi(self) -> RoiMaker:
        """Makes selections: ``ds.roi[3:7, 9:12]`` is a mask with these positions True."""
        return RoiMaker(self.acquisition.nav_shape)

    @property
    def diagnostics(self) -> list[dict[str, str]]:
        """Facts for people: a list of ``{"name": ..., "value": ...}``."""
        facts = self.facts
        told = {
            "Source": self.acquisition.source,
            "Format": f"{facts.format} ({facts.why})",
            "Scan": f"{self.acquisition.nav_shape}: {facts.nav_reason}",
            "Detector": str(self.acquisition.sig_shape),
            "Pixel type": str(self.dtype),
            "Stored as": facts.codec,
            "Frames": f"{facts.frames_found} of {facts.frames_promised}",
            "Problems": "; ".join(facts.problems) or "none",
        }
        return [{"name": name, "value": value} for name, value in told.items()]

    def cuts(self, workers: int = 1) -> NDArray[np.int64]:
        """Flat positions at which partitions begin and end: int64, shape (partitions + 1,)."""
        return borders(
            self.acquisition.scan.size,
            self.acquisition.frame_bytes,
            workers,
            partitions=self.num_partitions,
            step=self.step,
        )

    def get_partitions(self) -> Iterator[Partition]:
        """The data set cut as for one worker; a run may cut it finer."""
        for number, (start, stop) in enumerate(pairwise(self.cuts().tolist())):
            yield Partition(self, number, start, stop)

    def get_num_partitions(self) -> int:
        """How many there are in `get_partitions`."""
        return len(self.cuts()) - 1

    def partitions_in_run(self, workers: int, selection: NDArray[np.bool_] | None) -> int:
        """How many partitions of a run have a selected position.

        Parameters
        ----------
        workers : int
            How many share them.
        selection : ndarray of bool, shape (positions,), or None
            Selected positions; None for all.
        """
        edges = self.cuts(workers)
        if selection is None:
            return len(edges) - 1
        before = np.concatenate([[0], np.cumsum(selection)])
        return int(np.count_nonzero(np.diff(before[edges])))

    def get_sync_offset_info(self) -> dict[str, int]:
        """How many frames have no position, and positions no frame, at either end.

        Returns
        -------
        dict of str to int
            ``frames_skipped_start``, ``frames_ignored_end``, ``frames_inserted_start``,
            ``frames_inserted_end``.
        """
        scan = self.acquisition.scan
        offset, surplus = scan.sync_offset, self.frames - scan.frames_needed
        return {
            "frames_skipped_start": scan.lead_in + max(0, offset),
            "frames_ignored_end": max(0, surplus),
            "frames_inserted_start": max(0, -offset),
            "frames_inserted_end": max(0, -surplus),
        }

    def initialize(self, executor: object = None) -> Self:  # noqa: ARG002
        """Nothing: a data set is ready when it is made; for code that calls it."""
        return self

    def set_num_cores(self, cores: int) -> None:  # noqa: B027 - a subclass need not care
        """Nothing: a run cuts the data set for the workers it has; for code that calls it."""

    def check_valid(self) -> bool:
        """True: what cannot be read raises when the data set is made; for code that asks."""
        return True
