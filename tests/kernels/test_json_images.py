"""The part of JSON that is read by a kernel is read as by a JSON reader, or not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from framefold.kernels import json_images
from framefold.kernels.json_images import image_number
from kernels.guarded import Guarded

GOOD = b'{"frame":12,"hash":"0af","htype":"dimage-1.0","series":7}'


def number(text: bytes) -> int:
    return image_number(np.frombuffer(b"##" + text + b"}", np.uint8), 2, 2 + len(text), 7)


def members(text: bytes):
    """What a JSON reader makes of it: names and values, in order; None if nothing."""
    try:
        found = json.loads(text, object_pairs_hook=list)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


words = st.sampled_from(["htype", "series", "frame", "hash", "header_detail", "x", "Frame", ""])
values = st.sampled_from(["dimage-1.0", 7, 12, "dimage-1.1", 0, "", 9**16, -1, 1.5, None, {}, "é"])
spaces = st.sampled_from(["", " ", "\n\t", "\r "])


@st.composite
def objects(draw):
    pairs = draw(st.permutations([("htype", "dimage-1.0"), ("series", 7), ("frame", 12)]))
    pairs = pairs + draw(st.lists(st.tuples(words, values), max_size=3))
    pairs = draw(st.permutations(pairs))
    gap = draw(spaces)
    inner = f",{gap}".join(
        f"{json.dumps(k)}{gap}:{gap}{json.dumps(v, ensure_ascii=draw(st.booleans()))}{gap}"
        for k, v in pairs
    )
    return f"{{{gap}{inner}}}{gap}".encode()


class TestImageNumber:
    """The frame number of an image, if it certainly is one."""

    @pytest.mark.parametrize("text", [
        GOOD, b'{"series":7,"frame":12,"htype":"dimage-1.0"}',
        b'{ "series" : 7 ,\n"frame"\t:12, "htype":\r"dimage-1.0" } ',
        b'{"htype":"dimage-1.0","series":7,"frame":12,"more":"~ {}","a":0,"a":1}',
    ])  # fmt: skip
    def test_is_read(self, text):
        assert number(text) == 12

    @pytest.mark.parametrize("text", [
        b"", b"{", b"{}", b" " + GOOD, GOOD + b"x", GOOD[:-1], GOOD.replace(b"12", b"012"),
        GOOD.replace(b"12", b"-12"), GOOD.replace(b"12", b"12.0"), GOOD.replace(b"12", b'"12"'),
        GOOD.replace(b":7", b":8"), GOOD.replace(b"dimage", b"dheader"), GOOD[:-1] + b",}",
        GOOD.replace(b"0af", b"\\u0041"), GOOD.replace(b"0af", b"\xff"), GOOD.replace(b"7", b"7 7"),
        GOOD.replace(b"hash", b"frame"), GOOD.replace(b"hash", b"header_detail"),
        GOOD.replace(b"12", b"9" * 17), GOOD.replace(b'"hash"', b'"frame":3,"hash"'),
    ])  # fmt: skip
    def test_is_left_alone(self, text):
        assert number(text) == -1

    @settings(deadline=None)
    @given(objects())
    def test_like_a_json_reader(self, text):
        told = number(text)
        if told >= 0:
            pairs = members(text)
            assert pairs is not None
            meant = [pair for pair in pairs if pair[0] in ("htype", "series", "frame")]
            assert sorted(meant) == [("frame", told), ("htype", "dimage-1.0"), ("series", 7)]

    @settings(deadline=None)
    @given(st.binary(max_size=60) | st.integers(0, len(GOOD)).map(lambda n: GOOD[:n]), st.data())
    @example(GOOD, None)
    def test_nothing_is_read_outside(self, text, data):
        if data is not None and text:
            place = data.draw(st.integers(0, len(text) - 1))
            text = text[:place] + data.draw(st.binary(min_size=1, max_size=1)) + text[place + 1 :]
        with pytest.MonkeyPatch.context() as patch:
            for name in ("_equal", "_behind_space", "_closing_quote", "_digits"):
                patch.setattr(json_images, name, getattr(json_images, name).py_func)
            memory = Guarded(b"##" + text + b"}}", 2, 2 + len(text))
            interpreted = image_number.py_func(memory, 2, 2 + len(text), 7)

        assert interpreted == number(text)
