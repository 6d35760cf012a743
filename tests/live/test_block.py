"""Sealed slots: zero in place of a value while frames are decoded, where a codec can."""

from __future__ import annotations

import numpy as np
import pytest

from encoders import bslz4
from framefold.analyses.sum import SumUDF
from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.core.pixel_mask import PixelMask
from framefold.core.scan import Scan
from framefold.engine.worker import BlockWorker
from framefold.live.assembler import Assembler, FreeSlots
from framefold.live.collection import Collection
from framefold.live.opening import ring_shape
from framefold.processes.segment import Segment
from framefold.protocols.events import Arrived
from framefold.udf.reduction import Reduction

SIG = (9, 11)
MOST = 65535


@pytest.fixture
def ring():
    with Segment.create(1 << 20) as made:
        yield made


def sealed(ring, payloads, encodings):
    """The block of a slot with these frames, and the frames' acquisition."""
    shape = ring_shape(ring.size, 198, 1 << 12)
    count = len(payloads)
    acquisition = Acquisition("1", "nowhere", Scan.fit(count, (1, count)), SIG, np.dtype("u2"))
    assembler = Assembler(acquisition.scan, count, shape, FreeSlots(shape.slots), ring.bytes, count)
    collection = Collection(acquisition, assembler, shape, ring.path)
    for number, (payload, encoding) in enumerate(zip(payloads, encodings, strict=True)):
        event = Arrived("1", number, memoryview(payload), encoding, SIG, np.dtype("u2"))
        assert collection.take(event, 0.0) == 0
    (block,) = collection.sealed()
    return block


def frames(count):
    made = np.random.default_rng(count).integers(0, 9, (count, *SIG)).astype("u2")
    made[:, 3, 4] = MOST
    made[0, 8, 10] = MOST  # behind the last whole eight pixels
    return made


def encoded(data, name):
    return [bslz4(one, 128) if name == "bslz4" else one.tobytes() for one in data]


class TestBlanking:
    """The same pixels, whoever puts zero into them."""

    def opened(self, ring, names, value=MOST):
        data = frames(len(names))
        payloads = [encoded(data[i : i + 1], name)[0] for i, name in enumerate(names)]
        block = sealed(ring, payloads, [Encoding(name) for name in names])
        with block.open() as found:
            able = found.blank(value, np.dtype("u2"))
            out = np.empty_like(data)
            return able, found.read(np.arange(len(data)), out).copy(), data

    def test_a_codec_that_can(self, ring):
        able, read, data = self.opened(ring, ["bslz4", "bslz4"])

        assert able
        assert (read == np.where(data == MOST, 0, data)).all()

    @pytest.mark.parametrize("names", [["raw", "raw"], ["bslz4", "raw"]])
    def test_codecs_that_cannot(self, ring, names):
        able, read, data = self.opened(ring, names)

        assert not able
        assert (read == data).all()

    def test_a_value_that_has_not_all_bits_set(self, ring):
        able, read, data = self.opened(ring, ["bslz4"], value=32767)

        assert not able
        assert (read == data).all()

    @pytest.mark.parametrize("names", [["bslz4"] * 3, ["raw"] * 3, ["raw", "bslz4", "raw"]])
    @pytest.mark.parametrize("excluded", [False, True])
    def test_a_worker(self, ring, names, excluded):
        data = frames(3)
        payloads = [encoded(data[i : i + 1], name)[0] for i, name in enumerate(names)]
        block = sealed(ring, payloads, [Encoding(name) for name in names])
        gaps = np.eye(*SIG, dtype=bool)
        reduction = Reduction(
            [SumUDF()], nav_shape=(1, 3), sig_shape=SIG, dtype="u2",
            mask=PixelMask(gaps if excluded else None, MOST),
        )  # fmt: skip
        (part,) = BlockWorker(reduction.spec).work(block, np.zeros).parts
        reduction.merge(part)

        wanted = np.where(data == MOST, 0, data).sum(axis=0)
        if excluded:
            wanted[gaps] = 0
        assert (reduction.results(0)["intensity"].data == wanted).all()
