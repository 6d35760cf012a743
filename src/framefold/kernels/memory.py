"""Memory: loads, stores and copies at plain addresses, one machine instruction each.

Kernels that walk through compressed bytes take addresses (int64) in place of arrays: numba's
array indexing costs several instructions an access, these cost one. Nothing here checks bounds:
the kernels do, and their tests hold them to it with guard bytes around every buffer.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from framefold.kernels.compiled import instruction, kernel

SLACK = 64
"""Bytes that wide copies may touch behind the end of a buffer that has slack [bytes]."""

_SHUFFLES = {
    "x86_64": "llvm.x86.ssse3.pshuf.b.128",
    "AMD64": "llvm.x86.ssse3.pshuf.b.128",
    "aarch64": "llvm.aarch64.neon.tbl1.v16i8",
    "arm64": "llvm.aarch64.neon.tbl1.v16i8",
}
"""Machine -> its instruction that puts 16 bytes in another order, one every maker's has."""

INT8, INT16, INT32, INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def pointer(builder: Any, address: Any, kind: Any) -> Any:
    """LLVM: an address as a pointer to values of a kind."""
    return builder.inttoptr(address, kind.as_pointer())


def _loading(kind: Any, *, swapped: bool = False) -> Callable[[int], int]:
    """An instruction that loads an unsigned integer, unaligned, widened to int64."""

    def emit(builder: Any, address: Any) -> Any:
        value = builder.load(pointer(builder, address, kind), align=1)
        if swapped:
            value = builder.bswap(value)
        return value if kind.width == 64 else builder.zext(value, INT64)

    return instruction(1, emit, returns=True)  # type: ignore[no-any-return]


def _storing(kind: Any) -> Callable[[int, int], None]:
    """An instruction that stores the low bits of an int64, unaligned."""

    def emit(builder: Any, address: Any, value: Any) -> None:
        low = value if kind.width == 64 else builder.trunc(value, kind)
        builder.store(low, pointer(builder, address, kind), align=1)

    return instruction(2, emit)  # type: ignore[no-any-return]


def _copying(size_bytes: int) -> Callable[[int, int], None]:
    """An instruction that copies a fixed number of bytes: all are read before one is written."""
    vector = ir.VectorType(INT8, size_bytes)

    def emit(builder: Any, target: Any, source: Any) -> None:
        value = builder.load(pointer(builder, source, vector), align=1)
        builder.store(value, pointer(builder, target, vector), align=1)

    return instruction(2, emit)  # type: ignore[no-any-return]


def _swapping(kind: Any) -> Callable[[int], None]:
    """An instruction that reverses the bytes of one integer where it lies."""

    def emit(builder: Any, address: Any) -> None:
        place = pointer(builder, address, kind)
        builder.store(builder.bswap(builder.load(place, align=1)), place, align=1)

    return instruction(1, emit)  # type: ignore[no-any-return]


def _emit_fill(builder: Any, target: Any, pattern: Any) -> None:
    """LLVM: store an eight-byte pattern eight times."""
    vector = ir.VectorType(INT64, 8)
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, pattern, ir.Constant(INT32, 0))
    spread = ir.Constant(ir.VectorType(INT32, 8), [0] * 8)
    value = builder.shuffle_vector(first, nothing, spread)
    builder.store(value, pointer(builder, target, vector), align=1)


def _in_order(builder: Any, values: Any, order: Any) -> Any:
    """LLVM: of 16 bytes those that 16 numbers from 0 to 15 name."""
    name = _SHUFFLES.get(platform.machine())
    if name is not None:
        kind = ir.FunctionType(values.type, [values.type, values.type])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        return builder.call(function, [values, order])
    result = values
    for place in range(16):
        number = builder.extract_element(order, ir.Constant(INT32, place))
        result = builder.insert_element(
            result, builder.extract_element(values, number), ir.Constant(INT32, place)
        )
    return result


def _emit_repeat(builder: Any, target: Any, first: Any, second: Any, order: Any) -> None:
    """LLVM: 32 bytes out of 16 at each of two addresses, in an order; all are read before."""
    vector = ir.VectorType(INT8, 16)
    sixteen = ir.Constant(INT64, 16)
    values = [builder.load(pointer(builder, place, vector), align=1) for place in (first, second)]
    for value, behind in zip(values, (ir.Constant(INT64, 0), sixteen), strict=True):
        numbers = builder.load(pointer(builder, builder.add(order, behind), vector), align=1)
        place = pointer(builder, builder.add(target, behind), vector)
        builder.store(_in_order(builder, value, numbers), place, align=1)


def _emit_any(builder: Any, source: Any) -> Any:
    """LLVM: not zero if one of 256 bytes is not."""
    vector = ir.VectorType(INT64, 8)
    parts = [
        builder.load(
            pointer(builder, builder.add(source, ir.Constant(INT64, start)), vector), align=1
        )
        for start in range(0, 256, 64)
    ]
    both = builder.or_(builder.or_(parts[0], parts[1]), builder.or_(parts[2], parts[3]))
    lanes = builder.icmp_unsigned("!=", both, ir.Constant(vector, [0] * 8))
    return builder.zext(builder.bitcast(lanes, INT8), INT64)


load_u8 = _loading(INT8)
load_u16 = _loading(INT16)  # machine order: LZ4's own on every machine numba is used on
load_u32 = _loading(INT32)
load_u64 = _loading(INT64)
load_u32_big = _loading(INT32, swapped=True)
load_u64_big = _loading(INT64, swapped=True)  # a value from 2**63 on comes out negative
store_u8 = _storing(INT8)
store_u64 = _storing(INT64)
copy_8 = _copying(8)
copy_16 = _copying(16)
copy_32 = _copying(32)
copy_64 = _copying(64)
fill_64: Callable[[int, int], None] = instruction(2, _emit_fill)
repeat_32: Callable[[int, int, int, int], None] = instruction(4, _emit_repeat)
any_256: Callable[[int], int] = instruction(1, _emit_any, returns=True)
_swap_16, _swap_32, _swap_64 = _swapping(INT16), _swapping(INT32), _swapping(INT64)


@kernel
def copy_bytes(target: int, source: int, count: int) -> None:
    """Copy between buffers that do not overlap, not a byte more than asked for."""
    done = 0
    while done + 32 <= count:
        copy_32(target + done, source + done)
        done += 32
    while done < count:
        store_u8(target + done, load_u8(source + done))
        done += 1


@kernel
def clear_bytes(target: int, count: int) -> None:
    """Set bytes to zero, not a byte more than asked for."""
    done = 0
    while done + 64 <= count:
        fill_64(target + done, 0)
        done += 64
    while done < count:
        store_u8(target + done, 0)
        done += 1


@kernel
def swap_bytes(target: int, count: int, unit: int) -> None:
    """Reverse the bytes of each integer where it lies.

    Parameters
    ----------
    target : int
        Address of the first one.
    count : int
        How many bytes in all [bytes]; a multiple of ``unit``.
    unit : int
        Size of one integer: 2, 4 or 8; nothing is done for any other [bytes].
    """
    if unit == 2:
        for place in range(target, target + count, 2):
            _swap_16(place)
    elif unit == 4:
        for place in range(target, target + count, 4):
            _swap_32(place)
    elif unit == 8:
        for place in range(target, target + count, 8):
            _swap_64(place)
