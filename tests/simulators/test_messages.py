"""What the simulators say is what our protocols understand, to the last pixel."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.codecs import decode_one
from framefold.protocols import Arrived, Ended, Started, recognise
from framefold_simulators import simplon_v1, simplon_v2
from framefold_simulators.encode import encoded
from framefold_simulators.series import Series

LANGUAGES = {"v1": simplon_v1, "v2": simplon_v2}


def _stack(dtype, frames=6, shape=(9, 7)):
    rng = np.random.default_rng(4)
    return rng.integers(0, np.iinfo(dtype).max, (frames, *shape), dtype, endpoint=True)


def _events(messages, channel=None):
    messages = list(messages)
    protocol = recognise(messages[0][0], channel)
    return [event for parts in messages for event in protocol.feed(parts)]


@pytest.mark.parametrize("language", LANGUAGES)
class TestMessages:
    """A series goes through builder, protocol and codec without a change."""

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
    @pytest.mark.parametrize("compression", ["none", "lz4", "bslz4"])
    def test_carry_the_frames(self, language, compression, dtype):
        stack = _stack(dtype)
        series = Series(3, (2, 3), (9, 7), dtype, compression)

        started, *arrived, ended = _events(LANGUAGES[language].of_stack(series, stack))

        assert isinstance(started, Started)
        assert (started.sig_shape, started.dtype, started.frames) == ((9, 7), np.dtype(dtype), 6)
        assert [event.frame for event in arrived] == list(range(6))
        assert {event.series for event in (*arrived, ended)} == {started.series}
        assert isinstance(ended, Ended)
        for event, frame in zip(arrived, stack, strict=True):
            decoded = decode_one(event.encoding, event.payload, event.dtype, event.sig_shape)
            np.testing.assert_array_equal(decoded, frame)

    @pytest.mark.parametrize("appendix", ["", '{"sample": 5}'])
    @pytest.mark.parametrize("detail", ["none", "basic", "all"])
    def test_have_every_form_of_header(self, language, detail, appendix):
        mask = np.arange(63, dtype=np.uint32).reshape(9, 7)
        series = Series(
            3, (2, 3), (9, 7), "uint16", header_detail=detail, appendix=appendix,
            image_appendix=appendix, pixel_mask=mask,
        )  # fmt: skip

        started, *arrived, _ = _events(LANGUAGES[language].of_stack(series, _stack("uint16")))

        assert len(arrived) == 6
        assert "notes" not in started.metadata
        if detail == "all":
            np.testing.assert_array_equal(started.metadata["pixel_mask"], mask)
            np.testing.assert_array_equal(started.metadata["flatfield"], np.ones((9, 7)))
        else:
            assert "pixel_mask" not in started.metadata
        key = "header_appendix" if language == "v1" else "user_data"
        assert started.metadata.get(key, "") == appendix

    @pytest.mark.parametrize("mode", ["exts", "ints", "exte", "inte"])
    def test_announce_all_frames_in_every_trigger_mode(self, language, mode):
        series = Series(3, (2, 3), (9, 7), "uint16", trigger_mode=mode)

        (started,) = _events([LANGUAGES[language].header(series)])

        assert started.frames == 6

    def test_come_in_any_order(self, language):
        series = Series(3, (2, 3), (9, 7), "uint8", "none")
        frames = [(4, bytes(63)), (1, bytes(63)), (4, bytes(63))]

        _, *arrived, _ = _events(LANGUAGES[language].messages(series, frames))

        assert [event.frame for event in arrived] == [4, 1, 4]


class TestChannels:
    """Stream v2 carries the images of all channels in one message."""

    def test_are_told_apart(self):
        stack = _stack("uint16", 12).reshape(6, 2, 9, 7)
        series = Series(3, (2, 3), (9, 7), "uint16", channels=("low", "high"))

        for i, channel in enumerate(series.channels):
            _, *arrived, _ = _events(simplon_v2.of_stack(series, stack), channel)
            for event, frame in zip(arrived, stack[:, i], strict=True):
                assert isinstance(event, Arrived)
                decoded = decode_one(event.encoding, event.payload, event.dtype, event.sig_shape)
                np.testing.assert_array_equal(decoded, frame)


class TestGoldenVectors:
    """The bytes are those that real detectors and the reference libraries make."""

    def test_bslz4(self):
        five = np.arange(25, dtype=np.uint16).reshape(1, 5, 5)
        sixteen = np.arange(16, dtype=np.uint8).reshape(1, 2, 8)

        assert list(encoded(five)) == [
            bytes.fromhex(
                "0000000000000032 00002000 0000001a"
                "d1aaaaaaccccccf0f0f000ff000004000f0200065000000000 00 1800"
            )
        ]
        assert list(encoded(sixteen)) == [
            bytes.fromhex("0000000000000010 00002000 00000012 f001aaaaccccf0f000ff0000000000000000")
        ]

    def test_lz4(self):
        zeros = np.zeros((1, 8, 8), np.uint8)
        block = bytes.fromhex("1f00010027500000000000")

        assert list(encoded(zeros, "lz4")) == [block]
        head = bytes.fromhex("0000000000000040 00000040 0000000b")
        assert list(encoded(zeros, "lz4-framed", 64)) == [head + block]

    def test_block_size_is_honoured(self):
        (blob,) = encoded(np.zeros((1, 64, 64), np.uint16), "bslz4", 1024)

        assert blob[8:12] == (1024).to_bytes(4)

    def test_messages_of_stream_v2(self):
        five = np.arange(25, dtype=np.uint16).reshape(1, 5, 5)
        series = Series(7, (1,), (5, 5), "uint16")

        _, image, end = simplon_v2.of_stack(series, five)

        assert len(end[0]) == 69
        assert end[0].startswith(bytes.fromhex("d9d9f7a3647479706563656e64697365726965735f696407"))
        assert len(image[0]) == 264
        assert (
            bytes.fromhex("6464617461a16b7468726573686f6c645f31d82882820505d845d9dcb48365")
            + b"bslz4"
            + bytes.fromhex("02582c")
            in image[0]
        )

    def test_unique_ids_differ_by_series(self):
        ids = {Series(n, (1,), (5, 5), "uint16").unique_id for n in range(50)}

        assert len(ids) == 50
        assert {len(ident) for ident in ids} == {26}


@pytest.mark.parametrize("appendix", ["", '{"sample": 5}', b"\x01"])
@pytest.mark.parametrize("channels", [("threshold_1",), ("low", "high")])
@pytest.mark.parametrize("frame", [0, 23, 70_000])
def test_images_are_what_their_content_says(frame, channels, appendix):
    series = Series(
        3, (2, 3), (9, 7), "uint16", channels=channels, frame_time=2e-4, image_appendix=appendix
    )
    blobs = [bytes([n]) * (n * 300 + 7) for n in range(len(channels))]

    (message,) = simplon_v2.image(series, frame, blobs)

    assert message == simplon_v2.as_message(simplon_v2.image_content(series, frame, blobs))
