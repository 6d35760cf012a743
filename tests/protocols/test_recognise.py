"""A language is told by the first part of the first message."""

from __future__ import annotations

import pytest

from framefold.errors import ProtocolError
from framefold.protocols import protocols, recognise


class TestRecognise:
    """The first byte decides; what no language begins with is refused."""

    @pytest.mark.parametrize(
        ("first", "name"),
        [
            (b'{"htype"', "simplon-v1"),
            (b"\xd9\xd9\xf7\xa3", "simplon-v2"),
            (b"\xb8\x1f", "simplon-v2"),
            (memoryview(b"\xa3"), "simplon-v2"),
            (b'{"htype": "array", "dtype"', "plain"),
            (b'{"dtype": "u1", "htype":"start"', "plain"),
            (b'{"htype":"dimage-1.0","frame":0', "simplon-v1"),
        ],
    )
    def test_names_the_language(self, first, name):
        assert recognise(first).name == name

    def test_makes_a_new_object_with_the_channel(self):
        first, second = recognise(b"{", channel="a"), recognise(b"{")

        assert first is not second
        assert first.channel == "a"

    @pytest.mark.parametrize("first", [b"", b"MPX,0000", b"\x00" * 40, b"\xd8"])
    def test_refuses_what_nobody_understands(self, first):
        with pytest.raises(ProtocolError, match="simplon-v1") as refused:
            recognise(first)

        assert refused.value.kind == "unknown-protocol"

    def test_lists_all_languages(self):
        assert set(protocols.names()) >= {"simplon-v1", "simplon-v2"}
