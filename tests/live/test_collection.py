"""Frames of any encodings go into the ring and come out of the blocks as they went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.core.acquisition import Acquisition
from framefold.core.block import UndecodableFrames
from framefold.core.encoding import Encoding
from framefold.core.scan import Scan
from framefold.errors import ProtocolError
from framefold.live.assembler import Assembler, FreeSlots
from framefold.live.collection import MOST_ENCODINGS, Collection
from framefold.live.ring import COUNTERS_BYTES, RingShape, aligned
from framefold.processes.segment import Segment
from framefold.protocols.events import Arrived

SIG = (3, 5)
DTYPE = np.dtype(np.uint16)
LITTLE, BIG = Encoding("raw"), Encoding("raw", big_endian=True)
SHAPE = RingShape(COUNTERS_BYTES + 8 * 4096, 16, aligned(aligned(24 * 16) + 1024))


def image(number: int) -> np.ndarray:
    return np.full(SIG, 256 * number + 7, dtype=DTYPE)


def frame(number: int, encoding: Encoding = LITTLE, *, cut: int = 0, **facts) -> Arrived:
    order = ">" if encoding.big_endian else "<"
    data = image(number).astype(DTYPE.newbyteorder(order)).tobytes()
    given_facts = {"sig_shape": SIG, "dtype": DTYPE} | facts
    payload = memoryview(data[: len(data) - cut])
    return Arrived("1", number, payload, encoding, **given_facts)


@pytest.fixture
def ring():
    with Segment.create(SHAPE.size) as made:
        yield made


def collection(ring: Segment, stretch: int = 4, positions: int = 16) -> Collection:
    known = Acquisition("1", "test", Scan((positions,)), SIG, DTYPE)
    assembler = Assembler(known.scan, stretch, SHAPE, FreeSlots(SHAPE.slots), ring.bytes)
    return Collection(known, assembler, SHAPE, ring.path)


def read(block) -> dict[int, np.ndarray]:
    with block.open() as frames:
        out = np.empty((len(frames.positions), *SIG), DTYPE)
        rows = np.arange(len(frames.positions))
        pixels = frames.read(rows, out)
        return dict(zip(frames.positions.tolist(), pixels.copy(), strict=True))


class TestCollection:
    """Whatever the order and the encodings, each frame is found at its position."""

    @settings(max_examples=60, deadline=None)
    @given(st.permutations(range(16)), st.lists(st.booleans(), min_size=16, max_size=16))
    def test_mixed_encodings_in_any_order(self, order, big):
        with Segment.create(SHAPE.size) as ring:
            made = collection(ring)
            found = {}
            for number in order:
                assert made.take(frame(number, BIG if big[number] else LITTLE), 0.0) == 0
                for block in made.sealed():
                    found |= read(block)
            assert sorted(found) == list(range(16))
            assert all((pixels == image(n)).all() for n, pixels in found.items())

    def test_a_slot_used_again_forgets_the_kinds_it_had(self, ring):
        made = collection(ring, stretch=1)
        for number, encoding in enumerate([LITTLE, BIG, LITTLE, BIG, LITTLE]):
            made.take(frame(number, encoding), 0.0)
            (block,) = made.sealed()
            assert (read(block)[number] == image(number)).all()
            made.assembler._free.give_back(block.slot)

    def test_short_payloads_are_damaged_and_no_others(self, ring):
        made = collection(ring)
        for number in range(4):
            made.take(frame(number, BIG if number % 2 else LITTLE, cut=number == 2), 0.0)
        (block,) = made.sealed()

        with block.open() as frames, pytest.raises(UndecodableFrames) as caught:
            frames.read(np.arange(4), np.empty((4, *SIG), DTYPE))
        assert caught.value.rows.tolist() == [2]

    @pytest.mark.parametrize("facts", [{"dtype": np.dtype(np.int16)}, {"sig_shape": (5, 3)}])
    def test_frames_of_another_kind_are_refused(self, ring, facts):
        made = collection(ring)

        with pytest.raises(ProtocolError, match="frame-changed"):
            made.take(frame(0, **facts), 0.0)
        assert made.take(frame(0), 0.0) == 0

    def test_a_codec_too_many_is_refused(self, ring):
        made = collection(ring)
        for number in range(MOST_ENCODINGS):
            made.take(frame(number, Encoding(f"codec-{number}")), 0.0)

        with pytest.raises(ProtocolError, match="encoding-changed"):
            made.take(frame(9, Encoding("another")), 0.0)
