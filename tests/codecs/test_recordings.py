"""Frames of real detectors and the bitshuffle authors' own vectors decode to the known truths."""

from __future__ import annotations

import hashlib
import json

import cbor2
import h5py
import numpy as np
import pytest

from framefold.codecs import decode_one
from framefold.core.encoding import Encoding

pytestmark = pytest.mark.recordings
BSLZ4 = Encoding("bslz4")


def truth(folder):
    return json.loads((folder / "truth.json").read_text())["arrays"]


class TestRecordings:
    def test_bitshuffle_vectors(self, recordings):
        """21 pairs: elements of 1, 2, 3, 4, 6, 8 and 10 bytes in small blocks."""
        folder = recordings / "bitshuffle_vectors"
        equal = 0
        with h5py.File(folder / "regression_0.1.3.h5") as file:
            for name, encoded in file["compressed"].items():
                original = file["original"][name][()]
                _, chunk = encoded.id.read_direct_chunk((0,) * encoded.ndim)
                found = decode_one(BSLZ4, chunk, encoded.dtype, encoded.shape)
                equal += found.tobytes() == original.tobytes()

        assert equal == truth(folder)["pairs"]["compressed_vs_original_pairs"] == 21

    def test_eiger_4m(self, recordings):
        folder = recordings / "eiger_4m_h5_bslz4"
        with h5py.File(folder / "bitshuffle.h5") as file:
            data = file["/entry/data/data"]
            _, chunk = data.id.read_direct_chunk((0, 0, 0))
            pixels = decode_one(BSLZ4, chunk, data.dtype, data.shape[1:])

        expected = truth(folder)["/entry/data/data"]["sha256_array_le_c"]
        assert hashlib.sha256(pixels.astype("<u4")).hexdigest() == expected

    def test_eiger2_16m_stream(self, recordings):
        folder = recordings / "stream_v2_eiger2_16m"
        message = cbor2.loads((folder / "image.cbor").read_bytes())
        shape, typed = message["data"]["threshold_1"].value
        algorithm, item_bytes, chunk = typed.value.value

        pixels = decode_one(Encoding(algorithm), chunk, np.dtype(f"<u{item_bytes}"), shape)

        expected = truth(folder)["image threshold_1"]["sha256_array_le_c"]
        assert hashlib.sha256(pixels.astype("<u2")).hexdigest() == expected
