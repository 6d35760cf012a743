from __future__ import annotations

from framefold.kernels.sums import _fold_integers
from framefold.kernels.warm import warm


class TestWarm:
    """After warming, a first tile compiles nothing."""

    def test_compiles_for_the_dtype(self) -> None:
        warm(["uint16"])

        assert any("uint16" in str(s[0]) for s in _fold_integers.signatures)
