"""ReaderTests: a test class to inherit from, for everything that reads recorded frames."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.sum import SumUDF
from framefold.analyses.sumsig import SumSigUDF
from framefold.api import Context
from framefold.core.scan import NOWHERE
from framefold.formats import open_dataset
from framefold.formats.files import FileDataSet
from framefold.formats.inspection import Inspection
from framefold.testing.readout import Readout, read_out
from framefold.testing.trial import travelled

Recording = tuple[Any, NDArray[Any]]
"""A path, or whatever else `ReaderTests.load` takes; and the frames, shape nav + sig."""


class ReaderTests:
    """Tests that a reader gives the frames that there are, however it is asked.

    Inherit from it in a test file of pytest and define a fixture ``recording``: a path, and an
    array of what it holds, scan axes first, frames in the order in which they were recorded.
    Two detector axes are assumed; all frames must be there.

    Attributes
    ----------
    options : mapping
        What `framefold.formats.open_dataset` needs beside the path.
    seed, examples : int
        Of random cuts, selections and orders, and how many there are of each kind.
    workers : int
        Worker processes that a run is tried with; 0 for none.

    Examples
    --------
    >>> import numpy as np, pytest
    >>> from framefold.testing import ReaderTests
    >>> class TestNpy(ReaderTests):
    ...     @pytest.fixture
    ...     def recording(self, tmp_path):
    ...         data = np.random.default_rng(0).integers(0, 9, (4, 5, 6, 8)).astype("u2")
    ...         np.save(tmp_path / "scan.npy", data)
    ...         return tmp_path / "scan.npy", data
    """

    options: ClassVar[Mapping[str, Any]] = {}
    seed = 0
    examples = 4
    workers = 2

    def load(self, source: Any, **options: Any) -> FileDataSet:
        """Open the recording; override it where `open_dataset` is not what opens it."""
        return open_dataset(source, **{**self.options, **options})

    @contextmanager
    def processes(self) -> Iterator[Context]:
        """Worker processes for a run; override it with some that are there, to save time."""
        with Context(workers=self.workers) as context:
            yield context

    def test_every_frame(self, recording: Recording) -> None:
        """Every frame comes once, at its position, with its pixels and their type."""
        source, expected = recording
        data_set = self.load(source)
        told = f"{data_set.dtype} {tuple(data_set.shape)}"
        assert data_set.dtype == expected.dtype.newbyteorder("="), f"it is read as {told}"
        assert tuple(data_set.shape) == expected.shape, f"it is read as {told}"
        assert data_set.frames == len(_frames(expected)), f"it has {data_set.frames} frames"
        compare(data_set, expected, "read from start to end")

    def test_cuts(self, recording: Recording) -> None:
        """Partitions may be cut anywhere."""
        source, expected = recording
        rng = np.random.default_rng(self.seed)
        count = len(_frames(expected))
        for parts in {1, count, *rng.integers(1, count + 1, self.examples).tolist()}:
            data_set = self.load(source, num_partitions=parts)
            compare(data_set, expected, f"cut into {parts} partitions")
        compare(self.load(source), expected, "cut for 7 workers", workers=7)

    def test_shuffled(self, recording: Recording) -> None:
        """Blocks may be read in any order, and any of their rows."""
        source, expected = recording
        for seed in range(self.seed, self.seed + self.examples):
            rng = np.random.default_rng(seed)
            parts = int(rng.integers(1, len(_frames(expected)) + 1))
            data_set = self.load(source, num_partitions=parts)
            rows = int(rng.integers(1, 9))
            what = f"cut into {parts}, {rows} rows at once in random order"
            compare(data_set, expected, what, rows_at_once=rows, shuffled=rng)

    def test_selections(self, recording: Recording) -> None:
        """Blocks of a selection hold its positions; those without any are left out."""
        source, expected = recording
        frames = _frames(expected)
        rng = np.random.default_rng(self.seed)
        for part in (0.0, 0.05, 0.5, 1.0):
            wanted = rng.random(len(frames)) < part
            data_set = self.load(source, num_partitions=min(5, len(frames)))
            found = read_out(data_set, selection=wanted)
            assert found.times[wanted].all(), "a selected position did not come"
            for start, stop in pairwise(data_set.cuts(2).tolist()):
                came = found.times[start:stop].any()
                assert not came or wanted[start:stop].any(), "a block without selected positions"
            _same(found.frames[wanted], frames[wanted], f"selected {part:.0%} of the positions")

    def test_sync_offset(self, recording: Recording) -> None:
        """Frames may be skipped, or positions left blank, at the start."""
        source, expected = recording
        count = len(_frames(expected))
        for offset in {1, count // 2, count - 1, -1, -(count // 3), 1 - count}:
            if -count < offset < count:
                data_set = self.load(source, sync_offset=offset)
                compare(data_set, expected, f"sync_offset={offset}")

    def test_nav_shapes(self, recording: Recording) -> None:
        """The scan may have another shape, with room for more frames or for fewer."""
        source, expected = recording
        count = len(_frames(expected))
        for shape in [(count,), (-1,), (1, -1), (count + 3,), (max(1, count - 2),), (2, count)]:
            data_set = self.load(source, nav_shape=shape)
            compare(data_set, expected, f"nav_shape={shape}")

    def test_scan_orders(self, recording: Recording) -> None:
        """Frames find their positions in scans that are no plain raster."""
        source, expected = recording
        count = len(_frames(expected))
        width = max(2, int(count**0.5))
        rng = np.random.default_rng(self.seed)
        orders: list[dict[str, Any]] = [
            {"nav_shape": (-(-count // width), width), "scan_order": "snake"},
            {"nav_shape": (-(-count // width), width), "flyback": 1, "lead_in": 1},
            {"nav_shape": (count + 2,), "positions": rng.permutation(count + 2)[:count]},
            {"nav_shape": (max(1, count // 2),), "frames_per_position": 2, "repeats": "axis"},
            {"nav_shape": (max(1, count // 2),), "frames_per_position": 2, "repeats": "sum"},
        ]
        for order in orders:
            compare(self.load(source, **order), expected, f"with {order}")

    def test_sig_shape(self, recording: Recording) -> None:
        """Frames may be given another shape with as many pixels."""
        source, expected = recording
        flat = expected.reshape(*expected.shape[:-2], -1)
        compare(self.load(source, sig_shape=flat.shape[-1:]), flat, "as flat frames", sig_dims=1)

    def test_travelling(self, recording: Recording) -> None:
        """Blocks can be sent to another process, as runs do."""
        source, expected = recording
        frames = _frames(expected)
        data_set = self.load(source, num_partitions=min(3, len(frames)))
        for start, stop in pairwise(data_set.cuts().tolist()):
            block = data_set.block(0, start, stop)
            assert block is not None, f"no block for positions {start} to {stop}"
            with travelled(block).open() as opened:
                out = np.empty((stop - start, *frames.shape[1:]), data_set.dtype)
                pixels = opened.read(np.arange(stop - start), out)
                _same(pixels, frames[start:stop], "sent to another process")

    def test_run(self, recording: Recording) -> None:
        """A run gives what numpy gives."""
        source, expected = recording
        data_set = self.load(source)
        with Context.inline() as context:
            self._run(context, data_set, expected, "a run in this process")

    def test_run_in_processes(self, recording: Recording) -> None:
        """A run with worker processes gives what numpy gives."""
        source, expected = recording
        if self.workers:
            data_set = self.load(source, num_partitions=min(5, len(_frames(expected))))
            with self.processes() as context:
                self._run(context, data_set, expected, f"a run with {self.workers} processes")

    def test_told(self, recording: Recording) -> None:
        """What is told of the recording is true, and can be written as JSON."""
        source, expected = recording
        data_set = self.load(source)
        found = Inspection.of(data_set)
        json.dumps(found.as_dict(), default=str)
        count = len(_frames(expected))
        assert found.frames_found == found.frames_promised == count, "frames are miscounted"
        assert found.problems == (), f"problems are told of a good recording: {found.problems}"
        assert found.nav_reason, "nobody says where the scan shape comes from"
        assert found.as_text(), "nothing is told"
        assert data_set.get_num_partitions() == len(list(data_set.get_partitions()))

    def _run(
        self, context: Context, data_set: FileDataSet, expected: NDArray[Any], what: str
    ) -> None:
        frames = _frames(expected)
        total: Any
        each: Any
        total, each = context.run_udf(data_set, [SumUDF(), SumSigUDF()])
        exact = np.asarray(frames, dtype=np.result_type(frames.dtype, np.float64))
        _close(total["intensity"].data, exact.sum(axis=0), f"{what}: the sum of all frames")
        _close(
            each["intensity"].data.reshape(-1), exact.sum(axis=(1, 2)), f"{what}: sums of frames"
        )


def compare(
    data_set: FileDataSet, expected: NDArray[Any], what: str, *, sig_dims: int = 2, **how: Any
) -> None:
    """Hold everything a data set hands out against an array.

    Parameters
    ----------
    data_set : FileDataSet
        What is on trial.
    expected : ndarray, shape nav + sig
        The frames in the order in which they were recorded.
    what : str
        How it was opened, for messages.
    sig_dims : int
        How many of the last axes of ``expected`` belong to the detector.
    **how
        As for `read_out`.

    Raises
    ------
    AssertionError
        If a frame is wrong, lacking, or comes more than once.
    """
    frames = expected.reshape(-1, *expected.shape[expected.ndim - sig_dims :])
    wanted = _by_position(data_set, frames)
    found = read_out(data_set, **how)
    for times, words in ((0, "did not come"), (2, "came more than once")):
        wrong = wanted.times.clip(max=1) != found.times
        at = np.flatnonzero(wrong & (found.times.clip(max=2) == times))
        assert not len(at), f"{what}: position {at[:3]} {words}"
    strange = np.flatnonzero(found.times > wanted.times)
    assert not len(strange), f"{what}: position {strange[:3]} has no frame and came all the same"
    _same(found.frames, wanted.frames, what)


def _by_position(data_set: FileDataSet, frames: NDArray[Any]) -> Readout:
    """The frames where the scan wants them; sums where it sums."""
    scan = data_set.acquisition.scan
    each = scan.frames_per_position if scan.sums else 1
    numbers = scan.unfolded.numbers(0, scan.size * each)
    there = ((numbers != NOWHERE) & (numbers < len(frames))).reshape(-1, each).all(axis=1)
    placed = np.zeros((scan.size, *frames.shape[1:]), data_set.dtype)
    for one in numbers.reshape(-1, each).T:
        placed[there] += frames[one[there]].astype(data_set.dtype)
    return Readout(placed, there.astype(np.int64))


def _frames(expected: NDArray[Any]) -> NDArray[Any]:
    frames: NDArray[Any] = expected.reshape(-1, *expected.shape[-2:])
    return frames


def _same(found: NDArray[Any], expected: NDArray[Any], what: str) -> None:
    same = (found == expected) | ((found != found) & (expected != expected))
    wrong = np.flatnonzero(~same.all(axis=tuple(range(1, same.ndim))))
    assert not len(wrong), f"{what}: frames {wrong[:5]} have wrong pixels ({len(wrong)} in all)"


def _close(found: NDArray[Any], expected: NDArray[Any], what: str) -> None:
    good = np.allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1e-30, np.abs(expected).max()))
    assert good, f"{what} is not what numpy gives"
