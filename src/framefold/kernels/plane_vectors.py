"""Vectors of 64 bytes of a plane: what instructions on bit planes have in common."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from framefold.kernels.memory import INT64, pointer

STEP = 64
"""Bytes of a plane that are done at a time [bytes]."""

VECTOR = ir.VectorType(INT64, STEP // 8)
"""LLVM: the type of these."""


def _at(builder: Any, address: Any, more: int = 0) -> Any:
    place = builder.add(address, ir.Constant(INT64, more)) if more else address
    return pointer(builder, place, VECTOR)


def load(builder: Any, address: Any, more: int = 0) -> Any:
    """LLVM: 64 bytes, so many behind an address."""
    return builder.load(_at(builder, address, more), align=1)


def store(builder: Any, value: Any, address: Any, more: int = 0) -> None:
    """LLVM: put 64 bytes so many behind an address."""
    builder.store(value, _at(builder, address, more), align=1)
