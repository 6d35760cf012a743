"""Frames and parameters that nobody would wish for, given to every shipped UDF."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyses.cuts import scan
from framefold.analyses import make_udf
from framefold.errors import ParameterError, ShapeError
from udf.driver import Driver, run_udf

MASKS = np.random.default_rng(3).random((2, 9, 11)).astype(np.float32)
REQUIRED: dict[str, dict[str, Any]] = {
    "com": {},
    "crystallinity": {"rad_in": 0, "rad_out": 3},
    "fem": {"center": (4, 5), "rad_in": 0, "rad_out": 3},
    "logsum": {},
    "masks": {"mask_factories": MASKS},
    "max": {},
    "partition_monitor": {},
    "pick": {},
    "pick_shifted": {"shifts": (1, -1)},
    "radial_profile": {},
    "signal_monitor": {},
    "stddev": {},
    "sum": {},
    "sumsig": {},
    "virtual_detector": {},
}
DTYPES = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16", ">u2"]


class TestFrames:
    """Any dtype, any number of frames, NaN."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("name", REQUIRED)
    def test_of_any_dtype_or_refused_in_words(self, name: str, dtype: str) -> None:
        data = scan(dtype)
        nothing, one = np.zeros((4, 5), bool), np.zeros((4, 5), bool)
        one[3, 4] = True
        if name in ("crystallinity", "logsum", "max") and dtype[0] == "c":
            with pytest.raises(ParameterError, match="take magnitudes first"):
                Driver(data, make_udf(name, REQUIRED[name]))
            return
        for selection in (None, nothing, one):
            udf = make_udf(name, REQUIRED[name])
            for buffer in run_udf(data, udf, selection=selection).values():
                assert buffer.data.dtype == buffer.dtype
                assert buffer.valid_mask.shape == buffer.data.shape

    @pytest.mark.parametrize("name", REQUIRED)
    def test_byte_order_does_not_show(self, name: str) -> None:
        swapped = scan("u2").astype(">u2")

        found = run_udf(swapped, make_udf(name, REQUIRED[name]), cuts=[7])

        expected = run_udf(scan("u2"), make_udf(name, REQUIRED[name]), cuts=[7])
        for key, buffer in expected.items():
            assert np.array_equal(found[key].data, buffer.data, equal_nan=True)
            assert found[key].dtype == buffer.dtype

    @pytest.mark.parametrize("name", REQUIRED)
    def test_a_bad_frame_spoils_no_other(self, name: str) -> None:
        data = scan("f4")
        data[1, 2, 4, 6] = np.nan
        clean = scan("f4")

        found = run_udf(data, make_udf(name, REQUIRED[name]))
        expected = run_udf(clean, make_udf(name, REQUIRED[name]))

        other = np.ones((4, 5), bool)
        other[1, 2] = False
        for key, buffer in expected.items():
            if buffer.kind == "nav" and key not in ("divergence", "curl"):
                assert np.array_equal(found[key].data[other], buffer.data[other])
                assert np.isnan(found[key].data[1, 2]).any()
            elif buffer.kind == "sig" and name != "logsum":  # it needs the frame's minimum
                pixels = np.ones((9, 11), bool)
                pixels[4, 6] = False
                assert np.array_equal(found[key].data[pixels], buffer.data[pixels])

    @pytest.mark.parametrize("name", ["masks", "pick_shifted"])
    @pytest.mark.parametrize("sig", [(99,), (3, 3, 11)])
    def test_shifts_need_rows_and_columns(self, name: str, sig: tuple[int, ...]) -> None:
        parameters = {**REQUIRED[name], "shifts": (1, 1)}

        with pytest.raises(ShapeError, match="shifts need frames of rows"):
            Driver(scan("u2").reshape(4, 5, *sig), make_udf(name, parameters), sig_dims=len(sig))


class TestParameters:
    """What makes no sense is refused at once, by name."""

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [
            ("noop", {"preferred_input_dtype": "rubbish"}),
            ("partition_monitor", {"dtype": "S3"}),
            ("sum", {"dtype": "M8[s]"}),
            ("masks", {"mask_dtype": "text", "mask_factories": MASKS}),
            ("masks", {"preferred_dtype": "nope", "mask_factories": MASKS}),
            ("com", {"cy": np.inf}),
            ("com", {"scan_rotation": np.inf}),
            ("com", {"flip_y": "no"}),
            ("com", {"regression": np.full((3, 2), np.nan)}),
            ("virtual_detector", {"shape": ["disk"]}),
        ],
    )
    def test_refuses(self, name: str, parameters: dict[str, Any]) -> None:
        with pytest.raises(ParameterError, match=next(iter(parameters))):
            make_udf(name, parameters)

    @pytest.mark.parametrize(
        ("factories", "message"),
        [(MASKS[0], "put a single mask in a list"), (lambda: 3, "returned 3; it must return")],
    )
    def test_masks_that_are_none(self, factories: Any, message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            run_udf(scan("u2"), make_udf("masks", {"mask_factories": factories}))
