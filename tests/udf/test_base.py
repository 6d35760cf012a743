"""The class users subclass."""

from __future__ import annotations

from typing import Any

import cloudpickle
import numpy as np
import pytest

from framefold import udf as package
from framefold.core.shape import Shape, Slice
from framefold.errors import UDFException
from framefold.udf import (
    UDF,
    BufferWrapper,
    UDFFrameMixin,
    UDFMergeAllMixin,
    UDFPartitionMixin,
    UDFPostprocessMixin,
    UDFPreprocessMixin,
    UDFTileMixin,
)
from udf.driver import Driver, run_udf

DATA = np.random.default_rng(5).integers(0, 50, (3, 4, 6, 7)).astype(np.uint16)


class Plain(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav")}


class TestMethod:
    """Which method is called."""

    def test_precedence(self) -> None:
        def method(*names: str) -> str:
            return type("X", (Plain,), dict.fromkeys(names, lambda s, a: None))().get_method().value

        assert method("process_frame", "process_tile", "process_partition") == "tile"
        assert method("process_frame", "process_partition") == "frame"
        assert method("process_partition") == "partition"

    def test_none_at_all(self) -> None:
        with pytest.raises(TypeError, match="Plain needs one of process_tile"):
            Driver(DATA, Plain())

    @pytest.mark.parametrize("answer", ["tile", "foo", None])
    def test_no_member(self, answer: Any) -> None:
        class Wrong(Plain):
            def get_method(self) -> Any:
                return answer

            def process_tile(self, tile: np.ndarray) -> None:
                pass

        with pytest.raises(UDFException, match=r"return a member of UDF\.UDF_METHOD"):
            Driver(DATA, Wrong())

    def test_a_method_that_is_not_there(self) -> None:
        class Wrong(Plain):
            def get_method(self) -> Any:
                return self.UDF_METHOD.PARTITION

            def process_tile(self, tile: np.ndarray) -> None:
                pass

        with pytest.raises(UDFException, match="there is no process_partition"):
            Driver(DATA, Wrong())

    def test_buffers_are_required(self) -> None:
        with pytest.raises(NotImplementedError, match="must define get_result_buffers"):
            Driver(DATA, type("X", (UDF,), {"process_tile": print})())


class TestMixins:
    """Old UDFs name their hooks by bases, too."""

    @pytest.mark.parametrize("first", [True, False])
    def test_harmless_in_any_order(self, first: bool) -> None:
        mixins = (
            UDFFrameMixin,
            UDFPreprocessMixin,
            UDFPostprocessMixin,
            UDFMergeAllMixin,
        )

        def process_frame(self: Any, frame: np.ndarray) -> None:
            self.results.x[:] = frame.sum()

        hooks = {
            "process_frame": process_frame,
            "preprocess": lambda self: None,
            "postprocess": lambda self: None,
        }
        bases = (*mixins, Plain) if first else (Plain, *mixins)
        cls = type("X", bases, hooks)

        assert np.array_equal(run_udf(DATA, cls(a=1))["x"].data, DATA.sum(axis=(2, 3)))

    @pytest.mark.parametrize("mixin", [UDFTileMixin, UDFFrameMixin, UDFPartitionMixin])
    def test_presence_decides(self, mixin: type) -> None:
        with pytest.raises(NotImplementedError, match="must define process_"):
            run_udf(DATA, type("X", (mixin, Plain), {})())

    def test_merge_all_is_accepted(self) -> None:
        with pytest.raises(NotImplementedError):
            UDFMergeAllMixin().merge_all({})

    def test_cooperative_inheritance(self) -> None:
        class Twice:
            def postprocess(self) -> None:
                super().postprocess()  # type: ignore[misc]
                self.results.x *= 2  # type: ignore[attr-defined]

        class Base(Plain):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                self.early = True
                super().__init__(*args, **kwargs)

            def process_frame(self, frame: np.ndarray) -> None:
                assert self.early
                self.results.x[:] = frame.sum()

            def postprocess(self) -> None:
                self.results.x += 1

        class Both(Twice, Base):
            pass

        assert np.array_equal(run_udf(DATA, Both(__a=1))["x"].data, 2 * DATA.sum(axis=(2, 3)) + 2)


class TestInstances:
    """Instances are made again from their keyword arguments."""

    def test_copy(self) -> None:
        udf = Plain(a=1)
        udf.outside = True

        assert udf.copy().params.a == 1
        assert not hasattr(udf.copy(), "outside")

    def test_for_partition(self) -> None:
        udf = Plain(a=UDF.aux_data(np.arange(12.0), "nav"), b=3)
        box = Slice((4, 0, 0), Shape((5, 6, 7), 2))
        roi = np.arange(12).reshape(3, 4) % 2 == 0

        assert udf.copy_for_partition(box, None).params.a.tolist() == [4, 5, 6, 7, 8]
        part = Plain.new_for_partition(udf.stored_kwargs, type("P", (), {"slice": box}), roi)
        assert part.params.a.tolist() == [4, 6, 8]
        assert part.params.b == 3

    def test_what_workers_construct_must_fit(self) -> None:
        class Wrong(Plain):
            def __init__(self, radius: int) -> None:
                super().__init__(mask=np.zeros(radius))

            def process_tile(self, tile: np.ndarray) -> None:
                pass

        with pytest.raises(TypeError, match="mask"):
            run_udf(DATA, Wrong(3))

    def test_constructors_hand_their_arguments_on(self) -> None:
        class Forgets(Plain):
            def __init__(self) -> None:
                pass

            def process_tile(self, tile: np.ndarray) -> None:
                pass

        with pytest.raises(UDFException, match=r"Forgets\.__init__ must call super"):
            Driver(DATA, Forgets())

    def test_a_class_is_no_udf(self) -> None:
        with pytest.raises(TypeError, match="give an instance"):
            Driver(DATA, [Plain])  # type: ignore[list-item]

    def test_pickle(self) -> None:
        class Local(Plain):
            pass

        there = cloudpickle.loads(cloudpickle.dumps(Local(f=lambda x: x + 1)))

        assert there.params.f(1) == 2


class TestHelpers:
    """What self offers beside the hooks."""

    def test_array_library(self) -> None:
        assert UDF().xp is np

    def test_forbuf(self) -> None:
        udf, target = UDF(), np.zeros((2, 3))

        assert udf.forbuf(np.arange(6), target).shape == (2, 3)
        assert udf.forbuf(np.arange(3), target).shape == (3,)
        assert udf.forbuf(5, target) == 5

    def test_forbuf_of_sparse(self) -> None:
        sparse = pytest.importorskip("scipy.sparse")

        dense = UDF().forbuf(sparse.csr_matrix(np.eye(1, 6)), np.zeros((2, 3)))
        assert dense.shape == (2, 3)
        assert isinstance(dense, np.ndarray)

    def test_custom_merge(self) -> None:
        assert not Plain().requires_custom_merge
        assert not Plain().requires_custom_merge_all

    def test_constants(self) -> None:
        assert UDF.USE_NATIVE_DTYPE is bool
        assert UDF.TILE_SIZE_MAX == UDF.TILE_DEPTH_MAX == float("inf")
        assert UDF.BACKEND_NUMPY in UDF.BACKEND_ALL
        assert {m.value for m in UDF.UDF_METHOD} == {"tile", "frame", "partition"}

    def test_public_names(self) -> None:
        assert all(hasattr(package, name) for name in package.__all__)
