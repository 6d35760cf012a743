"""Declarations and result arrays."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from framefold.core.shape import Shape
from framefold.errors import UDFException
from framefold.udf import UDF, BufferWrapper
from framefold.udf.domain import Domain

NAV, SIG = (2, 3), (4, 5)
SELECTION = np.array([True, False, True, True, False, False])


def nav(dtype: Any, extra: tuple[int, ...] = (), selection: Any = SELECTION) -> BufferWrapper:
    domain = Domain(NAV, SIG, selection)
    declared = BufferWrapper("nav", extra, dtype)
    return declared.bound(domain, np.ones((domain.frames, *extra), dtype))


class TestDeclaration:
    """What may be declared."""

    @pytest.mark.parametrize(
        ("kind", "extra", "shape"),
        [
            ("nav", (), (7,)),
            ("nav", (2, 0), (7, 2, 0)),
            ("sig", (), (4, 5)),
            ("sig", (3,), (4, 5, 3)),
            ("single", (), (1,)),
            ("single", (3, 2), (3, 2)),
            ("single", (0,), (0,)),
        ],
    )
    def test_shape(self, kind: str, extra: tuple[int, ...], shape: tuple[int, ...]) -> None:
        assert BufferWrapper(kind, extra).shape_for(7, SIG) == shape

    def test_extra_shape_may_be_a_shape(self) -> None:
        buffer = UDF().buffer("nav", extra_shape=Shape((3, 4), 1))

        assert buffer.extra_shape == (3, 4)

    def test_unknown_words(self) -> None:
        with pytest.raises(ValueError, match="use='secret'"):
            BufferWrapper("nav", use="secret")
        with pytest.raises(ValueError, match="where='moon'"):
            BufferWrapper("nav", where="moon")
        with pytest.raises(ValueError, match="unknown kind: 'time'"):
            BufferWrapper("time").shape_for(1, SIG)

    def test_facts(self) -> None:
        buffer = BufferWrapper("nav", (2,), "c8", where="device", use="private")

        assert (buffer.kind, buffer.extra_shape, buffer.dtype) == ("nav", (2,), np.complex64)
        assert (buffer.where, buffer.use, buffer.has_data()) == ("device", "private", False)
        assert repr(buffer) == "<BufferWrapper kind=nav dtype=complex64 extra_shape=(2,)>"

    def test_no_values(self) -> None:
        with pytest.raises(UDFException, match="only declared"):
            _ = BufferWrapper("nav").data


class TestEmbedding:
    """Positions that are not selected get what stands for nothing."""

    @pytest.mark.parametrize(
        ("dtype", "fill"),
        [
            (np.float32, np.nan), (np.complex64, np.nan), (bool, False), (np.int16, 0),
            (np.uint8, 0), ("U3", ""), ("S2", b""), (object, None),
        ],
    )  # fmt: skip
    def test_filling(self, dtype: Any, fill: Any) -> None:
        outside = nav(dtype).data.reshape(-1)[~SELECTION]

        expected = np.full(3, fill, dtype=dtype)
        np.testing.assert_array_equal(outside, expected)

    @pytest.mark.parametrize("dtype", ["M8[s]", "m8[s]"])
    def test_times(self, dtype: str) -> None:
        domain = Domain(NAV, SIG, SELECTION)
        buffer = BufferWrapper("nav", (), dtype).bound(domain, np.zeros(3, dtype))

        assert np.array_equal(np.isnat(buffer.data).reshape(-1), ~SELECTION)

    def test_structured(self) -> None:
        data = nav([("a", "i4"), ("b", "f4")]).data

        assert data["a"].tolist() == [[1, 0, 1], [1, 0, 0]]
        assert data["b"].tolist() == [[1, 0, 1], [1, 0, 0]]

    def test_everything_selected_is_a_view(self) -> None:
        buffer = nav(np.float32, (2,), selection=None)

        assert buffer.data.shape == (2, 3, 2)
        assert np.shares_memory(buffer.data, buffer.raw_data)

    def test_shape_is_that_of_raw_data(self) -> None:
        assert nav(np.float32, (2,)).shape == (3, 2)

    def test_results_know_only_what_users_need(self) -> None:
        domain = Domain(NAV, SIG)
        result = BufferWrapper("sig", where="device").bound(domain, np.zeros(SIG))

        assert (result.where, result.use) == (None, None)
        assert result.data.shape == SIG
        assert result.valid_mask.all()


class TestLikeAnArray:
    """Results go where arrays go."""

    buffer = nav(np.float32, selection=None)

    def test_conversion(self) -> None:
        assert np.array(self.buffer).shape == NAV
        assert np.asarray(self.buffer, dtype=int).dtype == int
        assert np.sum(self.buffer) == 6
        assert not np.shares_memory(np.array(self.buffer, copy=True), self.buffer.raw_data)
        with pytest.raises(ValueError, match="without a copy"):
            np.asarray(self.buffer, dtype=int, copy=False)

    def test_arithmetic(self) -> None:
        for value in (
            self.buffer + 1,
            1 + self.buffer,
            self.buffer + self.buffer,
            -self.buffer + 3,
        ):
            assert isinstance(value, np.ndarray)
            assert (value == 2).all()
        assert (np.sqrt(self.buffer) == 1).all()
        assert (self.buffer == 1).all()

    def test_adding_to_an_array(self) -> None:
        total = np.zeros(NAV)
        total += self.buffer

        assert (total == 1).all()

    def test_results_are_not_written_to(self) -> None:
        buffer = nav(np.float32)
        with pytest.raises(TypeError):
            buffer += 1

    def test_sequence(self) -> None:
        assert len(self.buffer) == 2
        assert self.buffer[1, 2] == 1
        assert self.buffer[..., 0].shape == (2,)
        assert [row.shape for row in self.buffer] == [(3,), (3,)]

    def test_hash_is_identity(self) -> None:
        assert len({self.buffer, nav(np.float32)}) == 2

    def test_pickle(self) -> None:
        there = pickle.loads(pickle.dumps(nav(np.float32, (2,))))

        assert np.array_equal(there.data, nav(np.float32, (2,)).data, equal_nan=True)
