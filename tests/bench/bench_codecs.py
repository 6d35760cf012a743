"""Every codec beside dectris-compression and beside copying what it gives, one thread."""

from __future__ import annotations

import lz4.block
import numpy as np
import pytest
from encoded_frames import FRAMES, EncodedFrames, frames
from rates import Case

from framefold.codecs import warm

WIDTHS = ("uint8", "uint16", "uint32")
KINDS = ("sparse", "dense", "random")
MEDIPIX = {"r64-1": "uint8", "r64-6": "uint8", "r64-12": "uint16"}


def case(name: str, kind: str, dtype: str) -> Case:
    pixels = frames(kind, dtype)
    if name == "r64-1":
        pixels &= 1
    encoded = EncodedFrames(name, pixels)
    last = pixels[-len(encoded.tile) :]
    target = np.empty_like(encoded.tile)

    def copied() -> None:
        for _ in range(FRAMES // len(target)):
            np.copyto(target, last)

    ways = {"ours": encoded.decode, "copy": copied}
    if name == "bslz4":
        ways["dectris-compression"] = encoded.decode_theirs
    else:
        ways["numpy"] = lambda: last  # nothing to time: what it must be
    if name == "lz4":
        size = pixels[0].nbytes
        ways["liblz4"] = lambda: [
            lz4.block.decompress(chunk, uncompressed_size=size) for chunk in encoded.chunks
        ]
    told = f"{name}, {kind} {dtype} ({encoded.ratio:.1f} to 1)"
    return Case(told, pixels.nbytes / 1e9, ways, limit="copy")


CASES = [
    *(case("bslz4", kind, dtype) for dtype in WIDTHS for kind in KINDS),
    *(case("lz4", kind, "uint16") for kind in KINDS),
    *(case("lz4-framed", kind, "uint16") for kind in KINDS),
    *(case(name, "sparse", dtype) for name, dtype in MEDIPIX.items()),
    case("raw", "random", "uint16"),
]


@pytest.mark.parametrize(
    ("case", "way"),
    [(case, way) for case in CASES for way in case.ways if way != "numpy"],
    ids=[f"{case.name}: {way}" for case in CASES for way in case.ways if way != "numpy"],
)
def test_codec(case, way, benchmark, rates):
    if way == "ours":
        warm()
        case.verify()
    benchmark.group = case.name
    benchmark(case.ways[way])
    rates.note(case, way, benchmark.stats.stats.min)
