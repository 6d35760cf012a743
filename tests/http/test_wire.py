"""Headers and facts on the wire: tags, preferences, media ranges, plain JSON."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.snapshot import RunState
from framefold.http.conditional import MAX_WAIT, entity_tag, is_held_by_client, preferred_wait
from framefold.http.negotiation import acceptable
from framefold.http.plain import dumps


class TestEntityTag:
    """A tag is valid whatever the names are, and is found again in If-None-Match."""

    @given(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers(0),
    )
    def test_any_names(self, ident, resource, version):
        tag = entity_tag(ident, resource, version)

        assert tag.isascii()
        assert tag.isprintable()
        assert tag.count('"') == 2
        assert is_held_by_client([tag], tag)
        assert is_held_by_client([f'"x", W/{tag}'], tag)
        assert not is_held_by_client([entity_tag(ident, resource, version + 1)], tag)

    def test_star_is_anything(self):
        assert is_held_by_client([" * "], '"a"')
        assert not is_held_by_client([], '"a"')


class TestPrefer:
    """wait=N counts, within reason; what makes no sense is ignored."""

    @pytest.mark.parametrize(
        ("given_", "expected"),
        [
            ("wait=5", 5.0),
            ("respond-async, Wait = 7 ", 7.0),
            ('wait="3"; foo=bar', 3.0),
            ("wait=100000", MAX_WAIT),
            ("wait=0", 0.0),
            ("wait=-1", None),
            ("wait=abc", None),
            ("await=5", None),
            ("", None),
        ],
    )
    def test_values(self, given_, expected):
        assert preferred_wait([given_]) == expected

    @given(st.lists(st.text(max_size=30)))
    def test_nonsense_is_no_error(self, values):
        wait = preferred_wait(values)

        assert wait is None or 0 <= wait <= MAX_WAIT


class TestAccept:
    """The client's liking first, then our order; the most specific range decides."""

    OFFERED = ("application/x-npy", "application/json", "image/png")

    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ([], 0),
            (["*/*"], 0),
            (["application/json"], 1),
            (["image/*;q=0.9, */*;q=0.1"], 2),
            (["*/*, application/x-npy;q=0"], 1),
            (["text/html", "image/png;q=0.001"], 2),
            (["text/html"], None),
            (["*/*;q=0"], None),
            (["nonsense"], 0),
        ],
    )
    def test_choice(self, accept, expected):
        assert acceptable(accept, self.OFFERED) == (
            None if expected is None else self.OFFERED[expected]
        )

    @given(st.lists(st.text(max_size=30), max_size=3))
    def test_nonsense_is_no_error(self, accept):
        assert acceptable(accept, self.OFFERED) in (None, *self.OFFERED)


class TestPlain:
    """Whatever a detector put into its metadata, JSON comes out."""

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats()
            | st.integers()
            | st.text(st.characters())
            | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        )
    )
    def test_anything_becomes_json(self, value):
        orjson.loads(dumps(value))

    def test_what_json_cannot_say(self):
        cycle: dict[str, object] = {}
        cycle["self"] = cycle
        got = orjson.loads(
            dumps(
                {
                    "nan": float("nan"),
                    "np": np.float32(1.5),
                    "array": np.arange(2),
                    "big": 1 << 80,
                    "proxy": MappingProxyType({"a": 1}),
                    "state": RunState.RUNNING,
                    "bytes": b"123",
                    "cycle": cycle,
                }
            )
        )

        assert got["nan"] is None
        assert got["np"] == 1.5
        assert got["array"] == [0, 1]
        assert got["big"] == str(1 << 80)
        assert got["proxy"] == {"a": 1}
        assert got["state"] == "running"
        assert got["bytes"] == "3 bytes"


def test_a_large_array_is_named_not_listed():
    """A pixel mask among the metadata must not hold up everybody else's requests."""
    assert orjson.loads(dumps({"mask": np.zeros((4096, 4096), np.uint32)})) == {
        "mask": "uint32 array of shape (4096, 4096)"
    }
