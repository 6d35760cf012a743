"""Live run, replay of its wire log, of its HDF5 through both protocols and real sockets, and the
files themselves: the same bits, for every shipped UDF with all its kinds of parameters, with and
without losses.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from e2e.shipped_cases import cases
from e2e.test_live_equals_offline import assert_same
from e2e.wires import wire
from framefold.analyses import UDFS, make_udf
from framefold.replay.pace import Pace
from framefold.replay.push_outlet import PushOutlet
from framefold.replay.source import ReplaySource
from framefold_simulators.faults import Faults
from framefold_simulators.faulty_series import faulty_images

NAV, SIG = (5, 7), (17, 21)
FAULTS = Faults(drop=0.15, duplicate=0.15, corrupt=0.15, truncate=0.15, seed=4)
SHOWS_THE_CUT = {"partition_monitor"}
"""What it shows is the partition that came last: that depends on how the frames came, by design."""

Results = dict[str, dict[str, NDArray[Any]]]


@pytest.fixture(scope="module")
def scan() -> NDArray[np.uint16]:
    """A scan of odd sizes, with pixels of the value that means none."""
    data = (np.random.default_rng(11).random((*NAV, *SIG)) ** 6 * 5000).astype(np.uint16)
    data[:, :, 3, 5] = 65535
    return data


class Everything:
    """All shipped UDFs, run together on whatever brings frames."""

    def __init__(self, data: NDArray[Any], folder: Path) -> None:
        self.cases = {
            name: case
            for name, case in cases(data, folder).items()
            if case.name not in SHOWS_THE_CUT
        }
        self.file = folder / "scan.npy"  # that of RecordUDF
        self.picked = np.zeros(NAV, bool)
        self.picked[1:4, 3:6] = True

    def of(self, ctx: Any, bring: Any) -> Results:
        """The results; ``bring`` opens the source anew for each run."""
        found: Results = {}
        picks = ("pick", "pick_shifted")
        for roi, names in (
            (None, [name for name, case in self.cases.items() if case.name not in picks]),
            (self.picked, [name for name, case in self.cases.items() if case.name in picks]),
        ):
            udfs = [make_udf(self.cases[name].name, self.cases[name].parameters) for name in names]
            with bring() as reader:
                results = ctx.run_udf(reader, udfs, roi=roi, dry_run=False)
                for name, one in zip(names, results, strict=True):
                    found[name] = {key: np.array(buffer.data) for key, buffer in one.items()}
                    for key, buffer in one.items():
                        found[name][f"{key}, valid"] = np.array(buffer.masked_data.mask)
        found["record"]["file"] = np.load(self.file)
        return found


def test_every_shipped_udf_is_here(scan, tmp_path):
    """A new one must be added to the cases."""
    known = {case.name for case in Everything(scan, tmp_path).cases.values()}
    assert known | SHOWS_THE_CUT >= set(UDFS.names()) - {"auto"}
    assert "framefold.udf:AutoUDF" in known


@contextmanager
def live(ctx: Any, detector: Any, messages: list[list[bytes]]) -> Iterator[Any]:
    sender = detector(messages)
    settings = {"nav_shape": NAV, "frames_per_block": 11, "idle_seconds": 1.0}
    with ctx.stream(sender.endpoint, **settings) as stream:
        yield stream.next_reader()


@contextmanager
def recorded(ctx: Any, detector: Any, messages: list[list[bytes]], folder: Path) -> Iterator[Any]:
    """Live, with an HDF5 recording and a wire log."""
    sender = detector(messages)
    settings = {"nav_shape": NAV, "frames_per_block": 11, "idle_seconds": 1.0}
    with (
        ctx.recording(folder, file_bytes=10_000) as recording,
        ctx.stream(sender.endpoint, wire_log=folder, **settings) as stream,
    ):
        reader = recording.reader(stream.next_reader())
        yield reader
        reader.join()
        assert recording.state.state in ("complete", "aborted"), recording.state.reason


@contextmanager
def played(ctx: Any, path: Path, **options: Any) -> Iterator[Any]:
    """Replayed through the receiver."""
    with ctx.replay(path, nav_shape=NAV, idle_seconds=1.0, **options) as stream:
        yield stream.next_reader()
        assert stream.next_reader() is None


@contextmanager
def sent(ctx: Any, path: Path, language: str | None) -> Iterator[Any]:
    """Replayed out through a real socket, and received as from a detector."""
    with PushOutlet("tcp://127.0.0.1:0") as outlet:
        source = ReplaySource(str(path), language)
        sending = threading.Thread(target=outlet.send, args=(source.messages(), Pace()))
        sending.start()
        with ctx.stream(outlet.endpoint, nav_shape=NAV, idle_seconds=1.0) as stream:
            yield stream.next_reader()
        outlet.stopping.set()
        sending.join()


@contextmanager
def offline(ctx: Any, path: Path, **options: Any) -> Iterator[Any]:
    yield ctx.load(path, **options)


class TestReplayEqualsLive:
    """Whichever way a recording is run again."""

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("lossy", [False, True])
    def test_every_way(self, scan, protocol, lossy, workers, detector, tmp_path):
        order = np.random.default_rng(3).permutation(35)
        messages = wire(scan, protocol, order=order, header_detail="all")
        if lossy:
            messages[1:-1] = faulty_images(messages[1:-1], FAULTS)
        files, everything = tmp_path / "files", Everything(scan, tmp_path)
        wanted = everything.of(workers, lambda: live(workers, detector, messages))
        beside = everything.of(workers, lambda: recorded(workers, detector, messages, files))
        assert_same(beside, wanted)
        hdf5, log = min(files.glob("*_master.h5")), min(files.glob("*.fflog"))

        ways = {
            "log": lambda: played(workers, log),
            "log as v2": lambda: played(workers, log, language="simplon-v2"),
            "HDF5 as v1": lambda: played(workers, hdf5, language="simplon-v1"),
            "log, socket": lambda: sent(workers, log, None),
            "HDF5, v1 socket": lambda: sent(workers, hdf5, "simplon-v1"),
            "HDF5, v2 socket": lambda: sent(workers, hdf5, "simplon-v2"),
            "HDF5, offline": lambda: offline(workers, hdf5),
            "log, offline": lambda: offline(workers, log, nav_shape=NAV),
        }
        for way, bring in ways.items():
            found = everything.of(workers, bring)
            try:
                assert_same(found, wanted)
            except AssertionError as error:
                raise AssertionError(f"{way}: {error}") from error
