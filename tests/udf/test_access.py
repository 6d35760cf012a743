"""self.params, self.results, self.task_data."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from framefold.errors import MissingNameError
from framefold.udf import UDF, UDFData, UseDiscouragedWarning


class TestUDFData:
    """Named things, read as attributes."""

    def make(self) -> UDFData:
        return UDFData({"a": np.zeros(3), "n": 5, "_secret": 1, "keys": 2}, "self.params")

    def test_read(self) -> None:
        data = self.make()

        assert data.n == 5
        assert data.get("n") == 5
        assert data.get("m") is None
        assert data.get("m", 7) == 7
        assert "a" in data
        assert "m" not in data
        assert set(data) == set(data.keys()) == {"a", "n", "_secret", "keys"}
        assert len(data) == len(data.values()) == len(data.items()) == 4
        assert data.as_dict()["n"] == 5

    @pytest.mark.parametrize("kind", [AttributeError, KeyError, MissingNameError])
    def test_missing(self, kind: type[Exception]) -> None:
        with pytest.raises(kind, match=r"self\.params has no 'm'"):
            _ = self.make().m
        with pytest.raises(kind, match=r"self\.params has no 'm'"):
            self.make().m = 3
        with pytest.raises(kind, match="it has: "):
            self.make().get_buffer("m")

    def test_default_of_getattr(self) -> None:
        assert getattr(self.make(), "m", None) is None

    def test_underscores_and_methods(self) -> None:
        data = self.make()

        with pytest.raises(AttributeError):
            _ = data._secret
        assert callable(data.keys)
        assert data.get_buffer("_secret") == 1

    def test_assignment_fills(self) -> None:
        data = self.make()
        array = data.a
        data.a = 3
        data.a += 1

        assert data.a is array
        assert array.tolist() == [4, 4, 4]
        with pytest.raises(TypeError):
            data.n = 3

    def test_items_are_discouraged(self) -> None:
        data = self.make()

        with pytest.warns(UseDiscouragedWarning, match=r"read self\.params\.n instead"):
            assert data["n"] == 5
        with (
            pytest.warns(UseDiscouragedWarning),
            pytest.raises(KeyError, match="has no 'm'"),
        ):
            _ = data["m"]
        assert issubclass(UseDiscouragedWarning, FutureWarning)

    def test_views(self) -> None:
        data = self.make()
        data.show({"a": 1}, {"n": "not now"})

        assert data.a == 1
        with pytest.raises(ValueError, match=r"self\.params\.n cannot be read here: not now"):
            _ = data.n

    def test_set_buffer(self) -> None:
        data = self.make()
        data.set_buffer("new", 9)

        assert data.new == data.get_buffer("new") == 9

    def test_copies(self) -> None:
        for there in (copy.deepcopy(self.make()), pickle.loads(pickle.dumps(self.make()))):
            assert there.n == 5
            assert there.a.tolist() == [0, 0, 0]

    def test_repr(self) -> None:
        assert repr(UDFData({"b": 1, "a": 2}, "dest")) == "<dest: a, b>"
        assert repr(UDFData({}, "src")) == "<src: empty>"


def test_parameters_without_a_constructor() -> None:
    udf = UDF(a=1, __b=2)

    assert udf.params.a == 1
    assert udf.params.get("upsample", False) is False
    assert udf.stored_kwargs == {"a": 1, "__b": 2}
