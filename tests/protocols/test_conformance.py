"""Every detector language holds to what all of them hold to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framefold.protocols.jungfraujoch import Jungfraujoch
from framefold.protocols.merlin import Merlin
from framefold.protocols.plain import Plain
from framefold.protocols.simplon_v1 import SimplonV1
from framefold.protocols.simplon_v2 import SimplonV2
from framefold.testing import ProtocolTests, Sent
from framefold_simulators import jungfraujoch, merlin, plain, simplon_v1, simplon_v2
from framefold_simulators.series import Series

SIG = (12, 20)


def stack(dtype: str = "uint16") -> NDArray[Any]:
    return np.random.default_rng(4).integers(0, 99, (12, *SIG)).astype(dtype)


def series(dtype: str = "uint16", compression: str = "bslz4", **more: Any) -> Series:
    return Series(7, (3, 4), SIG, np.dtype(dtype), compression, **more)


class TestSimplonV1(ProtocolTests):
    """DECTRIS stream v1, the longest header that there is."""

    language = SimplonV1

    @pytest.fixture(params=["all", "basic"])
    def sent(self, request):
        described = series(header_detail=request.param, appendix='{"user": 1}', image_appendix="x")
        return Sent(list(simplon_v1.of_stack(described, stack())), stack())


class TestSimplonV2(ProtocolTests):
    """DECTRIS stream v2."""

    language = SimplonV2

    @pytest.fixture(params=["bslz4", "lz4", "none"])
    def sent(self, request):
        described = series(compression=request.param, header_detail="all", appendix="appendix")
        return Sent(list(simplon_v2.of_stack(described, stack())), stack())


class TestSecondChannel(ProtocolTests):
    """One of several images in each message."""

    language = SimplonV2
    channel = "high"

    @pytest.fixture
    def sent(self):
        described = series(channels=("low", "high"))
        both = np.stack([stack() + np.uint16(1), stack()], axis=1)
        return Sent(list(simplon_v2.of_stack(described, both)), stack())


class TestJungfraujoch(ProtocolTests):
    """Stream v2 with messages that DECTRIS does not have."""

    language = Jungfraujoch

    @pytest.fixture(params=["bslz4", "none"])
    def sent(self, request):
        described = series(compression=request.param)
        return Sent(list(jungfraujoch.of_stack(described, stack())), stack())

    def _split(self, sent):
        header, _calibration, *images, _metadata, end = sent.messages
        return [header, *images, end]


class TestPlain(ProtocolTests):
    """The open protocol with all that it may have."""

    language = Plain

    @pytest.fixture(params=["bslz4", "none"])
    def sent(self, request):
        described = series(compression=request.param, checksums=True)
        return Sent(list(plain.of_stack(described, stack())), stack())


class TestPlainChannels(ProtocolTests):
    """Its checksums, one for each channel."""

    language = Plain
    channel = "b"

    @pytest.fixture
    def sent(self):
        described = series(channels=("a", "b"), checksums=True)
        blobs = [[one, other] for (one,), (other,) in zip(
            _blobs(stack() + np.uint16(1)), _blobs(stack()), strict=True
        )]  # fmt: skip
        return Sent(list(plain.messages(described, enumerate(blobs))), stack())


class TestMerlin(ProtocolTests):
    """Merlin's frames, plain and packed, of one chip and of four."""

    language = Merlin
    is_recognised = True

    @pytest.fixture(
        params=["u1 none", "u2 none", "u4 none", "u1 r64-1", "u1 r64-6", "u2 r64-12", "u4 r64-24",
                "u2 r64-12 quad", "u1 r64-1 quad", "u4 r64-24 gap"]
    )  # fmt: skip
    def sent(self, request):
        kind, compression, *layout = request.param.split()
        sig = {"quad": (512, 512), "gap": (514, 514)}[layout[0]] if layout else (3, 256)
        count = 3 if layout else 12
        top = {"r64-1": 2, "r64-6": 64}.get(compression, 99)
        frames = np.random.default_rng(4).integers(0, top, (count, *sig)).astype(kind)
        if sig == (514, 514):
            frames[:, 256:258] = frames[:, :, 256:258] = 0
        described = Series(7, (1, count), sig, np.dtype(kind), compression)
        messages = [[b"".join(parts)[15:]] for parts in merlin.of_stack(described, frames)]
        return Sent(messages, frames)

    def _split(self, sent):
        return [*sent.messages, []]


class TestPlainScripts(ProtocolTests):
    """Its convenience form: JSON and raw bytes."""

    language = Plain
    has_pattern = False

    @pytest.fixture(params=[">u2", "<i4", "<f4", "|u1"])
    def sent(self, request):
        frames = stack(request.param)
        head, tail = (
            [b'{"htype":"start","series":"a","frames":12,"nav_shape":[3,4]}'],
            [b'{"htype":"end","series":"a","images_sent":12}'],
        )
        images = [plain.array_of("a", n, frame) for n, frame in enumerate(frames)]
        return Sent([head, *images, tail], frames.astype(frames.dtype.newbyteorder("=")))


def _blobs(frames: NDArray[Any]) -> list[tuple[bytes]]:
    from framefold_simulators.encode import encoded

    return [(blob,) for blob in encoded(frames, "bslz4")]
