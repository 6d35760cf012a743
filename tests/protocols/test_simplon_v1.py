"""SIMPLON stream v1: every form of header, every encoding, and messages that are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.core.encoding import Encoding
from framefold.errors import ProtocolError
from framefold.protocols import Arrived, Ended, Started
from framefold.protocols.simplon_v1 import SimplonV1

CONFIG = {
    "nimages": 4,
    "ntrigger": 3,
    "trigger_mode": "exts",
    "x_pixels_in_detector": 5,
    "y_pixels_in_detector": 2,
    "bit_depth_image": 16,
    "frame_time": 0.001,
}


def _json(**keys):
    return json.dumps(keys).encode()


def _header(detail="basic", series=7, config=CONFIG, appendix=None):
    parts = [_json(htype="dheader-1.0", series=series, header_detail=detail)]
    if detail != "none":
        parts.append(_json(**config))
    if detail == "all":
        parts += [_json(htype="dflatfield-1.0", shape=[5, 2], type="float32"), bytes(40)]
        mask = np.arange(10, dtype="<u4")
        parts += [_json(htype="dpixelmask-1.0", shape=[5, 2], type="uint32"), mask.tobytes()]
        table = np.arange(6, dtype="<f4")
        parts += [
            _json(htype="dcountrate_table-1.0", shape=[2, 3], type="float32"),
            table.tobytes(),
        ]
    return parts + ([] if appendix is None else [appendix])


def _image(frame=0, series=7, blob=bytes(20), **changed):
    facts = {"shape": [5, 2], "type": "uint16", "encoding": "<", "size": len(blob)}
    facts = {k: v for k, v in (facts | changed).items() if v is not None}
    return [
        _json(htype="dimage-1.0", series=series, frame=frame, hash=""),
        _json(htype="dimage_d-1.0", **facts),
        blob,
        _json(htype="dconfig-1.0", real_time=1, start_time=2, stop_time=3),
    ]


END = [_json(htype="dseries_end-1.0", series=7)]


class TestHeader:
    """A series is announced once, whatever form its header has."""

    @pytest.mark.parametrize("appendix", [None, b"text", b"\xff\x00", b'{"a": 1}', b"{"])
    @pytest.mark.parametrize("detail", ["basic", "all"])
    def test_tells_shape_type_and_count(self, detail, appendix):
        (started,) = SimplonV1().feed(_header(detail, appendix=appendix))

        assert isinstance(started, Started)
        assert (started.series, started.number) == ("7", 7)
        assert started.sig_shape == (2, 5)
        assert started.dtype == np.uint16
        assert started.frames == 12
        assert started.frame_time == 0.001
        assert started.metadata["trigger_mode"] == "exts"
        assert "notes" not in started.metadata
        expected = appendix.decode() if appendix and appendix[0] != 0xFF else appendix
        assert started.metadata.get("header_appendix") == expected

    def test_without_details_tells_only_the_series(self):
        (started,) = SimplonV1().feed(_header("none", appendix=b"{}"))

        assert started.series == "7"
        assert started.sig_shape is started.dtype is started.frames is None
        assert started.metadata["header_appendix"] == "{}"

    def test_in_full_carries_tables_rows_first(self):
        (started,) = SimplonV1().feed(_header("all"))

        assert started.metadata["pixel_mask"].tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
        assert started.metadata["flatfield"].shape == (2, 5)
        assert started.metadata["countrate_table"].tolist() == [[0, 1], [2, 3], [4, 5]]

    def test_knows_tables_without_the_leading_d(self):
        parts = _header("all")
        parts[4] = parts[4].replace(b"dpixelmask", b"pixelmask")

        (started,) = SimplonV1().feed(parts)

        assert started.metadata["pixel_mask"].shape == (2, 5)

    def test_notes_a_table_that_does_not_fit(self):
        parts = _header("all")
        parts[3] = bytes(39)

        (started,) = SimplonV1().feed(parts)

        assert "flatfield" not in started.metadata
        assert "39 bytes" in started.metadata["notes"][0]
        assert "pixel_mask" in started.metadata

    @pytest.mark.parametrize("missing", CONFIG)
    def test_can_do_without_any_key(self, missing):
        config = {k: v for k, v in CONFIG.items() if k != missing}

        (started,) = SimplonV1().feed(_header(config=config))

        assert started.series == "7"

    @pytest.mark.parametrize(
        ("mode", "frames"), [("exts", 12), ("ints", 12), ("exte", 3), ("inte", 3), ("extg", 12)]
    )
    def test_counts_frames_by_trigger_mode(self, mode, frames):
        (started,) = SimplonV1().feed(_header(config=CONFIG | {"trigger_mode": mode}))

        assert started.frames == frames

    def test_leaves_the_shape_to_the_images_when_a_region_is_read(self):
        (started,) = SimplonV1().feed(_header(config=CONFIG | {"roi_mode": "4M"}))

        assert started.sig_shape is None

    @pytest.mark.parametrize(
        "absurd",
        [
            {"nimages": -1},
            {"ntrigger": "many"},
            {"x_pixels_in_detector": 0},
            {"y_pixels_in_detector": 10**10},
        ],
    )
    def test_refuses_absurd_values(self, absurd):
        protocol = SimplonV1()
        with pytest.raises(ProtocolError) as refused:
            protocol.feed(_header(config=CONFIG | absurd))

        assert refused.value.kind in ("bad-value", "bad-shape")
        assert len(protocol.feed(_image())) == 1


class TestPiecewiseHeader:
    """Parts of a header may come as messages of their own."""

    @pytest.mark.parametrize("detail", ["basic", "all"])
    def test_is_announced_with_its_last_part(self, detail):
        protocol = SimplonV1()
        whole = _header(detail)

        events = [protocol.feed([part]) for part in whole]

        assert events[:-1] == [()] * (len(whole) - 1)
        (started,) = events[-1]
        assert started.sig_shape == (2, 5)
        assert ("pixel_mask" in started.metadata) == (detail == "all")

    def test_that_breaks_off_is_announced_with_the_next_message(self):
        protocol = SimplonV1()
        protocol.feed(_header("all")[:1])
        protocol.feed(_header("all")[1:2])

        started, arrived = protocol.feed(_image())

        assert started.frames == 12
        assert arrived.frame == 0

    def test_is_not_lost_when_the_next_message_is_bad(self):
        protocol = SimplonV1()
        protocol.feed(_header("basic")[:1])
        with pytest.raises(ProtocolError):
            protocol.feed(_image(type="float99"))

        started, ended = protocol.feed(END)

        assert isinstance(started, Started)
        assert isinstance(ended, Ended)

    def test_gives_way_to_another_header(self):
        protocol = SimplonV1()
        protocol.feed(_header("basic", series=1)[:1])

        first, second = protocol.feed(_header("basic", series=2))

        assert (first.series, second.series) == ("1", "2")


class TestImage:
    """An image's blob is handed on as it is, with how to decode it."""

    def test_shares_memory_with_its_part(self):
        blob = bytearray(20)
        parts = [memoryview(p) for p in _image(frame=3)]
        parts[2] = memoryview(blob)

        (arrived,) = SimplonV1().feed(parts)
        blob[4] = 99

        assert isinstance(arrived, Arrived)
        assert (arrived.series, arrived.frame, arrived.sig_shape) == ("7", 3, (2, 5))
        assert arrived.payload[4] == 99
        assert arrived.dtype == np.uint16

    @pytest.mark.parametrize(
        ("text", "dtype", "encoding"),
        [
            ("<", "uint16", Encoding("raw")),
            ("raw", "uint16", Encoding("raw")),
            (">", "uint16", Encoding("raw", big_endian=True)),
            ("lz4<", "uint32", Encoding("lz4")),
            ("bs8-lz4<", "uint8", Encoding("bslz4")),
            ("bs16-lz4<", "uint16", Encoding("bslz4")),
            ("bs32-lz4<", "uint32", Encoding("bslz4")),
            ("bs32-lz4>", "uint32", Encoding("bslz4", big_endian=True)),
        ],
    )
    def test_tells_its_encoding(self, text, dtype, encoding):
        side = 10  # 100 pixels, more bytes than a compressed frame needs for its header
        blob = bytes(side * side * np.dtype(dtype).itemsize)
        message = _image(encoding=text, type=dtype, blob=blob, shape=[side, side])

        (arrived,) = SimplonV1().feed(message)

        assert arrived.encoding == encoding
        assert arrived.dtype == dtype

    @pytest.mark.parametrize("parts", [3, 4, 5])
    def test_may_lack_times_or_have_an_appendix(self, parts):
        message = [*_image(), b"\xff"][:parts]

        assert len(SimplonV1().feed(message)) == 1

    def test_may_lack_its_size(self):
        assert len(SimplonV1().feed(_image(size=None))) == 1

    @pytest.mark.parametrize(
        ("kind", "changed"),
        [
            ("encoding-mismatch", {"encoding": "bs32-lz4<"}),
            ("bad-encoding", {"encoding": "bs16<"}),
            ("bad-encoding", {"encoding": "zstd<"}),
            ("bad-encoding", {"encoding": ""}),
            ("unknown-dtype", {"type": "uint17"}),
            ("unknown-dtype", {"type": "O"}),
            ("bad-shape", {"shape": [5]}),
            ("bad-shape", {"shape": [5, 0]}),
            ("bad-shape", {"shape": [-5, -2]}),
            ("bad-shape", {"shape": [2**20, 2**20]}),
            ("bad-json", {"shape": [2.5, 2]}),
            ("bad-json", {"shape": None}),
            ("size-mismatch", {"size": 21}),
            ("size-mismatch", {"shape": [5, 3]}),
            ("size-mismatch", {"encoding": "bs16-lz4<", "blob": bytes(11)}),
            ("bad-value", {"frame": -1}),
            ("bad-value", {"frame": 2**53 + 1}),
            ("bad-value", {"series": -3}),
            ("bad-json", {"series": "x"}),
        ],
    )
    def test_that_does_not_fit_is_refused(self, kind, changed):
        protocol = SimplonV1()
        with pytest.raises(ProtocolError) as refused:
            protocol.feed(_image(**changed))

        assert refused.value.kind == kind
        assert len(protocol.feed(_image())) == 1

    def test_without_a_blob_is_refused(self):
        with pytest.raises(ProtocolError, match="missing-part"):
            SimplonV1().feed(_image()[:2])


class TestEnd:
    """Whatever calls itself the end of a series is one."""

    @pytest.mark.parametrize("htype", ["dseries_end-1.0", "deseries_end-1.0"])
    def test_names_the_series(self, htype):
        assert SimplonV1().feed([_json(htype=htype, series=7)]) == (Ended("7", htype),)


class TestNonsense:
    """What is no message at all is refused in one way only."""

    @pytest.mark.parametrize(
        "part",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"[]",
            b'{"htype": "\xff"}',
            b'{"x":' + b"[" * 200_000,
            b'{"htype": "dimage-1.0", "series": ' + b"9" * 10_000 + b"}",
            b'{"htype": "else", "series": 1}',
            b'{"series": 1}',
        ],
    )
    def test_is_refused(self, part):
        protocol = SimplonV1()
        with pytest.raises(ProtocolError):
            protocol.feed([part])
        with pytest.raises(ProtocolError):
            protocol.feed([])

        assert len(protocol.feed(_image())) == 1

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_damage_is_refused_or_harmless(self, data):
        protocol = SimplonV1()
        messages = [_header("all"), _image(), END]
        message = list(data.draw(st.sampled_from(messages)))
        which = data.draw(st.integers(0, len(message) - 1))
        part = bytearray(message[which])
        for _ in range(data.draw(st.integers(1, 3))):
            where = data.draw(st.integers(0, len(part)))
            match data.draw(st.sampled_from(["cut", "change", "insert", "part"])):
                case "cut":
                    del part[where:]
                case "change":
                    part[where : where + 1] = data.draw(st.binary(max_size=4))
                case "insert":
                    part[where:where] = data.draw(st.binary(max_size=8))
                case "part":
                    part[:] = data.draw(st.binary(max_size=40))
        message[which] = bytes(part)

        said = ""
        try:
            events = protocol.feed(message)
        except ProtocolError as refused:
            events, said = (), str(refused)
        assert len(said) < 2000
        for event in events:
            assert event.series
            if isinstance(event, Arrived):
                h, w = event.sig_shape
                assert 0 < h * w <= 2**31
                assert 0 <= event.frame <= 2**53
        *_, arrived = protocol.feed(_image(frame=5))
        assert arrived.frame == 5


@pytest.mark.recordings
class TestRecordedEiger:
    """A recorded stream whose blobs were cut is announced, refused image by image, and ended."""

    def test_is_read_to_its_end(self, recordings: Path):
        protocol = SimplonV1()
        events, kinds, counts = [], [], []
        with (recordings / "simplon_v1_eiger_truncated/eiger-small.cbors").open("rb") as file:
            while file.peek(1):
                parts = cbor2.load(file, read_size=1)
                counts.append(len(parts))
                try:
                    events += protocol.feed(parts)
                except ProtocolError as refused:
                    kinds.append(refused.kind)

        assert counts == [9, 5, 5, 5, 1]
        assert kinds == ["size-mismatch"] * 3
        started, ended = events
        assert (started.series, started.sig_shape, started.frames) == ("6", (3262, 3108), 3)
        assert started.dtype == np.uint32
        assert started.metadata["countrate_table"].shape == (1001, 2)
        assert len(started.metadata["notes"]) == 2
        assert ended == Ended("6", "dseries_end-1.0")
