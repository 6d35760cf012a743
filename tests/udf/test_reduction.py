"""The main side: merging, results at any time, parameters."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.errors import MissingNameError, ParameterError, ShapeError
from framefold.udf import UDF, BufferWrapper, Reduction, UseDiscouragedWarning
from udf.driver import Driver, run_udf

DATA = np.random.default_rng(5).integers(0, 50, (3, 4, 6, 7)).astype(np.uint16)


class Everything(UDF):
    """Sums of all kinds in the method named by ``method``."""

    def get_preferred_input_dtype(self) -> Any:
        return self.USE_NATIVE_DTYPE

    def get_method(self) -> Any:
        return self.UDF_METHOD(self.params.get("method", "tile"))

    def get_tiling_preferences(self) -> dict[str, Any]:
        return {"total_size": self.params.get("total_size", self.TILE_SIZE_MAX)}

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {
            "nav": self.buffer("nav", dtype=np.int64),
            "rows": self.buffer("nav", (self.meta.dataset_shape.sig[0],), np.int64),
            "sig": self.buffer("sig", dtype=np.int64),
            "count": self.buffer("single", dtype=np.int64),
        }

    def process_tile(self, tile: np.ndarray) -> None:
        # a tile may be any cell of the frames
        self.results.nav[:] += tile.sum(axis=(1, 2), dtype=np.int64)
        (rows, _) = self.meta.sig_slice.get()
        self.results.rows[:, rows] += tile.sum(axis=2, dtype=np.int64)
        self.results.sig += tile.sum(axis=0, dtype=np.int64)
        if self.meta.tiling_scheme_idx == 0:
            self.results.count += len(tile)

    process_partition = process_tile

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.nav[:] = frame.sum()
        self.results.rows[:] = frame.sum(axis=1)
        self.results.sig += frame
        self.results.count += 1

    def merge(self, dest: Any, src: Any) -> None:
        dest.nav = src.nav
        dest.rows[:] = src.rows
        dest.sig += src.sig
        dest.count[:] += src.count


class NavSum(UDF):
    """Sum of each frame, merged by default."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=self.params.get("dtype", np.float64))}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum() * self.params.get("factor", 1)


class TestAnyCut:
    """However a scan is cut into partitions and tiles, results equal numpy's."""

    @settings(deadline=None, max_examples=60)
    @given(
        data=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=4, max_dims=4, min_side=1, max_side=4)),
        draw=st.data(),
    )
    def test_equal_to_numpy(self, data: np.ndarray, draw: Any) -> None:
        frames = data.shape[0] * data.shape[1]
        selection = draw.draw(st.none() | hnp.arrays(bool, frames))
        methods = draw.draw(
            st.lists(st.sampled_from(["tile", "frame", "partition"]), min_size=1, max_size=3)
        )
        size = draw.draw(st.integers(1, 200))
        driver = Driver(
            data,
            [Everything(method=m, total_size=size) for m in methods],
            selection=selection,
        )
        total = len(driver.positions)
        cuts = draw.draw(st.lists(st.integers(0, total), max_size=4))
        order = draw.draw(st.permutations(range(len(cuts) + 1)))
        results = driver.run(cuts, order)

        kept = data.reshape(frames, *data.shape[2:])[driver.positions].astype(np.int64)
        for result in results:
            assert np.array_equal(result["nav"].raw_data, kept.sum(axis=(1, 2)))
            assert np.array_equal(result["rows"].raw_data, kept.sum(axis=2))
            assert np.array_equal(result["sig"].data, kept.sum(axis=0))
            assert result["count"].data.tolist() == [total]
            assert result["nav"].raw_valid_mask.all()
        assert np.count_nonzero(driver.reduction.damage.data) == total

    @pytest.mark.parametrize("method", ["tile", "frame", "partition"])
    def test_holes_are_cuts(self, method: str) -> None:
        driver = Driver(DATA, Everything(method=method))
        for start, stop in [(0, 2), (3, 4), (7, 12)]:
            driver.reduction.merge(driver.part(start, stop))
        result = driver.reduction.results(0)

        there = np.ones(12, bool)
        there[[2, 4, 5, 6]] = False
        kept = np.where(there[:, None, None], DATA.reshape(12, 6, 7), 0).astype(np.int64)
        assert np.array_equal(result["nav"].raw_data, kept.sum(axis=(1, 2)))
        assert np.array_equal(result["nav"].raw_valid_mask, there)
        assert np.array_equal(result["sig"].data, kept.sum(axis=0))
        assert result["count"].data == 8
        assert np.array_equal(driver.reduction.damage.raw_data, there)

    def test_travelling_between_processes_changes_nothing(self) -> None:
        class Local(NavSum):
            """Defined in a function: goes by value."""

            def process_frame(self, frame: np.ndarray) -> None:
                self.results.x[:] = self.params.f(frame)

        result = run_udf(DATA, Local(f=lambda frame: frame.max()), [5], travel=True)

        assert np.array_equal(result["x"].data, DATA.max(axis=(2, 3)))

    def test_nothing_selected(self) -> None:
        driver = Driver(DATA, Everything(), selection=np.zeros((3, 4), bool))
        result = driver.reduction.results(0)

        assert result["rows"].raw_data.shape == (0, 6)
        assert result["rows"].data.shape == (3, 4, 6)
        assert not result["rows"].valid_mask.any()
        assert result["sig"].data.shape == (6, 7)
        assert result["sig"].valid_mask.all()


class TestMerge:
    """Who merges what."""

    def test_default_is_for_nav_only(self) -> None:
        class Sig(NavSum):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav"), "y": self.buffer("sig", use="private")}

        assert Sig().requires_custom_merge
        with pytest.raises(NotImplementedError, match="only works for kind='nav'"):
            Driver(DATA, Sig())

    def test_default_ignores_what_exists_in_results_only(self) -> None:
        class Only(NavSum):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav"), "y": self.buffer("sig", use="result_only")}

            def get_results(self) -> dict[str, Any]:
                return {"y": np.ones(self.meta.dataset_shape.sig, np.float32)}

        result = run_udf(DATA, Only(), [3])
        assert (result["y"].data == 1).all()
        assert np.array_equal(result["x"].data, DATA.sum(axis=(2, 3)))

    def test_default_refuses_unsafe_casts(self) -> None:
        driver = Driver(DATA, NavSum(dtype=np.float32))
        driver.reduction.update_parameters([{"dtype": np.float64}])

        with pytest.raises(TypeError, match="Unsafe automatic casting from float64 to float32"):
            driver.run()

    def test_sides(self) -> None:
        class Look(Everything):
            def merge(self, dest: Any, src: Any) -> None:
                assert set(dest) == set(src) == {"nav", "rows", "sig", "count"}
                assert "nav" in dest
                with pytest.warns(UseDiscouragedWarning, match=r"read dest\.nav instead"):
                    dest["nav"][:] = src.nav
                for kind in (AttributeError, KeyError, MissingNameError):
                    with pytest.raises(kind, match="did you mean 'nav'"):
                        _ = src.navi

        assert np.array_equal(run_udf(DATA, Look())["nav"].data, DATA.sum(axis=(2, 3)))

    def test_one_that_raises_is_left_out(self) -> None:
        class Bad(NavSum):
            def merge(self, dest: Any, src: Any) -> None:
                raise ZeroDivisionError("here")

        driver = Driver(DATA, [Bad(), NavSum()])
        with pytest.raises(ZeroDivisionError, match="here") as caught:
            driver.reduction.merge(driver.part(0, 5))
        driver.reduction.merge(driver.part(5, 12))

        assert "in merge of UDF 0, Bad" in caught.value.__notes__
        assert driver.reduction.failures[0].type_name == "ZeroDivisionError"
        assert np.array_equal(driver.reduction.results(1)["x"].data, DATA.sum(axis=(2, 3)))
        assert driver.reduction.merged == 12

    def test_one_that_failed_in_a_worker_is_left_out(self) -> None:
        class Bad(NavSum):
            def process_frame(self, frame: np.ndarray) -> None:
                if self.meta.slice.origin[0] == 5:
                    raise LookupError("frame 5")
                super().process_frame(frame)

        driver = Driver(DATA, [Bad(), NavSum()], travel=True)
        for start in (0, 4, 8):
            driver.reduction.merge(driver.part(start, start + 4))

        assert list(driver.reduction.failures) == [0]
        assert isinstance(driver.reduction.failures[0].exception, LookupError)
        rows = driver.reduction.results(0)["x"].raw_data
        assert np.array_equal(rows[:4], DATA.sum(axis=(2, 3)).reshape(-1)[:4])
        assert not rows[4:].any()

    def test_dropped(self) -> None:
        driver = Driver(DATA, [NavSum(), NavSum()])
        driver.reduction.drop(0)
        driver.reduction.merge(driver.part(0, 12))

        assert not driver.reduction.results(0)["x"].data.any()
        assert driver.reduction.results(1)["x"].data.any()

    def test_preprocess_fills_both_sides(self) -> None:
        class Lists(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"x": self.buffer("nav", dtype=object)}

            def preprocess(self) -> None:
                for i in range(len(self.results.x)):
                    self.results.x[i] = []

            def process_frame(self, frame: np.ndarray) -> None:
                self.results.x[0].append(int(frame.sum()))

        driver = Driver(DATA, Lists(), travel=True)
        driver.reduction.merge(driver.part(0, 6))
        result = driver.reduction.results(0)["x"].raw_data

        assert list(result[:6]) == [[n] for n in DATA.sum(axis=(2, 3)).reshape(-1)[:6]]
        assert list(result[6:]) == [[]] * 6


class TestResults:
    """Results may be asked for at any time."""

    def test_nothing_is_computed_unasked(self) -> None:
        class Lazy(NavSum):
            def get_results(self) -> dict[str, Any]:
                raise AssertionError

        driver = Driver(DATA, Lazy())
        driver.reduction.merge(driver.part(0, 12))

        with pytest.raises(AssertionError) as caught:
            driver.reduction.results(0)
        assert "in get_results of UDF 0, Lazy" in caught.value.__notes__

    def test_copies_stay_as_they_are(self) -> None:
        driver = Driver(DATA, NavSum())
        alias, copy = driver.reduction.results(0), driver.reduction.results(0, copy=True)
        driver.reduction.merge(driver.part(0, 12))

        assert alias["x"].data.any()
        assert not copy["x"].data.any()
        assert not alias["x"].valid_mask.any()

    def test_nothing_is_merged_while_paused(self) -> None:
        driver = Driver(DATA, NavSum())
        part = driver.part(0, 12)
        thread = threading.Thread(target=driver.reduction.merge, args=(part,))
        with driver.reduction.paused():
            thread.start()
            assert driver.reduction.merged == 0
        thread.join(10)

        assert driver.reduction.merged == 12

    def test_damage_is_a_result_of_its_own(self) -> None:
        selection = np.arange(12).reshape(3, 4) % 2 == 0
        driver = Driver(DATA, NavSum(), selection=selection)
        before = driver.reduction.damage
        driver.reduction.merge(driver.part(1, 3))

        assert np.flatnonzero(driver.reduction.damage.data).tolist() == [2, 4]
        assert driver.reduction.damage.raw_data.tolist() == [False, True, True, False, False, False]
        assert not before.data.any()


class TestStart:
    """What is wrong is said before the first frame."""

    def test_no_udf(self) -> None:
        with pytest.raises(ValueError, match="empty list of UDFs - nothing to do!"):
            Reduction([], nav_shape=(3,), sig_shape=(4,), dtype="u2")

    def test_selection_that_does_not_fit(self) -> None:
        with pytest.raises(ShapeError, match="11 positions"):
            Reduction(
                [NavSum()], nav_shape=(3, 4), sig_shape=(4,), dtype="u2",
                selection=np.ones(11, bool),
            )  # fmt: skip

    @pytest.mark.parametrize("length", [11, 13])
    def test_aux_data_that_do_not_fit(self, length: int) -> None:
        udf = NavSum(shift=UDF.aux_data(np.zeros(length, np.float32), "nav"))

        with pytest.raises(ShapeError, match=f"'shift': aux_data has {length} entries.* 12"):
            Driver(DATA, udf)

    def test_the_selection_is_copied(self) -> None:
        selection = np.ones((3, 4), bool)
        driver = Driver(DATA, NavSum(), selection=selection)
        selection[:] = False

        assert driver.reduction.spec.selection.all()

    def test_the_users_instance_is_not_touched(self) -> None:
        udf = NavSum()
        udf.extra = {"kept": True}
        before = dict(vars(udf))

        class Reads(NavSum):
            def get_results(self) -> dict[str, Any]:
                assert self.extra["kept"]
                return super().get_results()

        udf.__class__ = Reads
        Driver(DATA, [udf, udf]).run([3])

        assert vars(udf) == before
        assert not hasattr(udf, "meta")

    def test_dtypes(self) -> None:
        spec = Driver(DATA.astype(">i4"), NavSum()).reduction.spec

        assert (spec.dtype, spec.input_dtype) == (np.dtype("=i4"), np.dtype("=f8"))


class TestParameters:
    """Parameters may change for partitions yet to come."""

    def test_new_partitions_and_the_main_side(self) -> None:
        class Factor(NavSum):
            def get_results(self) -> dict[str, Any]:
                return {"x": self.results.x + self.params.get("add", 0)}

        udf = Factor(factor=1)
        driver = Driver(DATA, udf)
        old = driver.reduction.spec
        driver.reduction.merge(driver.part(0, 6))
        driver.reduction.update_parameters([{"factor": 10, "add": 1}])
        driver.reduction.merge(driver.part(6, 12))

        assert driver.reduction.spec is not old
        assert udf.params.factor == 1
        expected = DATA.sum(axis=(2, 3)).reshape(-1) * np.repeat([1, 10], 6) + 1
        assert np.array_equal(driver.reduction.results(0)["x"].raw_data, expected)

    def test_aux_data(self) -> None:
        class Shift(NavSum):
            def process_frame(self, frame: np.ndarray) -> None:
                self.results.x[:] = self.params.shift

        def aux(values: Any) -> Any:
            return UDF.aux_data(np.asarray(values, np.float32), "nav")

        driver = Driver(DATA, Shift(shift=aux(np.zeros(12))))
        driver.reduction.update_parameters([{"shift": aux(np.arange(12))}])
        assert driver.run([5])[0]["x"].raw_data.tolist() == list(range(12))
        with pytest.raises(ShapeError, match="3 entries"):
            driver.reduction.update_parameters([{"shift": aux([1, 2, 3])}])

    def test_one_patch_for_each(self) -> None:
        with pytest.raises(ParameterError, match="2 patches for 1 UDFs"):
            Driver(DATA, NavSum()).reduction.update_parameters([{}, {}])
