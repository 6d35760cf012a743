"""Rows 24, 25 and 27 of the feature table: sparse tiles, GPUs, what a task asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.api import Context
from framefold.errors import ExecutorSpecException
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.udf import UDF, BufferWrapper

RNG = np.random.default_rng(15)
DATA = (RNG.integers(0, 1000, (4, 5, 6, 7)) * (RNG.random((4, 5, 6, 7)) < 0.3)).astype(np.uint16)
# DOK and GCXS arrays of the package sparse, which compiles long for them, are in test_backends.py
SPARSE = sorted(
    UDF.SPARSE_BACKENDS & UDF.CPU_BACKENDS - {UDF.BACKEND_SPARSE_DOK, UDF.BACKEND_SPARSE_GCXS}
)


class Sums(UDF):
    """Sums over frames and over pixels, in whatever array library was asked for."""

    def get_backends(self) -> Any:
        return self.params.formats

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {
            "nav": self.buffer("nav", dtype=np.float64, where="device"),
            "sig": self.buffer("sig", dtype=np.float64, where="device"),
            "said": self.buffer("nav", dtype=object),
        }

    def note(self, array: Any) -> None:
        kind = f"{type(array).__module__.split('.')[0]}.{type(array).__name__}"
        self.results.said[:] = f"{self.meta.array_backend} {self.meta.device_class} {kind}"

    def merge(self, dest: Any, src: Any) -> None:
        dest.nav[:] = src.nav
        dest.said[:] = src.said
        dest.sig[:] += src.sig


class Tiles(Sums):
    def process_tile(self, tile: Any) -> None:
        self.note(tile)
        assert tile.shape[0] == self.meta.slice.shape[0]
        flat = tile.reshape((tile.shape[0], -1))
        self.results.nav[:] += self.forbuf(flat.sum(axis=1), self.results.nav)
        self.results.sig[:] += self.forbuf(tile.sum(axis=0), self.results.sig)


class Frames(Sums):
    def process_frame(self, frame: Any) -> None:
        self.note(frame)
        if self.meta.array_backend in self.D2_BACKENDS:
            assert frame.shape == (1, 42)
        else:
            assert frame.shape == (6, 7)
        self.results.nav[:] = self.forbuf(frame.reshape((1, -1)).sum(axis=1), self.results.nav)
        self.results.sig[:] += self.forbuf(frame, self.results.sig)


@pytest.mark.parametrize("kind", [Tiles, Frames])
@pytest.mark.parametrize("name", SPARSE)
def test_row_024_sparse_tiles(ctx: Context, name: str, kind: type[Sums]) -> None:
    pytest.importorskip("sparseconverter")
    roi = RNG.random((4, 5)) < 0.7
    data = MemoryDataSet(DATA, tileshape=(3, 6, 7), num_partitions=2, array_backends=[name])

    result: Any = ctx.run_udf(data, kind(formats=(name, UDF.BACKEND_NUMPY)), roi=roi)

    assert np.array_equal(result["nav"].raw_data, DATA[roi].sum(axis=(1, 2)))
    assert np.array_equal(result["sig"].data, DATA[roi].sum(axis=0))
    (said,) = set(result["said"].raw_data)
    library = "sparse" if name.startswith("sparse.") else "scipy"
    assert said == f"{name} cpu {library}.{name.rsplit('.')[-1]}"


def test_row_025_udfs_for_gpus_run_here(ctx: Context) -> None:
    """``xp`` and device buffers are numpy's where a UDF could use CuPy as well."""

    class Either(Tiles):
        def get_task_data(self) -> dict[str, Any]:
            assert self.xp is np
            return {"ones": self.xp.ones(self.meta.dataset_shape.sig)}

        def process_tile(self, tile: Any) -> None:
            assert type(self.results.sig) is np.ndarray
            super().process_tile(tile * self.task_data.ones)

    formats = (UDF.BACKEND_CUPY, UDF.BACKEND_CUPY_SCIPY_CSR, UDF.BACKEND_NUMPY)
    result: Any = ctx.run_udf(MemoryDataSet(DATA), Either(formats=formats))
    assert np.array_equal(result["sig"].data, DATA.sum(axis=(0, 1)))
    assert set(result["said"].raw_data) == {"numpy cpu numpy.ndarray"}
    assert Either(formats=formats).xp is np


def test_row_027_what_a_udf_must_have(ctx: Context) -> None:
    """What no worker has is refused before the first frame; nothing waits for it."""
    data = MemoryDataSet(DATA)
    for formats in (UDF.BACKEND_CUPY, UDF.BACKEND_CUDA, sorted(UDF.CUDA_BACKENDS)):
        with pytest.raises(RuntimeError, match="no computing on GPUs here"):
            ctx.run_udf(data, Tiles(formats=formats))
    with pytest.raises(RuntimeError, match="Could not find backends"):
        ctx.run_udf(data, [Tiles(formats=UDF.BACKEND_NUMPY), Tiles(formats=UDF.BACKEND_CUDA)])
    with pytest.raises(RuntimeError, match="Could not find backends"):
        ctx.run_udf(data, Tiles(formats=UDF.BACKEND_ALL), backends=UDF.CUDA_BACKENDS)
    with pytest.raises(ExecutorSpecException, match="no GPUs"):
        Context.make_with("dask", gpus=1)
    both = (UDF.BACKEND_CUDA, UDF.BACKEND_NUMPY)
    result: Any = ctx.run_udf(data, [Tiles(formats=both), Tiles(formats=UDF.BACKEND_ALL)])
    for one in result:
        assert set(one["said"].raw_data) == {"numpy cpu numpy.ndarray"}
