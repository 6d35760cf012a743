"""How far apart positions and pixels are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.errors import ParameterError
from framefold.representations.calibration import Calibration, Step, axes


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("0.5nm", Step(0.5, 0.5, "nm")),
        ("0.5, 0.25 nm", Step(0.5, 0.25, "nm")),
        ("5e-3 1/nm", None),
        ("2 Å", Step(2, 2, "Å")),
        ("1E-9m", Step(1e-9, 1e-9, "m")),
        ("nm", None),
        ("0.5", None),
        ("0nm", None),
        ("-1nm", None),
        ("1..2nm", None),
    ],
)
def test_is_read(said, step):
    if step is None:
        with pytest.raises(ParameterError):
            Step.parsed(said)
    else:
        assert Step.parsed(said) == step


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12), st.sampled_from(["nm", "mrad", "µm"]))
def test_what_is_printed_is_read_again(slow, fast, unit):
    step = Step(slow, fast, unit)

    assert Step.parsed(str(step)) == step


class TestKnown:
    """What the user says wins over what the recording says."""

    @pytest.mark.parametrize(
        ("metadata", "scan", "detector"),
        [
            ({}, None, None),
            ({"step_x_nm": 2.0, "step_y_nm": 3}, Step(3, 2, "nm"), None),
            ({"mrad_per_pixel": [1.5, 2.5]}, None, Step(1.5, 2.5, "mrad")),
            ({"a/y_pixel_size": 1.0, "a/x_pixel_size": 2.0}, None, Step(1, 2, "m")),
            ({"step_x_nm": 0, "step_y_nm": 3, 3: "x"}, None, None),
            ({"mrad_per_pixel": "1.5"}, None, None),
        ],
    )
    def test_by_the_recording(self, metadata, scan, detector):
        found = Calibration.of(metadata)

        assert (found.scan, found.detector) == (scan, detector)
        assert set(found.sources) == {
            name for name, step in (("scan", scan), ("detector", detector)) if step
        }

    def test_by_the_user(self):
        found = Calibration.of({"step_x_nm": 2.0, "step_y_nm": 3}, scan=Step(1, 1, "nm"))

        assert found.scan == Step(1, 1, "nm")
        assert found.sources == {"scan": "told by the user"}


def test_only_the_last_two_axes_are_calibrated():
    made = axes("scan", (2, 3, 4), Step(0.5, 0.25, "nm"))

    assert [axis.unit for axis in made] == ["px", "nm", "nm"]
    assert made[1].values.tolist() == [0, 0.5, 1]
    assert made[2].values.tolist() == [0, 0.25, 0.5, 0.75]
    assert [axis.name for axis in made] == ["scan_0", "scan_1", "scan_2"]
