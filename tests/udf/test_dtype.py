"""One pixel type for all UDFs of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.udf import UDF, check_cast
from framefold.udf.dtype import negotiate

NATIVE = UDF.USE_NATIVE_DTYPE


@pytest.mark.parametrize(
    ("recorded", "wishes", "expected"),
    [
        ("u1", [np.float32], "f4"),
        ("u2", [np.float32], "f4"),
        ("u4", [np.float32], "f8"),
        ("i8", ["float32"], "f8"),
        ("f8", [np.float32], "f8"),
        ("c8", [np.float32], "c8"),
        ("u2", [NATIVE], "u2"),
        ("u1", [NATIVE, np.uint16], "u2"),
        ("u2", [NATIVE, np.float32], "f4"),
        (bool, [NATIVE], bool),
        (">u2", [NATIVE], "=u2"),
        (">f4", [np.float32], "=f4"),
    ],
)
def test_negotiation(recorded: Any, wishes: list[Any], expected: Any) -> None:
    agreed = negotiate(recorded, wishes)

    assert agreed == np.dtype(expected)
    assert agreed.isnative


def test_check_cast() -> None:
    check_cast(np.zeros(1, np.float32), np.zeros(1, np.float64))
    check_cast("u2", np.float32)
    with pytest.raises(TypeError, match="Unsafe automatic casting from float64 to float32"):
        check_cast(np.zeros(1), np.zeros(1, np.float32))
