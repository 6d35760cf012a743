"""Many messages at once say what they say one by one, or are left to be read one by one."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import numpy as np
import pytest
from cbor2 import CBORTag
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.errors import ProtocolError
from framefold.kernels import cbor_images, json_images
from framefold.protocols.base import WireProtocol
from framefold.protocols.batch import Messages
from framefold.protocols.events import Arrived
from framefold.protocols.simplon_v1 import SimplonV1
from framefold.protocols.simplon_v2 import SimplonV2
from kernels.guarded import Guarded

BLOB = bytes(range(40, 80))


def v1(frame: Any = 0, *, blob: bytes = BLOB, size: Any = None, series: Any = 7, parts: int = 4,
       gap: str = "", **more: Any) -> list[bytes]:  # fmt: skip
    head = {"htype": "dimage-1.0", "series": series, "frame": frame, "hash": "0" * 32} | more
    second = {"htype": "dimage_d-1.0", "shape": [10, 5], "type": "uint16",
              "encoding": "bs16-lz4<", "size": len(blob) if size is None else size}  # fmt: skip
    third = {"htype": "dconfig-1.0", "start_time": 1, "stop_time": 2, "real_time": 1}
    separators = (f",{gap}", f":{gap}")
    texts = [json.dumps(one, separators=separators).encode() for one in (head, second, third)]
    return [texts[0], texts[1], blob, texts[2], b"appendix"][:parts]


def v2(frame: Any = 0, *, blob: bytes = BLOB, channels: int = 1, **more: Any) -> list[bytes]:
    def array(data: bytes) -> CBORTag:
        return CBORTag(40, [[5, 10], CBORTag(69, CBORTag(56500, ["bslz4", 2, data]))])

    content = {
        "type": "image", "series_id": 7, "series_unique_id": "01HBV3", "image_id": frame,
        "real_time": [50_000, 50_000_000], "start_time": [frame, 50_000_000],
        "stop_time": [1, 50_000_000],
        "data": {f"threshold_{n}": array(blob + bytes(n)) for n in range(channels)},
    } | more  # fmt: skip
    return [b"\xd9\xd9\xf7" + cbor2.dumps(content)]


def laid_out(messages: list[list[bytes]]) -> Messages:
    parts = [part for message in messages for part in message]
    lengths = [len(part) for part in parts]
    starts = np.cumsum([3, *lengths])[:-1]
    first = np.cumsum([0, *map(len, messages)])
    memory = np.frombuffer(b"###" + b"".join(parts), np.uint8)
    return Messages(memory, first, np.array([*zip(starts, lengths, strict=True)]).reshape(-1, 2))


def same(a: Arrived, b: Any) -> bool:
    facts = ("series", "frame", "encoding", "sig_shape", "dtype")
    return (
        isinstance(b, Arrived)
        and all(getattr(a, fact) == getattr(b, fact) for fact in facts)
        and bytes(a.payload) == bytes(b.payload)
    )


def agreed(make: Any, learnt: list[bytes], messages: list[list[bytes]]) -> int:
    """How many were told at once; each of these is told in the same way by full reading."""
    protocol = make()
    protocol.feed(learnt)
    if protocol.pattern is None:
        return 0
    images = protocol.pattern.images(laid_out(messages))
    for number in range(len(images)):
        (event,) = make().feed(messages[number])  # never saw another message
        assert same(images.single(number), event)
    return len(images)


MAKERS = [(SimplonV1, v1), (SimplonV2, v2)]


@pytest.mark.parametrize(("make", "image"), MAKERS)
class TestPatterns:
    """What all languages with patterns keep to."""

    def test_images_of_a_series_are_told_at_once(self, make, image):
        messages = [image(n * 1000, blob=BLOB * (n + 1)) for n in range(9)]

        assert agreed(make, image(5), messages) == 9

    @pytest.mark.parametrize("where", range(4))
    def test_it_stops_at_anything_else(self, make, image, where):
        messages = [image(n) for n in range(4)]
        messages[where] = image(0, blob=b"short")

        assert agreed(make, image(), messages) == where

    def test_nothing_is_known_before_an_image(self, make, image):
        assert make().pattern is None

    def test_another_series_is_another_pattern(self, make, image):
        protocol = make()
        protocol.feed(image(0))
        other = {"series": 8} if make is SimplonV1 else {"series_unique_id": "01HBV4"}
        protocol.feed(image(0, **other))

        assert len(protocol.pattern.images(laid_out([image(1, **other)]))) == 1
        assert len(protocol.pattern.images(laid_out([image(1)]))) == 0

    def test_learning_ends(self, make, image):
        protocol = make()
        for n in range(30):
            protocol.feed(image(n, **{f"user_data_{n}": "x"}))
        known = protocol.pattern
        protocol.feed(image(31, another="key"))

        assert protocol.pattern is known

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_damaged_messages(self, make, image, data):
        """A byte is changed, cut off or added, somewhere; lengths are right again or not."""
        good = image(data.draw(st.sampled_from([0, 7, 300, 70_000])))
        part = data.draw(st.integers(0, min(1, len(good) - 1)))
        text = good[part]
        place = data.draw(st.integers(0, len(text) - 1))
        text = data.draw(
            st.sampled_from([
                text[:place] + data.draw(st.binary(min_size=1, max_size=2)) + text[place + 1 :],
                text[:place], text[:place] + text[place + 1 :],
                text[:place] + data.draw(st.binary(max_size=2)) + text[place:],
            ])
        )  # fmt: skip
        bad = [*good[:part], text, *good[part + 1 :]]

        # whatever is told of it must be what full reading tells; an error there fails here
        assert agreed(make, image(3), [image(1), bad, image(2)]) in (1, 3)


class TestJson:
    """Stream v1."""

    @settings(max_examples=100, deadline=None)
    @given(st.permutations(["htype", "series", "frame", "hash", "x"]), st.sampled_from(["", " "]))
    def test_any_order_of_keys(self, order, gap):
        facts = {"htype": "dimage-1.0", "series": 7, "frame": 3, "hash": "a", "x": 1}
        message = v1(gap=gap)
        message[0] = json.dumps({key: facts[key] for key in order}).encode()

        assert agreed(SimplonV1, v1(gap=gap), [message]) == 1

    @pytest.mark.parametrize("parts", [3, 4, 5])
    def test_any_appendix(self, parts):
        assert agreed(SimplonV1, v1(), [v1(1, parts=parts)]) == 1

    @pytest.mark.parametrize("message", [
        v1(1, parts=2), v1(1, parts=1), v1(1, size=41), v1(1, size=-1), v1(1, size="40"),
        v1(1, size=40.0), v1(1, series=8), v1(1, series=True), v1(-1), v1(2**53 + 1), v1(1.0),
        v1(1, htype="dseries_end-1.0"), v1(1, header_detail=5), v1(1, hash="\u00e9"),
        v1(1, blob=b""),
    ])  # fmt: skip
    def test_what_is_odd_is_left_alone(self, message):
        assert agreed(SimplonV1, v1(), [message]) == 0

    def test_without_a_size(self):
        def image(n):
            message = v1(n)
            message[1] = message[1].replace(b',"size":40', b"")
            return message

        assert agreed(SimplonV1, image(0), [image(1), v1(2)]) == 1

    def test_a_size_that_is_not_plain_to_see(self):
        odd = v1(0)
        odd[1] = odd[1][:-1] + b',"\\u0061":"size"}'
        protocol = SimplonV1()
        protocol.feed(odd)

        assert protocol.pattern is None

    def test_not_while_a_header_goes_on(self):
        """Parts of a header may come as messages of their own, and look like anything."""
        protocol = SimplonV1()
        protocol.feed(v1())
        protocol.feed([b'{"htype":"dheader-1.0","series":7,"header_detail":"basic"}'])

        assert protocol.pattern is None


class TestCbor:
    """Stream v2."""

    @pytest.mark.parametrize("frame", [0, 23, 24, 255, 256, 65535, 65536, 2**32, 2**53])
    def test_numbers_of_any_length(self, frame):
        assert agreed(SimplonV2, v2(5), [v2(frame)]) == 1
        assert agreed(SimplonV2, v2(frame), [v2(5)]) == 1

    @pytest.mark.parametrize("channel", ["threshold_0", "threshold_1"])
    def test_several_channels(self, channel):
        messages = [v2(n, channels=3, blob=BLOB * (n + 1)) for n in range(4)]

        assert agreed(lambda: SimplonV2(channel), v2(9, channels=3), messages) == 4

    @pytest.mark.parametrize("message", [
        v2(2**53 + 1), v2(2**63), v2(2**64 - 1), v2(1, type="imago"), v2(1, user_data=None),
        v2(1)[:1] * 2, [v2(1)[0] + b"\0"], [v2(1)[0][:-1]], v2(1, channels=2),
    ])  # fmt: skip
    def test_what_is_odd_is_left_alone(self, message):
        assert agreed(SimplonV2, v2(), [message]) == 0

    @pytest.mark.parametrize("text", [
        b"image_id\x05", b"jstart_time\x82\x01\x02",
        b"\xd8\x28\x82\x82\x05\x0a\xd8\x45\xd9\xdc\xb4\x83ebslz4\x02\x58\x28" + BLOB,
    ])  # fmt: skip
    def test_a_text_that_looks_like_something_else(self, text):
        """A number in it may change its length, which changes where the text ends."""
        learnt, other = v2(5, user_data=text), v2(6, user_data=text.replace(b"\x05", b"\x18\x55"))

        agreed(SimplonV2, learnt, [v2(6, user_data=text), other])


class TestBounds:
    """Nothing is read outside of a message, whatever it says of itself."""

    @pytest.fixture(autouse=True)
    def interpreted(self, monkeypatch):
        for module in (json_images, cbor_images):
            for name, value in vars(module).items():
                if hasattr(value, "py_func"):
                    monkeypatch.setattr(module, name, value.py_func)
        for name in ("simplon_v1_pattern", "cbor_pattern"):
            monkeypatch.setattr(
                f"framefold.protocols.{name}.find_images",
                {"simplon_v1_pattern": json_images, "cbor_pattern": cbor_images}[name].find_images,
            )

    @pytest.mark.parametrize(("make", "image"), MAKERS)
    def test_any_cut(self, make, image):
        protocol: WireProtocol = make()
        protocol.feed(image(5))
        message = image(70_000)
        for part in range(min(2, len(message))):
            for cut in range(len(message[part])):
                bad = [*message[:part], message[part][:cut], *message[part + 1 :]]
                whole = laid_out([bad])
                memory = Guarded(whole.memory.tobytes(), 3, len(whole.memory))
                guarded = Messages(memory, whole.first, whole.parts)  # type: ignore[arg-type]

                assert len(protocol.pattern.images(guarded)) == 0


def test_full_reading_refuses_what_patterns_decline_for_their_size():
    with pytest.raises(ProtocolError, match="size-mismatch"):
        SimplonV1().feed(v1(1, size=41))
