"""A run in a worker: conversion, native tiles, failures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from framefold.core.block import UndecodableFrames
from framefold.core.corrections import CorrectionSet
from framefold.core.pixel_mask import PixelMask
from framefold.udf import UDF, BoundRun, BufferWrapper, UDFError
from udf.driver import Driver, run_udf

DATA = np.random.default_rng(5).integers(0, 50, (3, 4, 6, 7)).astype(np.uint16)


class SumSig(UDF):
    """Sum of each frame."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64)}

    def process_tile(self, tile: np.ndarray) -> None:
        assert tile.dtype == self.meta.input_dtype
        self.results.x[:] += tile.sum(axis=(1, 2))


class NativeSumSig(SumSig):
    """The same, in the recorded type."""

    def process_native_tile(self, tile: np.ndarray) -> None:
        assert tile.dtype == self.meta.dataset_dtype
        assert self.meta.input_dtype == np.float32
        assert not tile.flags.writeable
        self.results.x[:] += tile.sum(axis=(1, 2), dtype=np.float64)


class TestTiles:
    """What pixels UDFs get."""

    def test_converted_once_for_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []

        class Look(SumSig):
            def process_tile(self, tile: np.ndarray) -> None:
                seen.append(tile.__array_interface__["data"][0])

        Driver(DATA, [Look(), NativeSumSig(), Look()]).part(0, 12)

        assert len(seen) == 2
        assert seen[0] == seen[1]

    def test_no_copy_when_no_conversion_is_needed(self) -> None:
        data = DATA.astype(np.float32)
        seen = []

        class Look(SumSig):
            def process_tile(self, tile: np.ndarray) -> None:
                seen.append(np.shares_memory(tile, data))

        driver = Driver(data, Look())
        BoundRun(driver.reduction.spec).process(
            0, np.arange(12), lambda a, n: driver.frames[a : a + n], np.zeros
        )

        assert seen == [True]

    def test_byte_order_is_the_machines(self) -> None:
        swapped = DATA.astype(DATA.dtype.newbyteorder("S"))

        for udf in (SumSig(), NativeSumSig()):
            assert np.array_equal(run_udf(swapped, udf)["x"].data, DATA.sum(axis=(2, 3)))

    @pytest.mark.parametrize("sig_dims", [1, 2, 3])
    def test_any_rank(self, sig_dims: int) -> None:
        class Frame(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav"), "y": self.buffer("sig")}

            def process_frame(self, frame: np.ndarray) -> None:
                assert frame.shape == tuple(self.meta.dataset_shape.sig)
                self.results.x[:] = frame.sum()
                self.results.y += frame

            def merge(self, dest: Any, src: Any) -> None:
                dest.x = src.x
                dest.y += src.y

        result = run_udf(DATA, Frame(), [2], sig_dims=sig_dims)
        axes = tuple(range(4))
        assert np.array_equal(result["x"].data, DATA.sum(axis=axes[4 - sig_dims :]))
        assert np.array_equal(result["y"].data, DATA.sum(axis=axes[: 4 - sig_dims]))


class TestNativeTiles:
    """process_native_tile stands for process_tile unless a user overrides that."""

    def test_used_by_the_class_that_has_both(self) -> None:
        assert np.array_equal(run_udf(DATA, NativeSumSig())["x"].data, DATA.sum(axis=(2, 3)))

    def test_a_users_override_wins(self) -> None:
        class Override(NativeSumSig):
            def process_tile(self, tile: np.ndarray) -> None:
                self.results.x[:] = -1

        assert (run_udf(DATA, Override())["x"].data == -1).all()

    def test_an_override_of_both_is_native(self) -> None:
        class Both(NativeSumSig):
            def process_tile(self, tile: np.ndarray) -> None:
                raise AssertionError

            def process_native_tile(self, tile: np.ndarray) -> None:
                self.results.x[:] = 7

        assert (run_udf(DATA, Both())["x"].data == 7).all()

    def test_not_used_in_other_modes(self) -> None:
        class Frame(NativeSumSig):
            def get_method(self) -> Any:
                return self.UDF_METHOD.FRAME

            def process_frame(self, frame: np.ndarray) -> None:
                assert frame.dtype == self.meta.input_dtype
                self.results.x[:] = 5

        assert (run_udf(DATA, Frame())["x"].data == 5).all()

    def test_alone_is_enough(self) -> None:
        class Alone(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav")}

            def process_native_tile(self, tile: np.ndarray) -> None:
                self.results.x[:] = tile.dtype.itemsize

        assert (run_udf(DATA, Alone())["x"].data == 2).all()


class Failing(SumSig):
    """Raises in the hook named by ``where``; notes its clean-up in ``cleaned``."""

    cleaned: list[str] = []

    def __init__(self, where: str, late: bool = False) -> None:
        if where == "init" and late:
            raise KeyError(where)
        super().__init__(where=where, late=late)

    def fail(self, hook: str) -> None:
        if self.params.where == hook:
            raise KeyError(hook)

    def get_task_data(self) -> dict[str, Any]:
        self.fail("task_data")
        return {}

    def process_tile(self, tile: np.ndarray) -> None:
        self.fail("process")

    def postprocess(self) -> None:
        self.fail("postprocess")

    def cleanup(self) -> None:
        self.cleaned.append(self.params.where)
        self.fail("cleanup")


class TestFailures:
    """A UDF that raises fails alone."""

    @pytest.mark.parametrize("hook", ["task_data", "process", "postprocess", "cleanup"])
    def test_the_others_go_on(self, hook: str) -> None:
        Failing.cleaned.clear()
        driver = Driver(DATA, [SumSig(), Failing(where=hook), SumSig()])
        part = driver.part(2, 7)

        first, failed, last = part.results
        assert isinstance(failed, UDFError)
        assert isinstance(failed.exception, KeyError)
        assert (failed.type_name, failed.message) == ("KeyError", repr(hook))
        assert "in fail" in failed.traceback
        assert "scan positions 2 to 6" in failed.traceback
        assert Failing.cleaned == [hook]
        for good in (first, last):
            assert not isinstance(good, UDFError)
            assert np.array_equal(good["x"], DATA.sum(axis=(2, 3)).reshape(-1)[2:7])

    def test_constructor(self) -> None:
        driver = Driver(DATA, [SumSig(), Failing(where="init")])
        driver.reduction.update_parameters([{}, {"late": True}])
        good, failed = driver.part(0, 4).results

        assert isinstance(failed, UDFError)
        assert not isinstance(good, UDFError)

    def test_nothing_is_read_when_nobody_is_left(self) -> None:
        driver = Driver(DATA, Failing(where="task_data"))
        driver.part(0, 4)

        assert driver.reads == []

    def test_what_reading_raises_is_passed_on_after_cleanup(self) -> None:
        Failing.cleaned.clear()
        driver = Driver(DATA, [Failing(where="nowhere"), Failing(where="elsewhere")])

        def read(first: int, count: int) -> np.ndarray:
            raise LookupError("damaged")

        with pytest.raises(LookupError, match="damaged"):
            BoundRun(driver.reduction.spec).process(0, np.arange(4), read, np.zeros)
        assert Failing.cleaned == ["nowhere", "elsewhere"]

    def test_the_run_can_go_on_with_the_next_partition(self) -> None:
        driver = Driver(DATA, SumSig())
        bound = BoundRun(driver.reduction.spec)
        calls = iter([LookupError(), None])

        def read(first: int, count: int) -> np.ndarray:
            if error := next(calls):
                raise error
            return driver.frames[first : first + count]

        with pytest.raises(LookupError):
            bound.process(0, np.arange(4), read, np.zeros)
        (result,) = bound.process(0, np.arange(4), read, np.zeros).results
        assert not isinstance(result, UDFError)

    def test_attributes_tiles_used_to_have(self) -> None:
        class Old(SumSig):
            def process_tile(self, tile: Any) -> None:
                _ = tile.scheme_idx

        (failed,) = Driver(DATA, Old()).part(0, 1).results
        assert isinstance(failed, UDFError)
        assert "self.meta.tiling_scheme_idx" in failed.traceback


@pytest.mark.parametrize("method", UDF.UDF_METHOD)
def test_partitions_without_frames_call_all_hooks_but_process(method: Any) -> None:
    log = []

    class Empty(SumSig):
        def get_method(self) -> Any:
            return method

        def postprocess(self) -> None:
            log.append(self.results.x.shape)

        def process_tile(self, tile: np.ndarray) -> None:
            raise AssertionError

        process_frame = process_partition = process_tile

    driver = Driver(DATA, Empty())
    part = driver.part(3, 3)
    driver.reduction.merge(part)

    assert log == [(0,)]
    assert not driver.reduction.failures
    assert driver.reduction.merged == 0


class Encoded:
    """Frames as they came, of a detector that sends their sums."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames
        self.shape = frames.shape

    def frame_sums(self) -> np.ndarray:
        return self.frames.sum(axis=(1, 2), dtype=np.uint64)


class EncodedSumSig(NativeSumSig):
    """Takes frames as they came."""

    def process_encoded_tile(self, tile: Any) -> Any:
        self.results.x[:] += tile.frame_sums()


class TestEncodedTiles:
    """process_encoded_tile stands for process_tile where there is one UDF and frames allow it."""

    DATA = np.random.default_rng(6).integers(0, 50, (1, 60, 6, 7)).astype(np.uint16)

    def run(self, udfs: Any, encoded: Any = None, **spec: Any) -> tuple[Any, list[int]]:
        """What a run of UDFs gives, and which frames were read."""
        driver = Driver(self.DATA, udfs)
        read: list[int] = []

        def reading(first: int, count: int) -> np.ndarray:
            read.extend(range(first, first + count))
            return driver.frames[first : first + count]

        def encoding(first: int, count: int) -> Any:
            return Encoded(driver.frames[first : first + count])

        bound = BoundRun(replace(driver.reduction.spec, **spec))
        part = bound.process(0, np.arange(60), reading, np.zeros, encoded or encoding)
        return part.results, read

    def wanted(self) -> np.ndarray:
        return self.DATA[0].sum(axis=(1, 2))

    def test_no_frame_is_read(self) -> None:
        results, read = self.run(EncodedSumSig())

        assert (results[0]["x"] == self.wanted()).all()
        assert read == []

    def test_two_udfs_share_the_pixels(self) -> None:
        results, read = self.run([EncodedSumSig(), EncodedSumSig()])

        assert all((result["x"] == self.wanted()).all() for result in results)
        assert read == list(range(60))

    @pytest.mark.parametrize("method", ["process_tile", "process_native_tile"])
    def test_a_users_override_wins(self, method: str) -> None:
        def override(self: Any, tile: np.ndarray) -> None:
            self.results.x[:] = -1

        results, _ = self.run(type("Override", (EncodedSumSig,), {method: override})())

        assert (results[0]["x"] == -1).all()

    def test_not_used_in_other_modes(self) -> None:
        class Frame(EncodedSumSig):
            def get_method(self) -> Any:
                return self.UDF_METHOD.FRAME

            def process_frame(self, frame: np.ndarray) -> None:
                self.results.x[:] = 5

        results, _ = self.run(Frame())

        assert (results[0]["x"] == 5).all()

    def test_frames_that_must_be_read(self) -> None:
        """From the first, or from one on."""
        for least in (0, 20):

            def some(first: int, count: int, least: int = least) -> Any:
                return Encoded(self.DATA[0, first:least]) if first < least else None

            results, read = self.run(EncodedSumSig(), some)

            assert (results[0]["x"] == self.wanted()).all()
            assert read == list(range(least, 60))

    def test_a_udf_that_would_rather_have_pixels(self) -> None:
        class Fussy(EncodedSumSig):
            def process_encoded_tile(self, tile: Any) -> Any:
                return NotImplemented

        results, read = self.run(Fussy())

        assert (results[0]["x"] == self.wanted()).all()
        assert read == list(range(60))

    def test_pixels_are_needed_where_they_are_changed(self) -> None:
        dark = CorrectionSet(dark=np.ones((6, 7)))
        excluded = np.zeros((6, 7), bool)
        excluded[2, 3] = True
        for changed in (
            {"corrections": dark},
            {"mask": PixelMask(excluded)},
            {"mask": PixelMask(excluded, 65535)},
            {"mask": PixelMask(sentinel=17)},
        ):
            _, read = self.run(SumSig() if "corrections" in changed else EncodedSumSig(), **changed)

            assert read == list(range(60))
        for same in (PixelMask(sentinel=65535), PixelMask(excluded, 65535, "raw")):
            assert self.run(EncodedSumSig(), mask=same)[1] == []

    def test_a_udf_that_raises(self) -> None:
        class Raising(EncodedSumSig):
            def process_encoded_tile(self, tile: Any) -> Any:
                raise ZeroDivisionError

        (error,), read = self.run(Raising())

        assert isinstance(error, UDFError)
        assert error.type_name == "ZeroDivisionError"
        assert error.hook == "process_encoded_tile"
        assert read == []

    def test_damaged_frames_are_nobodys_fault(self) -> None:
        class Damaged(Encoded):
            def frame_sums(self) -> np.ndarray:
                raise UndecodableFrames(np.array([3]), "cut off")

        with pytest.raises(UndecodableFrames, match="cut off"):
            self.run(EncodedSumSig(), lambda first, count: Damaged(self.DATA[0, :count]))
