"""Kernels are kept on disk under the state of the sources they were made from."""

from __future__ import annotations

import importlib.util

import pytest

from framefold.kernels import compiled
from framefold.kernels.compiled import instruction, kernel

SOURCE = """
from framefold.kernels.compiled import inlined, kernel

@inlined
def twice(value: int) -> int:
    return 2 * value

@kernel
def four_times(value: int) -> int:
    return twice(twice(value))
"""


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "some_kernels.py"
    path.write_text(SOURCE)

    def load():
        spec = importlib.util.spec_from_file_location("some_kernels", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


class TestKernel:
    def test_computes_and_is_kept(self, load, tmp_path):
        assert load().four_times(5) == 20
        kept = list(tmp_path.rglob("*four_times*.nbi"))

        assert load().four_times(6) == 24
        assert len(kept) == 1
        assert list(tmp_path.rglob("*four_times*.nbi")) == kept

    def test_other_sources_are_kept_apart(self, load, tmp_path, monkeypatch):
        """Machine code made from older kernels is never called by newer ones."""
        load().four_times(5)
        monkeypatch.setattr(compiled, "_fingerprint", lambda: "00000000")

        load().four_times(5)

        assert len(list(tmp_path.rglob("*four_times*.nbi"))) == 2


class TestInstruction:
    def test_takes_up_to_three_arguments(self):
        negative = instruction(1, lambda builder, a: builder.neg(a), returns=True)
        product = instruction(2, lambda builder, a, b: builder.mul(a, b), returns=True)
        total = instruction(3, lambda b, x, y, z: b.add(b.add(x, y), z), returns=True)

        @kernel
        def combined(a, b, c):
            return total(negative(a), product(a, b), c)

        assert combined(2, 5, 100) == 108
