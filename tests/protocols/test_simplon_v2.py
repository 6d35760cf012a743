"""SIMPLON stream v2: channels, arrays, optional keys, and CBOR that means harm."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import cbor2
import numpy as np
import pytest
from cbor2 import CBORTag
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.core.encoding import Encoding
from framefold.errors import ProtocolError
from framefold.protocols import Arrived, Ended, Started
from framefold.protocols.cbor_arrays import EncodedArray
from framefold.protocols.cbor_message import decode
from framefold.protocols.simplon_v2 import SimplonV2

ULID = "01HBV3JPF9T4ZDPADX6EMK6XMZ"
BLOB = bytes(range(100))


def _message(content):
    return [b"\xd9\xd9\xf7" + cbor2.dumps(content)]


def _array(data=BLOB, shape=(5, 10), tag=69):
    return CBORTag(40, [list(shape), CBORTag(tag, data)])


def _packed(blob=BLOB, algorithm="bslz4", modifier=2, **more):
    return _array(CBORTag(56500, [algorithm, modifier, blob]), **more)


def _image(frame=0, data=None, **more):
    content = {
        "type": "image",
        "series_id": 7,
        "series_unique_id": ULID,
        "image_id": frame,
        "real_time": [50_000, 50_000_000],
        "series_date": CBORTag(0, "2024-03-07T14:43:31.193+01:00"),
        "start_time": [frame * 50_000, 50_000_000],
        "stop_time": [(frame + 1) * 50_000, 50_000_000],
        "data": {"threshold_1": _packed()} if data is None else data,
    } | more
    return _message({k: v for k, v in content.items() if v is not ...})


def _start(**more):
    content = {
        "type": "start",
        "series_id": 7,
        "series_unique_id": ULID,
        "arm_date": CBORTag(0, "2024-03-07T14:43:31.193+01:00"),
        "channels": ["threshold_1", "threshold_2"],
        "frame_time": 0.001,
        "image_dtype": "uint16",
        "image_size_x": 10,
        "image_size_y": 5,
        "number_of_images": 4,
    } | more
    return _message({k: v for k, v in content.items() if v is not ...})


END = _message({"type": "end", "series_id": 7, "series_unique_id": ULID})


class TestStart:
    """A series is announced with what its start message has; nothing in it is indispensable."""

    def test_tells_shape_type_and_count(self):
        (started,) = SimplonV2().feed(_start())

        assert isinstance(started, Started)
        assert (started.series, started.number) == (ULID, 7)
        assert started.sig_shape == (5, 10)
        assert started.dtype == np.uint16
        assert started.frames == 4
        assert started.channels == ("threshold_1", "threshold_2")
        assert started.frame_time == 0.001
        assert started.metadata["arm_date"] == "2024-03-07T14:43:31.193+01:00"

    @pytest.mark.parametrize(
        "key",
        ["series_unique_id", "channels", "frame_time", "image_dtype", "image_size_x", "arm_date"],
    )
    def test_can_do_without_any_key(self, key):
        (started,) = SimplonV2().feed(_start(**{key: ...}))

        assert started.series == ("7" if key == "series_unique_id" else ULID)

    def test_takes_whole_floats_for_numbers(self):
        (started,) = SimplonV2().feed(_start(number_of_images=4.0, image_size_x=10.0, frame_time=1))

        assert started.frames == 4
        assert started.sig_shape == (5, 10)
        assert started.frame_time == 1.0

    def test_carries_the_tables_of_its_channel(self):
        masks = {
            "threshold_1": _array(np.arange(50, dtype="<u4").tobytes(), tag=70),
            "threshold_2": _array(np.arange(50, dtype=">u4").tobytes(), tag=66),
        }
        flat = {"threshold_1": _packed(modifier=4, tag=85)}
        table = CBORTag(70, np.arange(9, dtype="<u4").tobytes())

        (started,) = SimplonV2("threshold_2").feed(
            _start(pixel_mask=masks, flatfield=flat, countrate_correction_lookup_table=table)
        )

        mask = started.metadata["pixel_mask"]
        assert mask.tolist() == np.arange(50).reshape(5, 10).tolist()
        assert mask.dtype == np.uint32
        assert set(started.metadata["pixel_mask_by_channel"]) == set(masks)
        assert started.metadata["countrate_correction_lookup_table"].tolist() == list(range(9))
        assert started.metadata["flatfield"] == EncodedArray(
            (5, 10), np.dtype("f4"), Encoding("bslz4"), BLOB
        )
        assert pickle.loads(pickle.dumps(started)).frames == 4

    @pytest.mark.parametrize(
        "mask",
        [
            b"\0\0\0\0",
            {"threshold_1": b"\0\0\0\0"},
            {"threshold_1": _array(bytes(3), tag=70)},
            {"threshold_1": _array(bytes(40), tag=70)},
            {"threshold_1": CBORTag(40, 5)},
            {"threshold_1": None},
            CBORTag(0, "no date"),
            CBORTag(1, 1e300),
            CBORTag(30, [1, 0]),
            CBORTag(5, [10**15, 3]),
            CBORTag(35, "(a+"),
        ],
    )
    def test_is_not_stopped_by_tables_that_are_none(self, mask):
        (started,) = SimplonV2().feed(_start(pixel_mask=mask))

        assert started.frames == 4
        assert not isinstance(started.metadata.get("pixel_mask"), np.ndarray)

    @pytest.mark.parametrize(
        "absurd",
        [
            {"image_size_x": 0},
            {"image_size_y": 2**40},
            {"number_of_images": -1},
            {"number_of_images": "all"},
            {"series_unique_id": ..., "series_id": ...},
        ],
    )
    def test_refuses_absurd_values(self, absurd):
        with pytest.raises(ProtocolError):
            SimplonV2().feed(_start(**absurd))

    def test_refuses_a_channel_that_is_not_there(self):
        with pytest.raises(ProtocolError, match="threshold_1, threshold_2") as refused:
            SimplonV2("threshold_3").feed(_start())

        assert refused.value.kind == "unknown-channel"


class TestImage:
    """The image of one channel is handed on as it is, with how to decode it."""

    @pytest.mark.parametrize("frame", [0, 23, 24, 255, 256, 65535, 65536, 2**40])
    def test_tells_all_about_itself(self, frame):
        protocol = SimplonV2()
        for number in (1, frame):
            (arrived,) = protocol.feed(_image(number))

        assert isinstance(arrived, Arrived)
        assert (arrived.series, arrived.frame, arrived.sig_shape) == (ULID, frame, (5, 10))
        assert bytes(arrived.payload) == BLOB
        assert arrived.encoding == Encoding("bslz4")
        assert arrived.dtype == np.uint16

    def test_shares_memory_with_its_message(self):
        protocol = SimplonV2()
        for number in range(3):
            message = bytearray(_image(number)[0])
            (arrived,) = protocol.feed([memoryview(message)])
            message[message.index(BLOB) + 4] = 99

            assert arrived.payload[4] == 99

    @pytest.mark.parametrize(
        ("array", "encoding", "dtype"),
        [
            (_array(), Encoding("raw"), "u2"),
            (_array(tag=65), Encoding("raw", big_endian=True), "u2"),
            (_array(bytes(50), tag=64), Encoding("raw"), "u1"),
            (_array(bytes(50), tag=68), Encoding("raw"), "u1"),
            (_array(bytes(50), tag=72), Encoding("raw"), "i1"),
            (_array(bytes(200), tag=78), Encoding("raw"), "i4"),
            (_array(bytes(200), tag=81), Encoding("raw", big_endian=True), "f4"),
            (_array(bytes(400), tag=86), Encoding("raw"), "f8"),
            (_packed(algorithm="lz4", modifier=0), Encoding("lz4-framed"), "u2"),
            (_packed(modifier=4, tag=66), Encoding("bslz4", big_endian=True), "u4"),
            (_array(bytes(4), (1, 2)), Encoding("raw"), "u2"),
            (_packed(bytes(20)), Encoding("bslz4"), "u2"),
        ],
    )
    def test_tells_type_and_encoding(self, array, encoding, dtype):
        protocol = SimplonV2()
        for number in range(3):
            (arrived,) = protocol.feed(_image(number, {"a": array}))

            assert (arrived.encoding, arrived.dtype) == (encoding, np.dtype(dtype))

    def test_may_be_tagged_column_major_when_it_is_a_line(self):
        data = {"a": CBORTag(1040, [[1, 50], CBORTag(69, BLOB)])}

        (arrived,) = SimplonV2().feed(_image(data=data))

        assert arrived.sig_shape == (1, 50)

    @pytest.mark.parametrize("key", ["real_time", "series_date", "series_id", "start_time"])
    def test_can_do_without_most_keys(self, key):
        protocol = SimplonV2()
        for number in range(3):
            (arrived,) = protocol.feed(_image(number, **{key: ...}))

            assert arrived.frame == number

    def test_keeps_out_of_what_users_add(self):
        protocol = SimplonV2()
        for number in range(30):
            more = {"user_data": {"himage_id": number, "text": "himage_id\x05"}, "odd": b"x" * 50}
            (arrived,) = protocol.feed(_image(number, **more))

            assert (arrived.frame, bytes(arrived.payload)) == (number, BLOB)

    def test_is_not_fooled_by_an_array_within_a_byte_string(self):
        protocol = SimplonV2()
        inner = cbor2.dumps({"threshold_1": _packed(b"z" * 100)})
        for number in range(3):
            (arrived,) = protocol.feed(_image(number, user_data=inner))
            assert bytes(arrived.payload) == BLOB
            before = {"type": "image", "user_data": inner, "series_id": 7, "image_id": number}
            (arrived,) = protocol.feed(_message(before | {"data": {"threshold_1": _packed()}}))
            assert bytes(arrived.payload) == BLOB

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("unsupported-compression", {"a": _packed(algorithm="bszstd")}),
            ("unsupported-compression", {"a": _packed(algorithm=5)}),
            ("encoding-mismatch", {"a": _packed(modifier=4)}),
            ("encoding-mismatch", {"a": _packed(modifier="x")}),
            ("size-mismatch", {"a": _packed(b"short")}),
            ("size-mismatch", {"a": _array(bytes(99))}),
            ("unknown-dtype", {"a": _array(tag=76)}),
            ("unknown-dtype", {"a": _array(tag=87)}),
            ("bad-shape", {"a": _array(shape=(5,))}),
            ("bad-shape", {"a": _array(shape=(-5, -10))}),
            ("bad-shape", {"a": _array(shape=(2**30, 2**30))}),
            ("unsupported-layout", {"a": CBORTag(1040, [[5, 10], CBORTag(69, BLOB)])}),
            ("not-an-array", {"a": CBORTag(40, [[5, 10], BLOB])}),
            ("not-an-array", {"a": CBORTag(40, [[5, 10], CBORTag(69, "text")])}),
            ("not-an-array", {"a": b"bytes"}),
            ("missing-key", {}),
            ("missing-key", "text"),
        ],
    )
    def test_that_does_not_fit_is_refused(self, kind, data):
        protocol = SimplonV2()
        with pytest.raises(ProtocolError) as refused:
            protocol.feed(_image(data=data))

        assert refused.value.kind == kind
        assert len(protocol.feed(_image())) == 1

    @pytest.mark.parametrize("number", [..., -1, 2**53 + 1, "1", 1.5, True])
    def test_without_a_usable_number_is_refused(self, number):
        protocol = SimplonV2()
        protocol.feed(_image(1))
        with pytest.raises(ProtocolError):
            protocol.feed(_image(image_id=number))


class TestChannels:
    """One channel is taken: the one named, else the first announced, else the first there is."""

    DATA = {"b": _packed(b"b" * 100), "a": _packed(b"a" * 300), "c": _packed(b"c" * 100)}

    @pytest.mark.parametrize(
        ("channel", "announced", "expected"),
        [(None, None, "b"), (None, ["a", "b"], "a"), ("c", ["a", "b", "c"], "c"), ("c", None, "c")],
    )
    def test_chooses(self, channel, announced, expected):
        protocol = SimplonV2(channel)
        if announced:
            protocol.feed(_start(channels=announced))
        for number in range(4):
            (arrived,) = protocol.feed(_image(number, self.DATA))

            assert bytes(arrived.payload[:1]).decode() == expected

    def test_does_not_take_the_channels_of_another_series(self):
        protocol = SimplonV2()
        protocol.feed(_start(channels=["a"]))

        (arrived,) = protocol.feed(_image(data=self.DATA, series_unique_id="other"))

        assert bytes(arrived.payload[:1]) == b"b"

    def test_follows_a_new_announcement(self):
        protocol = SimplonV2()
        taken = []
        for first in ("a", "c"):
            protocol.feed(_start(channels=[first]))
            for number in range(3):
                (arrived,) = protocol.feed(_image(number, self.DATA))
            taken.append(bytes(arrived.payload[:1]))

        assert taken == [b"a", b"c"]

    def test_names_those_there_are(self):
        with pytest.raises(ProtocolError, match="b, a, c") as refused:
            SimplonV2("d").feed(_image(data=self.DATA))

        assert refused.value.kind == "unknown-channel"


class TestEnd:
    """An end is an end, with or without the unique id; other makers' messages are passed over."""

    def test_names_the_series(self):
        assert SimplonV2().feed(END) == (Ended(ULID, "end"),)
        assert SimplonV2().feed(_message({"type": "end", "series_id": 7})) == (Ended("7", "end"),)

    def test_passes_over_messages_of_other_makers(self):
        assert SimplonV2().feed(_message({"type": "calibration"})) == ()

    def test_golden_vector(self):
        message = bytes.fromhex(
            "d9d9f7a3647479706563656e64697365726965735f696407707365726965735f756e697175655f6964781a"
        )

        assert SimplonV2().feed([message + ULID.encode()]) == (Ended(ULID, "end"),)


HOSTILE = {
    "empty": b"",
    "break": b"\xff",
    "a number": b"\xd9\xd9\xf7\x00",
    "deep": b"\xd9\xd9\xf7" + b"\x81" * 100_000,
    "deep tags": b"\xc6" * 100_000 + b"\x00",
    "deep marks": b"\xd9\xd9\xf7" * 50_000 + b"\xa0",
    "endless arrays": b"\x9f" * 100_000,
    "huge array": bytes.fromhex("a161619b00ffffffffffffff00"),
    "huge map": bytes.fromhex("bb00ffffffffffffff0000"),
    "huge bytes": bytes.fromhex("a161615b00ffffffffffffff00"),
    "huge text": bytes.fromhex("a161617bffffffffffffffff00"),
    "cycle": bytes.fromhex("a16161d81c81d81d00"),
    "dangling reference": bytes.fromhex("a16161d81d05"),
    "map as key": bytes.fromhex("a1a00000"),
    "numbers as keys": cbor2.dumps(dict.fromkeys(range(9), 0)),
    "text that is not UTF-8": bytes.fromhex("a16161 62ffff".replace(" ", "")),
    "other type": cbor2.dumps({"type": "fnord"}),
    "type is a map": cbor2.dumps({"type": {"a": 1}}),
    "type is a huge number": cbor2.dumps({"type": 10**30_000}),
}


class TestHostileCBOR:
    """CBOR that means harm is refused like any other mistake, at once."""

    @pytest.mark.parametrize("name", HOSTILE)
    @pytest.mark.timeout(5)
    def test_is_refused(self, name):
        protocol = SimplonV2()
        with pytest.raises(ProtocolError):
            protocol.feed([HOSTILE[name]])

        assert len(protocol.feed(_image())) == 1

    def test_is_not_acted_upon(self):
        tags = (0, 1, 2, 3, 4, 5, 30, 35, 36, 37, 52, 54, 100, 258, 260, 261, 1004, 43000)

        found = decode(cbor2.dumps({str(tag): CBORTag(tag, b"(a+)+") for tag in tags}))

        assert set(found.values()) == {b"(a+)+"}

    def test_more_parts_are_refused(self):
        with pytest.raises(ProtocolError):
            SimplonV2().feed([*END, b""])
        with pytest.raises(ProtocolError):
            SimplonV2().feed([])

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_damage_is_refused_or_harmless(self, data):
        protocol = SimplonV2()
        mask = {"threshold_1": _array(bytes(200), tag=70)}
        messages = [_start(pixel_mask=mask), _image(), _image(3, TestChannels.DATA), END]
        if data.draw(st.booleans()):  # with a pattern learnt
            protocol.feed(_image(1))
        message = bytearray(data.draw(st.sampled_from(messages))[0])
        for _ in range(data.draw(st.integers(1, 3))):
            where = data.draw(st.integers(0, len(message)))
            match data.draw(st.sampled_from(["cut", "change", "insert"])):
                case "cut":
                    del message[where:]
                case "change":
                    message[where : where + 1] = data.draw(st.binary(max_size=4))
                case "insert":
                    message[where:where] = data.draw(st.binary(max_size=8))

        said = ""
        try:
            events = protocol.feed([bytes(message)])
        except ProtocolError as refused:
            events, said = (), str(refused)
        assert len(said) < 2000
        for event in events:
            assert event.series
            if isinstance(event, Arrived):
                h, w = event.sig_shape
                assert 0 < h * w <= 2**31
                assert 0 <= event.frame <= 2**53
                assert len(event.payload) <= len(message)
        # a start message may be damaged so that it announces other channels: the next is good
        protocol.feed(_start(pixel_mask=mask))
        (arrived,) = protocol.feed(_image(5, {"threshold_1": _packed()}))
        assert arrived.frame == 5


@pytest.mark.recordings
class TestRecordedEiger2:
    """A real series is read as its truth says; its tables are a trap that stops nothing."""

    def test_is_read_to_its_end(self, recordings: Path):
        folder = recordings / "stream_v2_eiger2_16m"
        protocol = SimplonV2()
        messages = [(folder / f"{name}.cbor").read_bytes() for name in ("start", "image", "end")]
        truth = json.loads((folder / "truth.json").read_text())["arrays"]["image threshold_1"]

        events = [event for message in messages for event in protocol.feed([message])]

        started, arrived, ended = events
        assert started.sig_shape == arrived.sig_shape == tuple(truth["shape"])
        assert started.dtype is None
        assert started.frames == 1
        assert len(started.metadata["notes"]) == 2
        assert arrived.dtype == np.dtype(truth["dtype"])
        assert arrived.frame == 0
        assert arrived.encoding == Encoding("bslz4")
        assert int.from_bytes(arrived.payload[:8]) == 2 * 4362 * 4148
        assert started.series == arrived.series == ended.series == "01HBV3JPF9T4ZDPADX6EMK6XMZ"
