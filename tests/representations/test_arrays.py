"""npy, raw, JSON and selections: the values, the whole values, nothing but the values."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.core.snapshot import Channel
from framefold.errors import ParameterError, TooLargeError, UnknownNameError
from framefold.representations import names, representation
from framefold.representations.json_ import MAX_ELEMENTS
from framefold.representations.selection import select

npy, raw, json = (representation(name) for name in ("npy", "raw", "json"))
plain = hnp.arrays(
    st.one_of(
        hnp.integer_dtypes(endianness="?"),
        hnp.unsigned_integer_dtypes(endianness="?"),
        hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
        hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
        hnp.boolean_dtypes(),
    ),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)


def channel(data, valid=True, extra=(), kind="nav") -> Channel:
    data = np.asarray(data)
    return Channel(kind, data, np.broadcast_to(valid, data.shape), extra, 7)


class TestTable:
    """Every representation has a name, a media type and options; unknown ones are refused."""

    def test_the_shipped_ones_are_there(self):
        assert {"npy", "json", "png", "raw"} <= set(names())
        assert len({representation(name).media_type for name in names()}) == len(names())

    def test_unknown_names_and_options_are_refused_with_the_nearest(self):
        with pytest.raises(UnknownNameError, match="'npy'"):
            representation("npyy")
        with pytest.raises(ParameterError, match="did you mean 'invalid'"):
            json(channel([1]), {"invald": "keep"})
        for form in (npy, raw, json):
            with pytest.raises(ParameterError, match="Python objects"):
                form(channel(np.array([{}])))


class TestNpyAndRaw:
    """The bytes are the array's."""

    @given(plain)
    def test_npy_reads_back_bit_for_bit(self, data):
        got = np.load(io.BytesIO(npy(channel(data))), allow_pickle=False)

        assert (got.dtype, got.shape) == (data.dtype, data.shape)
        assert got.tobytes() == data.tobytes()

    @given(plain)
    def test_raw_is_little_endian_and_as_long_as_estimated(self, data):
        body = raw(channel(data))

        little = data.dtype.newbyteorder("<")
        assert body == data.astype(little).tobytes()
        assert len(body) == raw.estimate(channel(data), {})
        assert len(npy(channel(data))) <= npy.estimate(channel(data), {})


class TestJson:
    """Small arrays as text that every parser reads."""

    @given(plain)
    def test_any_array_is_valid_json_of_its_shape(self, data):
        body = json(channel(data))
        document = orjson.loads(body)

        got = np.array(document["data"], dtype=object)
        pairs = (2,) if data.dtype.kind == "c" else ()
        if data.size:
            assert got.shape == data.shape + pairs
        assert document["shape"] == list(data.shape)
        assert b"NaN" not in body
        assert len(body) <= json.estimate(channel(data), {})

    def test_no_number_and_no_measurement_are_null(self):
        data = np.array([[1.0, np.nan], [np.inf, 4.0]])
        valid = np.array([[True, True], [True, False]])

        assert orjson.loads(json(channel(data)))["data"] == [[1.0, None], [None, 4.0]]
        assert orjson.loads(json(channel(data, valid)))["data"] == [[1.0, None], [None, None]]
        kept = orjson.loads(json(channel(data, valid), {"invalid": "keep"}))["data"]
        assert kept == [[1.0, None], [None, 4.0]]

    def test_one_value_without_measurement(self):
        assert orjson.loads(json(channel(np.float64(3), False)))["data"] is None

    def test_too_many_elements_are_pointed_to_npy(self):
        json(channel(np.zeros(MAX_ELEMENTS, np.uint8)))
        with pytest.raises(TooLargeError, match=r"\.npy"):
            json(channel(np.zeros(MAX_ELEMENTS + 1, np.uint8)))


slices = st.builds(
    lambda a, b, c: (
        f"{'' if a is None else a}:{'' if b is None else b}" + ("" if c is None else f":{c}")
    ),
    st.none() | st.integers(-9, 9),
    st.none() | st.integers(-9, 9),
    st.none() | st.integers(-3, 3).filter(bool),
)


class TestSelect:
    """``slice=`` is numpy's, ``part=valid`` is the mask."""

    @given(st.lists(slices | st.integers(-4, 3).map(str), min_size=1, max_size=3))
    def test_it_is_what_numpy_does(self, items):
        data = np.arange(4 * 5 * 6).reshape(4, 5, 6)
        valid = data % 2 == 0
        part = select(channel(data, valid, extra=(6,)), {"slice": ",".join(items)})

        index = tuple(
            slice(*(int(p) if p else None for p in i.split(":"))) if ":" in i else int(i)
            for i in items
        )
        np.testing.assert_array_equal(part.data, data[index])
        np.testing.assert_array_equal(part.valid, valid[index])
        assert part.extra_shape == part.data.shape[part.data.ndim - len(part.extra_shape) :]
        dropped = len(index) == 3 and isinstance(index[2], int)
        assert len(part.extra_shape) == (0 if dropped else 1)

    @given(st.text(max_size=12))
    def test_nonsense_is_refused_or_means_something(self, text):
        with contextlib.suppress(ParameterError):
            assert select(channel(np.zeros((3, 4))), {"slice": text}).data.ndim <= 2

    @pytest.mark.parametrize(
        "text", ["", "4", "-5", "::0", "1,2,3", "-:", "a", "1:2:3:4", "9" * 30]
    )
    def test_what_lies_outside_is_refused(self, text):
        with pytest.raises(ParameterError):
            select(channel(np.zeros((3, 4))), {"slice": text})

    def test_the_mask(self):
        valid = np.array([True, False])
        part = select(channel([1, 2], valid), {"part": "valid"})

        np.testing.assert_array_equal(part.data, valid)
        assert part.valid.all()
