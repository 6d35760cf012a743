"""What the header of a stream says of pixels without value."""

import numpy as np
import pytest

from framefold.codecs.pixel_masks import told_mask
from framefold.core.encoding import Encoding
from framefold.protocols.cbor_arrays import EncodedArray

U2 = np.dtype("u2")


class TestToldMask:
    """An array, one that is still encoded, or nothing that could be used."""

    def test_an_array(self):
        told = np.array([[0, 1, 0], [4, 0, 0]], "u4")

        mask = told_mask({"pixel_mask": told}, (2, 3), U2, "zero")

        assert (mask.excluded == (told != 0)).all()
        assert mask.sentinel == 65535

    def test_an_encoded_array(self):
        told = np.array([[0, 1, 0], [4, 0, 0]], "u4")
        encoded = EncodedArray((2, 3), told.dtype, Encoding("raw"), told.tobytes())

        assert told_mask({"pixel_mask": encoded}, (2, 3), U2, "raw").count == 2

    @pytest.mark.parametrize(
        "told",
        [
            None,
            b"\0\0\0\0",
            np.ones((3, 3)),
            EncodedArray((2, 3), np.dtype("u4"), Encoding("bslz4"), b"damaged"),
        ],
    )
    def test_nothing_to_be_used(self, told):
        mask = told_mask({"pixel_mask": told}, (2, 3), U2, "zero")

        assert mask.excluded is None
        assert mask.sentinel == 65535

    @pytest.mark.parametrize(
        ("dtype", "told", "sentinel"),
        [
            ("u4", None, 2**32 - 1),
            ("i4", None, None),
            ("i4", -(2**31), -(2**31)),
            ("u2", 65534, 65534),
            ("u2", 2**40, 65535),
            ("f4", 7, None),
        ],
    )
    def test_the_value_that_means_none(self, dtype, told, sentinel):
        header = {} if told is None else {"error_value": told}

        assert told_mask(header, (2, 3), np.dtype(dtype), "zero").sentinel == sentinel
