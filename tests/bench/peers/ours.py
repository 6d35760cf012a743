"""framefold for the peers' harness: ``--impl adapter:ours``, through the public API alone.

All that is measured is what a user would write. Results are held against numpy's (`truth`) after
the clock has stopped; one that is wrong raises, so that its measurement is none.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common  # of the harness
import numpy as np
import truth
from numpy.typing import NDArray

import framefold
from framefold import UDF, ApplyMasksUDF, CoMUDF, Context, SumSigUDF, SumUDF
from framefold.analyses.stddev import StdDevUDF

PARTS = {
    "all4": ("sum", "mask16", "com", "stddev"),
    "all5": ("sum", "sumsig", "mask1", "mask16", "com"),
}
"""Several UDFs in one pass, by the harness's names."""


class PyFrame(UDF):
    """What a user writes who knows numpy: a number for each frame."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {"v": self.buffer(kind="nav", dtype="float32")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.v[:] = frame.sum()


class PyNoop(UDF):
    """What calling a user's Python for each frame costs."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {"v": self.buffer(kind="nav", dtype="float32")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        pass


class Masks:
    """The harness's masks, made in the worker."""

    def __init__(self, count: int, sig: tuple[int, int]) -> None:
        self.count = count
        self.sig = sig

    def __call__(self) -> NDArray[Any]:
        return common.masks(self.count, self.sig)


def masks(count: int, sig: tuple[int, int]) -> UDF:
    """Dense float32 masks, as LiberTEM's users give them."""
    return ApplyMasksUDF(Masks(count, sig), use_sparse=False, mask_count=count, mask_dtype="f4")


MAKERS: dict[str, Callable[[tuple[int, int]], UDF]] = {
    "sum": lambda sig: SumUDF(),
    "sumsig": lambda sig: SumSigUDF(),
    "mask1": lambda sig: masks(1, sig),
    "mask16": lambda sig: masks(16, sig),
    "com": lambda sig: CoMUDF.with_params(cy=sig[0] / 2, cx=sig[1] / 2),
    "stddev": lambda sig: StdDevUDF(),
    "pyframe": lambda sig: PyFrame(),
    "pynoop": lambda sig: PyNoop(),
}

RESULTS = {
    "sum": ("intensity", "sum"),
    "sumsig": ("intensity", "sumsig"),
    "mask1": ("intensity", "mask1"),
    "mask16": ("intensity", "mask16"),
    "com": ("raw_com", "com"),
    "stddev": ("var", "var"),
    "pyframe": ("v", "sumsig"),
}
"""Which buffer holds what is compared, and what it is called in the truth."""


def made(name: str, sig: tuple[int, int]) -> UDF | list[UDF]:
    """One UDF of the harness's list, or several for one pass."""
    if name in PARTS:
        return [MAKERS[part](sig) for part in PARTS[name]]
    return MAKERS[name](sig)


def check(name: str, results: Any, expected: truth.Truth) -> None:
    """Hold the results of a run against numpy's.

    Raises
    ------
    truth.WrongResultError
        If one is wrong.
    """
    several = zip(PARTS[name], results, strict=True) if name in PARTS else [(name, results)]
    for part, found in several:
        if part in RESULTS:
            buffer, known_as = RESULTS[part]
            truth.check(known_as, found[buffer].data, expected)


def versions() -> dict[str, Any]:
    """Of what matters here."""
    found = {name: importlib.metadata.version(name) for name in ("numpy", "numba", "h5py")}
    return {
        "framefold": framefold.__version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        **found,
    }


class Impl:
    """Files: what ``peer_offline.py`` drives."""

    def __init__(self, executor: str, workers: int) -> None:
        began = time.monotonic()
        self._ctx = Context.inline() if executor == "inline" else Context(workers=workers)
        assert self._ctx.pool is not None  # starts the workers
        self.startup = {"context_s": round(time.monotonic() - began, 3), **common.tree_mem()}
        self.versions = versions()
        self._names: dict[int, str] = {}
        self._unchecked: list[tuple[str, str, Any]] = []
        self._truths: dict[str, truth.Truth] = {}

    def open(self, name: str) -> Any:
        file, kind, nav, sig = common.DATASETS[name]
        path = Path(common.datadir()) / file
        self._truths[name] = truth.of_file(path.parent, name)
        if kind == "raw":
            opened = self._ctx.load("raw", path, dtype="uint16", nav_shape=nav, sig_shape=sig)
        else:
            opened = self._ctx.load("hdf5", path, ds_path="data")
        self._names[id(opened)] = name
        return opened

    def udf(self, name: str, sig: tuple[int, int]) -> Any:
        self._check()
        return name, made(name, sig)

    def run(self, dataset: Any, udf: Any) -> None:
        name, udfs = udf
        results = self._ctx.run_udf(dataset=dataset, udf=udfs)
        self._unchecked.append((self._names[id(dataset)], name, results))

    def run_iter(self, dataset: Any, udf: Any) -> int:
        _, udfs = udf
        updates = 0
        for moment in self._ctx.run_udf_iter(dataset=dataset, udf=udfs):
            for buffers in moment.buffers:
                for buffer in buffers.values():
                    assert buffer.data is not None
            updates += 1
        return updates

    def close(self) -> None:
        self._ctx.close()
        self._check()

    def _check(self) -> None:
        unchecked, self._unchecked = self._unchecked, []
        for dataset, name, results in unchecked:
            check(name, results, self._truths[dataset])


class LiveImpl:
    """A stream: what ``peer_live.py`` drives."""

    def __init__(self, args: Any) -> None:
        sig = (args.height, args.width)
        pool = min(args.pool, args.frames)
        self._truth = truth.of_series(Path(common.datadir()), sig, pool, args.frames)
        began = time.monotonic()
        self._ctx = Context(workers=args.workers)
        assert self._ctx.pool is not None  # starts the workers
        settled = time.monotonic()
        options = {}
        if "FRAMEFOLD_RING_MIB" in os.environ:
            options["buffer_size"] = int(os.environ["FRAMEFOLD_RING_MIB"])
        self._conn = self._ctx.make_connection("dectris").open(
            api_host="127.0.0.1",
            api_port=args.api_port,
            data_host="127.0.0.1",
            data_port=int(args.zmq.rsplit(":", 1)[1]),
            **options,
        )
        ready = time.monotonic()
        self.startup = {
            "context_s": round(settled - began, 3),
            "connection_s": round(ready - settled, 3),
            "ready_s": round(ready - began, 3),
        }
        self.versions = versions()

    def prepare(self, name: str, nav: tuple[int, ...], sig: tuple[int, int]) -> Any:
        controller = self._conn.get_active_controller(trigger_mode="exte")
        return self._ctx.make_acquisition(self._conn, nav, controller=controller), made(name, sig)

    def run(self, job: Any) -> Any:
        acquisition, udfs = job
        return self._ctx.run_udf(dataset=acquisition, udf=udfs)

    def run_iter(self, job: Any) -> int:
        acquisition, udfs = job
        updates = 0
        for moment in self._ctx.run_udf_iter(dataset=acquisition, udf=udfs):
            for buffers in moment.buffers:
                for buffer in buffers.values():
                    assert buffer.data is not None
            updates += 1
        return updates

    def total(self, results: Any, name: str) -> float:
        """All pixels' sum, which the harness compares; before that all results, which we do."""
        check(name, results, self._truth)
        if name in ("sum", "sumsig", "all5"):
            first = results[0] if name in PARTS else results
            return float(np.asarray(first["intensity"].data, np.float64).sum())
        return float(self._truth["sum"].sum())  # `check` has looked at what there is

    def close(self) -> None:
        self._conn.close()
        self._ctx.close()
