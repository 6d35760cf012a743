"""What stands behind lent names that framefold itself has no use for."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import numpy as np
import pytest

from framefold import SumUDF
from framefold.analyses.sumsig import SumSigUDF
from framefold.api.executors import InlineExecutor
from framefold.compat import (
    arithmetic,
    devices,
    executors,
    geometry,
    mask_products,
    pictures,
    sparse_arrays,
    tasks,
    threads,
    tracing,
)
from framefold.compat.runner import UDFRunner
from framefold.errors import ExecutorSpecException, ShapeError
from framefold.formats.memory_dataset import MemoryDataSet


class TestArithmetic:
    """Counts and products."""

    def test_entries_at_one_place_count_once(self) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        places = (np.zeros(3, int), np.array([0, 0, 5]))

        assert arithmetic.count_nonzero(sparse.coo_array((np.ones(3), places), shape=(7, 9))) == 2

    @pytest.mark.parametrize(
        ("numbers", "expected"),
        [((), 1), ((2, 3), 6), ((2**40, 2**40), 2**80), (np.array([3, 4], np.uint8), 12)],
    )
    def test_prod(self, numbers: Any, expected: int) -> None:
        assert arithmetic.prod(numbers) == expected

    @pytest.mark.parametrize("numbers", [(1.0, 2), (np.complex64(1),), ("a",)])
    def test_prod_of_other_things(self, numbers: Any) -> None:
        with pytest.raises(ValueError, match="no whole number"):
            arithmetic.prod(numbers)

    def test_dense(self) -> None:
        array = np.array([[0, 2], [3, 0]])

        assert arithmetic.count_nonzero(array) == 2
        assert arithmetic.flat_nonzero(array).tolist() == [1, 2]
        assert dict(arithmetic.ndenumerate(array))[1, 0] == 3

    def test_sparse(self) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        array = sparse.csr_array(np.array([[0, 2], [3, 0]]))

        assert arithmetic.count_nonzero(array) == 2
        assert arithmetic.flat_nonzero(array).tolist() == [1, 2]

    def test_sparse_too_large_to_be_dense(self) -> None:
        sparse = pytest.importorskip("sparse")
        huge = sparse.COO(coords=[[1], [2], [3]], data=[1], shape=(65536,) * 3)

        assert arithmetic.count_nonzero(huge) == 1
        assert arithmetic.count_nonzero(huge + 1) == 65536**3

    @pytest.mark.parametrize(
        ("shape", "expected"), [((16,), (4, 4)), ((15,), (15,)), ((2, 8), (2, 8)), ((0,), (0,))]
    )
    def test_square(self, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
        assert arithmetic.make_2D_square(shape) == expected

    @pytest.mark.parametrize("shape", [(-4,), (0.5,)])
    def test_no_shape(self, shape: Any) -> None:
        with pytest.raises(ValueError, match="is no shape"):
            arithmetic.make_2D_square(shape)


class TestMaskProducts:
    """Dense times sparse, and compiled functions."""

    @pytest.mark.parametrize("kind", ["csr", "csc"])
    def test_equals_numpy(self, kind: str) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        rng = np.random.default_rng(1)
        left, right = rng.random((3, 5)), rng.random((5, 4)) * (rng.random((5, 4)) < 0.5)

        found = mask_products.rmatmul(left, getattr(sparse, f"{kind}_matrix")(right))

        assert isinstance(found, np.ndarray)
        assert np.allclose(found, left @ right)

    def test_refusals(self) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        with pytest.raises(ValueError, match="no sparse matrix in CSR or CSC"):
            mask_products.rmatmul(np.zeros((2, 3)), np.zeros((3, 2)))
        with pytest.raises(ValueError, match="do not go together"):
            mask_products.rmatmul(np.zeros((2, 3)), sparse.csr_matrix((2, 2)))

    def test_compiled(self) -> None:
        @mask_products.cached_njit(cache=False)
        def twice(x: Any) -> Any:
            return 2 * x

        assert twice(3) == 6


class TestGeometry:
    """Vectors and lattices."""

    def test_polar_and_back(self) -> None:
        vectors = np.random.default_rng(1).normal(size=(4, 5, 2))
        polar = geometry.make_polar(vectors)

        assert np.allclose(polar[..., 0], np.hypot(vectors[..., 0], vectors[..., 1]))
        assert np.allclose(geometry.make_cartesian(polar), vectors)
        assert np.allclose(geometry.make_polar((2.0, 0.0)), (2, np.pi / 2))

    def test_rotation(self) -> None:
        assert np.allclose(geometry.rotate_deg(0.0, 1.0, 90), (1, 0))
        assert np.allclose(geometry.rotate_rad(1.0, 0.0, np.pi), (-1, 0))
        assert np.allclose(geometry.rotate_precalc(1.0, 2.0, 1.0, 0.0), (1, 2))

    def test_lattice(self) -> None:
        indices = np.mgrid[-2:3, -2:3]
        steps, peaks = geometry.frame_peaks(
            fy=40, fx=30, zero=(20, 15), a=(10, 0), b=(0, 10), r=4, indices=indices
        )

        assert {tuple(s) for s in steps} == {(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
        assert np.array_equal(peaks, np.array((20, 15)) + 10 * steps)
        assert steps[:4].tolist() == [[-1, -1], [0, -1], [1, -1], [-1, 0]]
        assert geometry.within_frame([(4, 4), (3, 4), (36, 10)], 4, 40, 30).tolist() == [
            True,
            False,
            False,
        ]

    def test_indices(self) -> None:
        grid = geometry.regularize_indices(np.mgrid[0:2, 0:3])

        assert grid.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1], [0, 2], [1, 2]]
        assert geometry.regularize_indices(grid) is grid
        for wrong in (np.zeros((3, 4, 2)), np.zeros((4, 3)), np.zeros(2)):
            with pytest.raises(ShapeError, match="mgrid"):
                geometry.regularize_indices(wrong)


class TestPictures:
    """Arrays in colours."""

    def test_grey(self) -> None:
        shown = pictures.visualize_simple(np.array([[0.0, 1.0], [np.nan, 0.5]]), vmin=0, vmax=1)

        assert shown.shape == (2, 2, 4)
        assert shown[0, 0].tolist() == [0, 0, 0, 255]
        assert shown[0, 1].tolist() == [255, 255, 255, 255]
        assert shown[1, 0, 3] == 0

    def test_damage_logarithm_and_complex(self) -> None:
        values = np.array([[1j, 1000], [7, 0]])
        valid = np.array([[True, True], [False, True]])
        shown = pictures.visualize_simple(values, "viridis", logarithmic=True, damage=valid)

        assert np.array_equal(shown[..., 3] > 0, valid)
        assert not np.array_equal(shown[0, 0], shown[0, 1])

    def test_constant_and_empty(self) -> None:
        assert pictures.visualize_simple(np.zeros((2, 2))).shape == (2, 2, 4)
        assert not pictures.visualize_simple(np.full((2, 2), np.nan))[..., 3].any()

    def test_colour_maps_of_others(self) -> None:
        def red(values: np.ndarray) -> np.ndarray:
            return np.stack((values, 0 * values, 0 * values, 0 * values + 1), axis=-1)

        shown = pictures.visualize_simple(np.array([[0.0, 0.5, 1.0]]), red, vmin=0, vmax=1)

        assert shown[0].tolist() == [[0, 0, 0, 255], [128, 0, 0, 255], [255, 0, 0, 255]]

    def test_vectors(self) -> None:
        y, x = np.array([[0.0, 0.0, 3.0]]), np.array([[0.0, 2.0, 0.0]])
        shown = pictures.rgb_from_2dvector(y, x)

        assert shown.dtype == np.uint8
        assert shown[0, 0].tolist() == [127, 127, 127]
        assert shown[0, 1].argmax() == 0  # to the right: reddish
        assert shown[0, 2].argmax() == 1
        assert pictures.rgb_from_2dvector(y * np.nan, x).shape == (1, 3, 3)
        assert np.array_equal(pictures.rgb_from_2dvector(3, 0, vmax=3), shown[0, 2])
        assert np.array_equal(pictures.rgb_from_2dvector(y, 0)[0, 2], shown[0, 2])
        assert pictures.rgb_from_2dvector(0, 0).tolist() == [127, 127, 127]

    def test_files(self) -> None:
        shown = pictures.visualize_simple(np.eye(3))

        assert pictures.encode_image(shown).read(4) == b"\x89PNG"
        assert pictures.encode_image(shown[..., :3], {"format": "jpeg"}).read(2) == b"\xff\xd8"


class TestExecutors:
    """How many workers they stand for."""

    def test_workers(self) -> None:
        spec = executors.cluster_spec(cpus=range(3), cudas=[], has_cupy=True)

        assert executors.DaskJobExecutor.make_local(spec=spec).processes == 3
        assert executors.PipelinedExecutor.make_spec(cpus=2).keys() == {"worker-0", "worker-1"}
        assert executors.ConcurrentJobExecutor.make_local().workers is None
        assert not executors.PipelinedExecutor(spec=spec).is_inline

    def test_refusals(self) -> None:
        with pytest.raises(ExecutorSpecException, match="no GPUs"):
            executors.cluster_spec(cpus=1, cudas=[0])
        with pytest.raises(ExecutorSpecException, match="on other machines"):
            executors.DaskJobExecutor.connect("tcp://there:8786")


class TestOthers:
    """Devices, threads, tracing, tasks, sparse arrays, a look at a UDF."""

    def test_devices(self) -> None:
        assert devices.detect()["cudas"] == []
        assert len(devices.detect()["cpus"]) >= 1
        assert not devices.has_cupy()
        devices.set_use_cpu(1)
        assert (devices.get_use_cpu(), devices.get_use_cuda()) == (1, None)
        devices.set_use_cuda(0)
        assert (devices.get_use_cpu(), devices.get_use_cuda()) == (None, 0)
        devices.set_use_cuda(None)
        assert (devices.get_use_cpu(), devices.get_use_cuda()) == (0, None)
        assert devices.get_device_class() == "cpu"

    def test_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", "5")
        monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
        with threads.set_num_threads_env(2):
            assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "2"
        assert os.environ["OMP_NUM_THREADS"] == "5"
        assert "MKL_NUM_THREADS" not in os.environ
        for count in (1, None):
            with threads.set_num_threads(count):
                assert np.ones((3, 3)).dot(np.ones((3, 3))).sum() == 27

    def test_tracing(self) -> None:
        tracing.maybe_setup_tracing("service", "1")
        with tracing.attach_to_parent(None), tracing.TracedThreadPoolExecutor(None, 1) as pool:
            assert pool.submit(int, "3").result() == 3

    def test_tasks(self) -> None:
        with tasks.Environment(threads_per_worker=2).enter() as environment:
            assert environment.threads_per_worker == 2
        handler = tasks.NoopCommHandler()
        handler.start()
        handler.subscribe("topic", lambda topic, message: None)
        handler.done()
        tasks.WorkerContext().signal("", "", {})
        with pytest.raises(NotImplementedError, match="no worker queues"):
            tasks.WorkerContext().get_worker_queue()

    def test_sparse_arrays(self) -> None:
        sparse = pytest.importorskip("sparse")
        made = sparse_arrays.to_sparse(np.eye(2), shape=(4,))

        assert isinstance(made, sparse.COO)
        assert sparse_arrays.is_sparse(made)
        assert not sparse_arrays.is_sparse(np.eye(2))
        assert sparse_arrays.to_dense(made).tolist() == [1, 0, 0, 1]
        assert sparse_arrays.to_sparse(made) is made

    def test_a_look_at_a_udf(self) -> None:
        found = UDFRunner.inspect_udf(SumUDF(), MemoryDataSet(datashape=(2, 3, 4)))

        assert found["intensity"].data.shape == (3, 4)

    def test_a_run_without_a_context(self) -> None:
        data = np.arange(120, dtype=np.uint16).reshape(2, 3, 4, 5)

        found = UDFRunner([SumUDF(), SumSigUDF()]).run_for_dataset(
            MemoryDataSet(data), InlineExecutor(), roi=np.array([[1, 0, 0], [0, 1, 1]], bool)
        )

        of_all, of_each = found.buffers
        chosen = data[[0, 1, 1], [0, 1, 2]]
        assert np.array_equal(of_all["intensity"].data, chosen.sum(axis=0))
        assert np.array_equal(of_each["intensity"].raw_data, chosen.sum(axis=(1, 2)))
        assert found.damage.data.sum() == 3

    def test_updates_without_a_context(self) -> None:
        data = np.arange(120, dtype=np.uint16).reshape(2, 3, 4, 5)
        data_set = MemoryDataSet(data, num_partitions=3)
        runner = UDFRunner([SumUDF()])

        async def collect() -> list[Any]:
            updates = runner.run_for_dataset_async(data_set, InlineExecutor(), "id")
            return [update async for update in updates]

        for updates in (
            list(runner.run_for_dataset_sync(data_set, InlineExecutor())),
            asyncio.run(collect()),
        ):
            assert [update.damage.data.sum() for update in updates] == [2, 4, 6]
            (of_all,) = updates[-1].buffers
            assert np.array_equal(of_all["intensity"].data, data.sum(axis=(0, 1)))

    def test_results_beforehand(self) -> None:
        data_set = MemoryDataSet(datashape=(2, 3, 4, 5))

        found = UDFRunner.dry_run([SumUDF(), SumSigUDF()], data_set)

        assert [r["intensity"].data.shape for r in found.buffers] == [(4, 5), (2, 3)]
        assert found.damage.data.shape == (2, 3)
        assert not found.damage.data.any()
