"""The open plain protocol: golden vectors, positions, checksums, counts, and JSON for scripts."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import google_crc32c
import numpy as np
import pytest
from cbor2 import CBORTag
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.scan_shapes import Guess
from framefold.errors import ProtocolError
from framefold.kernels.crc32c import crc32c
from framefold.protocols import Arrived, Ended, Started, recognise
from framefold.protocols.plain import Plain
from framefold.protocols.simplon_v2 import SimplonV2
from framefold_simulators.plain import crc32c as slow_crc32c

BLOB = bytes(range(40, 80))

# made with cbor2 and google-crc32c
START = bytes.fromhex(
    "d9d9f7a96474797065657374617274697365726965735f6964076e73747265616d5f70726f66696c"
    "65716672616d65666f6c642d706c61696e2031686368616e6e656c738161616b696d6167655f6474"
    "7970656575696e74386c696d6167655f73697a655f78056c696d6167655f73697a655f7908706e75"
    "6d6265725f6f665f696d6167657306696e61765f7368617065820203"
)
IMAGE = bytes.fromhex(
    "d9d9f7a7647479706565696d616765697365726965735f69640768696d6167655f6964006b706f73"
    "6974696f6e5f6964026e6d6573736167655f6e756d62657201666372633332631aad52c14a646461"
    "7461a16161d82882820805d840582828292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
    "4142434445464748494a4b4c4d4e4f"
)
END = bytes.fromhex(
    "d9d9f7a5647479706563656e64697365726965735f6964076b696d616765735f73656e74066e696d"
    "616765735f64726f707065640066726561736f6e68636f6d706c657465"
)


def start(**more: Any) -> list[bytes]:
    content = {
        "type": "start", "series_id": 7, "stream_profile": "framefold-plain 1",
        "channels": ["a"], "image_dtype": "uint8", "image_size_x": 5, "image_size_y": 8,
        "number_of_images": 6, "nav_shape": [2, 3],
    } | more  # fmt: skip
    return [b"\xd9\xd9\xf7" + cbor2.dumps({k: v for k, v in content.items() if v is not ...})]


def image(frame: int = 0, blob: bytes = BLOB, **more: Any) -> list[bytes]:
    content = {"type": "image", "series_id": 7, "image_id": frame} | more
    content["data"] = {"a": CBORTag(40, [[8, 5], CBORTag(64, blob)])}
    return [b"\xd9\xd9\xf7" + cbor2.dumps({k: v for k, v in content.items() if v is not ...})]


def end(**more: Any) -> list[bytes]:
    return [b"\xd9\xd9\xf7" + cbor2.dumps({"type": "end", "series_id": 7} | more)]


class TestGoldenVectors:
    """Bytes as docs/reference/plain.md has them."""

    def test_what_they_say(self):
        protocol = recognise(START)
        (started,) = protocol.feed([START])
        (arrived,) = protocol.feed([IMAGE])
        (ended,) = protocol.feed([END])

        assert type(protocol) is Plain
        assert (started.series, started.frames, started.sig_shape) == ("7", 6, (8, 5))
        assert (started.dtype, started.channels) == (np.uint8, ("a",))
        assert started.scan == Guess((2, 3), "told by the sender", "certain")
        assert (arrived.series, arrived.frame, bytes(arrived.payload)) == ("7", 2, BLOB)
        assert ended == Ended("7", "end: complete, 6 images sent")

    def test_are_what_senders_write(self):
        assert start() == [START]
        check = google_crc32c.value(BLOB)
        assert image(position_id=2, message_number=1, crc32c=check) == [IMAGE]
        assert end(images_sent=6, images_dropped=0, reason="complete") == [END]

    @pytest.mark.parametrize("message", [START, IMAGE, END])
    def test_each_tells_the_language(self, message):
        assert type(recognise(message)) is Plain

    def test_readers_of_stream_v2_read_them(self):
        protocol = SimplonV2()
        events = [event for m in (START, IMAGE, END) for event in protocol.feed([m])]

        assert [type(event) for event in events] == [Started, Arrived, Ended]


class TestPlaces:
    """A frame goes where it says, unless the scan has a rule that its number goes by."""

    @pytest.mark.parametrize(
        ("told", "number"),
        [
            ({}, 5),
            ({"nav_shape": ...}, 5),
            ({"scan_order": "hilbert"}, 5),
            ({"scan_order": "list"}, 5),
            ({"scan_order": "snake"}, 3),
            ({"flyback_frames": 1}, 3),
            ({"lead_frames": 2}, 3),
            ({"frames_per_position": 4}, 3),
        ],
    )
    def test_by_position_or_by_rule(self, told, number):
        protocol = Plain()
        protocol.feed(start(**told))
        for _ in range(2):  # by decoding, and by the pattern
            (arrived,) = protocol.feed(image(3, position_id=5))
            assert arrived.frame == number
        assert protocol.pattern is not None

    def test_without_position(self):
        protocol = Plain()
        protocol.feed(start())
        assert protocol.feed(image(3))[0].frame == 3

        protocol.feed(start(scan_order="hilbert"))
        with pytest.raises(ProtocolError, match="position_id") as refused:
            protocol.feed(image(3))
        assert refused.value.kind == "missing-key"

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            (
                {"scan_order": "snake"},
                Guess((2, 3), "told by the sender", "certain", order="snake"),
            ),
            (
                {"flyback_frames": 2, "lead_frames": 1},
                Guess((2, 3), "told by the sender", "certain", 2, 1),
            ),
            ({"frames_per_position": 4}, Guess((2, 3, 4), "told by the sender", "certain")),
            ({"nav_shape": [6]}, Guess((6,), "told by the sender", "certain")),
            ({"nav_shape": ...}, None),
        ],
    )
    def test_the_scan_that_is_told(self, told, expected):
        assert Plain().feed(start(**told))[0].scan == expected

    @pytest.mark.parametrize(
        "told",
        [
            {"nav_shape": []},
            {"nav_shape": [0, 3]},
            {"nav_shape": "23"},
            {"nav_shape": [2**40, 2**40]},
            {"nav_shape": [1] * 20},
            {"scan_order": "zigzag"},
            {"scan_order": ["snake"]},
            {"flyback_frames": -1},
            {"frames_per_position": 0},
            {"frames_per_position": 2, "flyback_frames": 1},
        ],
    )
    def test_a_scan_that_cannot_be_is_told_of(self, told):
        (started,) = Plain().feed(start(**told))

        assert started.scan is None
        assert any("scan ignored" in note for note in started.metadata["notes"])


class TestChecksums:
    """Damage is noticed before decompression."""

    @given(st.binary(max_size=100), st.integers(0, 8))
    def test_is_crc32c(self, data, start):
        memory = np.frombuffer(bytes(start) + data + b"x", np.uint8)

        found = crc32c(memory, start, len(data))

        assert found == google_crc32c.value(data) == slow_crc32c(data)

    def test_known_value(self):
        # RFC 3720, appendix B.4, and every implementation's self-test
        assert crc32c(np.frombuffer(b"123456789", np.uint8), 0, 9) == 0xE3069283

    @pytest.mark.parametrize("learnt", [False, True])
    def test_damaged_pixels_are_refused(self, learnt):
        protocol, check = Plain(), google_crc32c.value(BLOB)
        if learnt:
            protocol.feed(image(0, crc32c=check))
            assert protocol.pattern is not None
        damaged = BLOB[:7] + b"x" + BLOB[8:]

        with pytest.raises(ProtocolError) as refused:
            protocol.feed(image(1, blob=damaged, crc32c=check))
        assert refused.value.kind == "bad-checksum"
        assert protocol.feed(image(2, crc32c=check))[0].frame == 2

    @pytest.mark.parametrize("wrong", ["text", -1, 2**32, 1.5, None])
    def test_what_is_no_checksum_is_refused(self, wrong):
        with pytest.raises(ProtocolError, match="crc32c"):
            Plain().feed(image(crc32c=wrong))


class TestQuality:
    """Frames that are none of the scan, or not whole."""

    def test_flyback_is_passed_over(self):
        assert Plain().feed(image(quality=4)) == ()

    def test_incomplete_is_refused(self):
        with pytest.raises(ProtocolError, match="incomplete"):
            Plain().feed(image(quality=1))

    def test_others_are_taken(self):
        assert Plain().feed(image(quality=2 | 8))[0].frame == 0


class TestEnd:
    """How it ended, and how much there was."""

    @pytest.mark.parametrize(
        ("told", "reason"),
        [
            ({}, "end"),
            ({"reason": "aborted"}, "end: aborted"),
            (
                {"images_sent": 5, "images_dropped": 2},
                "end, 5 images sent, 2 dropped by the sender",
            ),
            ({"message_number": 12}, "end, 8 images sent here"),
            ({"message_number": 12, "images_sent": 9}, "end, 9 images sent"),
            ({"reason": 5, "images_sent": -1, "images_dropped": "x", "message_number": 2}, "end"),
        ],
    )
    def test_is_told(self, told, reason):
        protocol = Plain()
        protocol.feed(start(message_number=3))

        assert protocol.feed(end(**told)) == (Ended("7", reason),)


class TestScripts:
    """Two parts, JSON and bytes: for teaching, and for what nobody wants to install CBOR for."""

    def message(self, pixels: Any = None, **head: Any) -> list[bytes]:
        pixels = np.arange(12, dtype="<u2").reshape(3, 4) if pixels is None else pixels
        told = {
            "htype": "array", "dtype": pixels.dtype.str, "shape": list(pixels.shape), "frame": 3,
            "series": "b",
        } | head  # fmt: skip
        text = json.dumps({k: v for k, v in told.items() if v is not ...})
        return [text.encode(), pixels.tobytes()]

    def test_an_array(self):
        (arrived,) = Plain().feed(self.message())

        assert (arrived.series, arrived.frame, arrived.sig_shape) == ("b", 3, (3, 4))
        assert (arrived.dtype, arrived.encoding.codec) == (np.uint16, "raw")

    def test_names_of_types(self):
        assert Plain().feed(self.message(dtype="uint16"))[0].dtype == np.uint16
        assert Plain().feed(self.message(dtype=">i2"))[0].encoding.big_endian

    def test_a_series_may_be_a_number_or_left_out(self):
        assert Plain().feed(self.message(series=4))[0].series == "4"
        assert Plain().feed(self.message(series=...))[0].series == "0"

    def test_start_and_end(self):
        protocol = Plain()
        head = {"htype": "start", "series": 4, "frames": 6, "nav_shape": [2, 3],
                "dtype": ">u2", "shape": [3, 4], "sample": "gold"}  # fmt: skip
        (started,) = protocol.feed([json.dumps(head).encode()])
        (ended,) = protocol.feed([b'{"htype": "end", "series": 4, "reason": "done"}'])

        assert (started.series, started.frames, started.sig_shape) == ("4", 6, (3, 4))
        assert started.dtype == np.uint16
        assert started.scan.shape == (2, 3)
        assert started.metadata["sample"] == "gold"
        assert ended == Ended("4", "end: done")

    @pytest.mark.parametrize(
        ("wrong", "kind"),
        [
            ({"dtype": "O"}, "unknown-dtype"),
            ({"dtype": "u2,u2"}, "unknown-dtype"),
            ({"dtype": "f1"}, "unknown-dtype"),
            ({"dtype": 7}, "unknown-dtype"),
            ({"shape": [3]}, "bad-shape"),
            ({"shape": [3, -4]}, "bad-shape"),
            ({"shape": "34"}, "bad-shape"),
            ({"shape": [3, 5]}, "size-mismatch"),
            ({"frame": -1}, "bad-value"),
            ({"frame": ...}, "missing-key"),
            ({"series": []}, "bad-value"),
        ],
    )
    def test_mistakes_are_told(self, wrong, kind):
        with pytest.raises(ProtocolError) as refused:
            Plain().feed(self.message(**wrong))
        assert refused.value.kind == kind

    def test_one_part_is_not_enough(self):
        with pytest.raises(ProtocolError, match="1 parts"):
            Plain().feed(self.message()[:1])
