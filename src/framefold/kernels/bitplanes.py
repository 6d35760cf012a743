"""Bit planes to integers: undoing bitshuffle's transpose of one block.

A block of n integers (n a multiple of 8) of E bytes lies as 8 E planes of n/8 bytes: plane p holds
bit p of every integer, eight integers to a byte, the first in the lowest bit.

The instructions below work on 64 bytes of each plane, that is 512 integers, in vector registers,
in plain LLVM vector code (every machine gets its own instructions from it). For each byte of the
integers, eight planes are eight rows of bits: three rounds of exchanging half-squares transpose
all the 8x8 squares in them at once (H. S. Warren, Hacker's Delight, 2nd ed., section 7-3), after
which row j holds that byte of integers j, 8 + j, 16 + j ... Zipping the rows puts them in order.
Pixels are small numbers: planes of zeros at the high end are looked for and cost nothing after.

More than eight planes of 64 bytes are more than the 16 registers of 32 bytes of most machines hold.
There rows have 32 bytes, done twice, and what is in order within 16 bytes is stored without being
brought together: 14 -> 17 GB/s for 16 planes, 13 -> 16 GB/s for 32 (AMD EPYC, AVX2, one core).

Machines with GFNI multiply matrices of 8x8 bits by one instruction, and its right factor 1 is a
transpose of the left one (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
GF2P8AFFINEQB). There the rows are zipped first, so that the eight bytes of a square lie together,
and come out in order: up to 16 planes take half the instructions (bslz4 of dense uint16 as a whole
8.5 -> 9.9 GB/s, AMD EPYC, AVX-512, one core).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir

from framefold.kernels.compiled import (
    HAS_32_WIDE_REGISTERS,
    HAS_BIT_MATRICES,
    instruction,
    kernel,
)
from framefold.kernels.memory import (
    INT32,
    INT64,
    any_256,
    clear_bytes,
    copy_bytes,
    load_u8,
    pointer,
    store_u8,
)

STEP = 64
"""Bytes of each plane that are done at a time [bytes]."""

WORKSPACE = 8 * 4 * STEP
"""Room that `restore_integers` needs for what it may not yet write [bytes]."""

_Rows = list[Any]  # LLVM vectors of 64 or 32 bytes; None is a row known to be zero
_Orders = list[list[int]]


def _vector(bits: int, row_bytes: int = STEP) -> Any:
    return ir.VectorType(ir.IntType(bits), 8 * row_bytes // bits)


def _transpose_squares(builder: Any, rows: _Rows, row_bytes: int) -> _Rows:
    """LLVM: transpose the 8x8 squares of bits in eight rows; the first few are given."""
    rows = list(rows)
    vector = _vector(64, row_bytes)
    for distance, half in ((1, 0x55), (2, 0x33), (4, 0x0F)):
        mask = ir.Constant(vector, [half * 0x0101010101010101] * vector.count)
        shift = ir.Constant(vector, [distance] * vector.count)
        for low in range(8):
            high = low + distance
            if low & distance or rows[low] is None:  # then the other one is None, too
                continue
            shifted = builder.lshr(rows[low], shift)
            if rows[high] is None:
                rows[high] = builder.and_(shifted, mask)
                rows[low] = builder.and_(rows[low], mask)
            else:
                exchanged = builder.and_(builder.xor(shifted, rows[high]), mask)
                rows[high] = builder.xor(rows[high], exchanged)
                rows[low] = builder.xor(rows[low], builder.shl(exchanged, shift))
    return rows


def _merged(
    builder: Any, left: Any, right: Any, unit_bytes: int, orders: _Orders, row_bytes: int
) -> _Rows:
    """LLVM: two new rows, each picked by an order from the units of both old ones."""
    if left is right is None:
        return [None, None]
    kind = _vector(8 * unit_bytes, row_bytes)
    zero = ir.Constant(kind, [0] * kind.count)
    a, b = (zero if row is None else builder.bitcast(row, kind) for row in (left, right))
    indices = ir.VectorType(INT32, kind.count)
    return [
        builder.bitcast(
            builder.shuffle_vector(a, b, ir.Constant(indices, order)), _vector(64, row_bytes)
        )
        for order in orders
    ]


def _within_lanes(unit_bytes: int, row_bytes: int) -> _Orders:
    """How two rows are zipped within lanes of 16 bytes, as machines do at once (``punpck``)."""
    units = row_bytes // unit_bytes
    lane = 16 // unit_bytes
    chosen: _Orders = []
    for half in (0, lane // 2):
        picked = [start + half + i for start in range(0, units, lane) for i in range(lane // 2)]
        chosen.append([unit + side for unit in picked for side in (0, units)])
    return chosen


def _orders(unit_bytes: int, stages_left: int) -> _Orders:
    """How two rows of 64 bytes are zipped: the units that go into each of the two new rows.

    All stages but the last two zip within lanes. The last two also bring the lanes in order: first
    the upper and lower half of the rows part, in an order that 32-byte machines find convenient
    too, then their halves.
    """
    if stages_left > 2:
        return _within_lanes(unit_bytes, STEP)
    units = STEP // unit_bytes
    lane = units // 4
    half = max(lane // 2, 1)
    chosen: _Orders = []
    for part in (0, 1):
        if stages_left == 2:
            starts = [(2 * part + low) * lane + top * half for top in (0, 1) for low in (0, 1)]
            picked = [start + i for start in starts for i in range(half)]
        else:
            picked = [(2 * top + part) * lane + i for top in (0, 1) for i in range(lane)]
        chosen.append([unit + side for unit in picked for side in (0, units)])
    return chosen


def _ordered(
    builder: Any, rows: _Rows, bits: list[int], unit_bytes: int = 1, number: int = 0
) -> Iterator[tuple[int, Any]]:
    """LLVM: zip 8, 16 or 32 rows until byte k of row q is byte ``k * len(rows) + q`` of them all.

    Each stage moves one of the ``bits`` of k into the number of the row. One half is finished
    before the other is begun: a machine has 32 registers at best.
    """
    if not bits:
        yield number, rows[0]
        return
    orders = _orders(unit_bytes, len(bits))
    pairs = [
        _merged(builder, first, second, unit_bytes, orders, STEP)
        for first, second in zip(rows[0::2], rows[1::2], strict=True)
    ]
    for part in (0, 1):
        half = [pair[part] for pair in pairs]
        yield from _ordered(builder, half, bits[1:], 2 * unit_bytes, number | part << bits[0])


def _ordered_within_lanes(
    builder: Any, rows: _Rows, row_bytes: int, unit_bytes: int = 1, byte: int = 0
) -> Iterator[tuple[int, _Rows]]:
    """LLVM: zip 16 or 32 rows within lanes; byte k of each lane, and the rows with its integers.

    One row has the integers of byte k whole; of two, each has one half of them.
    """
    if unit_bytes == 16:
        yield byte, rows
        return
    orders = _within_lanes(unit_bytes, row_bytes)
    pairs = [
        _merged(builder, first, second, unit_bytes, orders, row_bytes)
        for first, second in zip(rows[0::2], rows[1::2], strict=True)
    ]
    for part in (0, 1):
        half = [pair[part] for pair in pairs]
        place = byte + part * (8 // unit_bytes)
        yield from _ordered_within_lanes(builder, half, row_bytes, 2 * unit_bytes, place)


def _store_widened(
    builder: Any, address: Any, row: Any, number: int, narrow: int, wide: int
) -> None:
    """LLVM: store one of several rows of integers of ``narrow`` bytes as wider ones."""
    kind = ir.VectorType(ir.IntType(8 * wide), STEP // narrow)
    value = builder.bitcast(row, _vector(8 * narrow))
    if narrow < wide:
        value = builder.zext(value, kind)
    place = builder.add(address, ir.Constant(INT64, number * STEP * wide // narrow))
    builder.store(value, pointer(builder, place, kind), align=1)


def _store_lane(
    builder: Any, address: Any, parts: _Rows, lane: int, narrow: int, wide: int
) -> None:
    """LLVM: store one lane of rows of 32 bytes, integers of ``narrow`` bytes, as wider ones."""
    kind = _vector(8 * narrow, STEP // 2)
    count = 16 // narrow
    order = ir.Constant(
        ir.VectorType(INT32, count), list(range(lane * count, lane * count + count))
    )
    for number, row in enumerate(parts):
        integers = builder.bitcast(row, kind)
        value = builder.shuffle_vector(integers, integers, order)
        if narrow < wide:
            value = builder.zext(value, ir.VectorType(ir.IntType(8 * wide), count))
        place = builder.add(address, ir.Constant(INT64, number * count * wide))
        builder.store(value, pointer(builder, place, value.type), align=1)


def _spread(narrow: int) -> list[int]:
    """The order of the 64 bytes of a plane in which zipping within lanes leaves integers in order.

    Zipping eight rows brings bytes 2 k and 2 k + 1 of each lane into row k; where integers have two
    bytes, their low and high halves are zipped once more.
    """
    lanes, rows, sides = range(4), range(8), range(2)
    if narrow == 1:
        return [8 * k + 2 * lane + side for lane in lanes for k in rows for side in sides]
    return [8 * k + 4 * side + lane for lane in lanes for k in rows for side in sides]


def _zipped(builder: Any, rows: _Rows, unit_bytes: int = 1) -> Iterator[Any]:
    """LLVM: zip 8 rows of 64 bytes within lanes, until each has 8 bytes of all of them."""
    if len(rows) == 1:
        yield rows[0]
        return
    orders = _within_lanes(unit_bytes, STEP)
    pairs = [
        _merged(builder, first, second, unit_bytes, orders, STEP)
        for first, second in zip(rows[0::2], rows[1::2], strict=True)
    ]
    for part in (0, 1):
        yield from _zipped(builder, [pair[part] for pair in pairs], 2 * unit_bytes)


def _as_bit_matrices(builder: Any, squares: Any) -> Any:
    """LLVM: transpose 8x8 squares of bits, eight bytes each, the last row first."""
    if squares is None:
        return None
    kind = _vector(8)
    name = "llvm.x86.vgf2p8affineqb.512"
    signature = ir.FunctionType(kind, [kind, kind, ir.IntType(8)])
    multiply = builder.module.globals.get(name) or ir.Function(builder.module, signature, name)
    one = ir.Constant(kind, [1 << place % 8 for place in range(STEP)])
    matrices = builder.bitcast(squares, kind)
    product = builder.call(multiply, [one, matrices, ir.Constant(ir.IntType(8), 0)])
    return builder.bitcast(product, _vector(64))


def _restoring(size: int, planes: int) -> Callable[[int, int, int], None]:
    """An instruction that makes 512 integers of ``size`` bytes (1, 2, 4) from their low planes.

    Its arguments: address of 64 bytes of plane 0, distance of the planes, address of the integers
    [bytes]. Planes from ``planes`` on are taken to be zero and not read.
    """
    narrow = next(n for n in (1, 2, 4) if planes <= 8 * n)

    def rows_at(builder: Any, source: Any, stride: Any, row_bytes: int) -> _Rows:
        """LLVM: row j of byte b of the integers, as row ``j * narrow + b``."""
        rows: _Rows = [None] * (8 * narrow)
        for plane in range(planes):
            start = builder.add(source, builder.mul(stride, ir.Constant(INT64, plane)))
            vector = _vector(64, row_bytes)
            rows[plane] = builder.load(pointer(builder, start, vector), align=1)
        bytewise = [
            _transpose_squares(builder, rows[8 * byte : 8 * byte + 8], row_bytes)
            for byte in range(narrow)
        ]
        return [bytewise[byte][row] for row in range(8) for byte in range(narrow)]

    def emit(builder: Any, source: Any, stride: Any, target: Any) -> None:
        rows = rows_at(builder, source, stride, STEP)
        rows_bits = len(rows).bit_length() - 1
        # zips within lanes take bits 3, 2 and 1 of k as needed, the last two stages bits 5 and 4
        bits = [*[3, 2, 1][: rows_bits - 2], 5, 4]
        lowest = 6 - rows_bits
        for number, row in _ordered(builder, rows, bits):
            _store_widened(builder, target, row, number >> lowest, narrow, size)

    def emit_twice(builder: Any, source: Any, stride: Any, target: Any) -> None:
        for first in range(0, STEP, STEP // 2):
            start = builder.add(source, ir.Constant(INT64, first))
            rows = rows_at(builder, start, stride, STEP // 2)
            for byte, parts in _ordered_within_lanes(builder, rows, STEP // 2):
                for lane in range(STEP // 2 // 16):
                    integers = 8 * (first + 16 * lane + byte)
                    place = builder.add(target, ir.Constant(INT64, integers * size))
                    _store_lane(builder, place, parts, lane, narrow, size)

    def emit_matrices(builder: Any, source: Any, stride: Any, target: Any) -> None:
        spread = ir.Constant(ir.VectorType(INT32, STEP), _spread(narrow))
        kind = _vector(8)

        def row(plane: int) -> Any:
            if plane >= planes:
                return None
            start = builder.add(source, builder.mul(stride, ir.Constant(INT64, plane)))
            loaded = builder.load(pointer(builder, start, kind), align=1)
            return builder.bitcast(builder.shuffle_vector(loaded, loaded, spread), _vector(64))

        bytewise = [
            _zipped(builder, [row(8 * byte + 7 - place) for place in range(8)])
            for byte in range(narrow)
        ]
        number = 0
        for squares in zip(*bytewise, strict=True):
            parts = [_as_bit_matrices(builder, one) for one in squares]
            if narrow == 2:
                low, high = parts
                parts = _merged(builder, low, high, 1, _within_lanes(1, STEP), STEP)
            for part in parts:
                _store_widened(builder, target, part, number, narrow, size)
                number += 1

    if HAS_BIT_MATRICES and narrow <= 2:
        return instruction(3, emit_matrices)  # type: ignore[no-any-return]
    narrow_rows = planes > 8 and not HAS_32_WIDE_REGISTERS
    return instruction(3, emit_twice if narrow_rows else emit)  # type: ignore[no-any-return]


_restore_8_low_4, _restore_8 = _restoring(1, 4), _restoring(1, 8)
_restore_16_low_4, _restore_16_low_8 = _restoring(2, 4), _restoring(2, 8)
_restore_16_low_12, _restore_16 = _restoring(2, 12), _restoring(2, 16)
_restore_32_low_8, _restore_32_low_16, _restore_32 = (_restoring(4, n) for n in (8, 16, 32))


@kernel
def planes_in_use(source: int, stride: int, planes: int) -> int:
    """How many low planes hold all bits that are set, rounded up to a multiple of four.

    Parameters
    ----------
    source : int
        Address of plane 0.
    stride : int
        Size of a plane [bytes].
    planes : int
        How many planes there are, a multiple of four.
    """
    while planes > 0:
        place = source + (planes - 4) * stride
        end = source + planes * stride
        while place + 256 <= end:
            if any_256(place) != 0:
                return planes
            place += 256
        while place < end:
            if load_u8(place) != 0:
                return planes
            place += 1
        planes -= 4
    return 0


@kernel
def _restore_step(source: int, stride: int, size: int, used: int, target: int) -> None:
    """512 integers of 1, 2 or 4 bytes by the cheapest instruction that covers the used planes."""
    if size == 2:
        if used <= 4:
            _restore_16_low_4(source, stride, target)
        elif used <= 8:
            _restore_16_low_8(source, stride, target)
        elif used <= 12:
            _restore_16_low_12(source, stride, target)
        else:
            _restore_16(source, stride, target)
    elif size == 4:
        if used <= 8:
            _restore_32_low_8(source, stride, target)
        elif used <= 16:
            _restore_32_low_16(source, stride, target)
        else:
            _restore_32(source, stride, target)
    elif used <= 4:
        _restore_8_low_4(source, stride, target)
    else:
        _restore_8(source, stride, target)


@kernel
def _restore_bytewise(
    source: int, stride: int, first: int, count: int, size: int, target: int, workspace: int
) -> None:
    """Integers ``8 * first`` and on, of any size, one of their bytes after the other."""
    for byte in range(size):
        _restore_8(source + 8 * byte * stride + first, stride, workspace)
        place = target + 8 * first * size + byte
        for number in range(8 * count):
            store_u8(place + number * size, load_u8(workspace + number))


@kernel
def restore_integers(source: int, count: int, size: int, target: int, workspace: int) -> None:
    """Undo bitshuffle's transpose of one block.

    Parameters
    ----------
    source : int
        Address of ``8 * size`` planes of ``count / 8`` bytes; up to `SLACK` bytes behind them are
        read as well (their values do not matter).
    count : int
        How many integers, a multiple of 8.
    size : int
        Bytes of an integer, any number from 1; 1, 2 and 4 are fast.
    target : int
        Address for ``count * size`` bytes; nothing else is written.
    workspace : int
        Address of `WORKSPACE` bytes.
    """
    stride = count // 8
    fast = size in (1, 2, 4)
    used = planes_in_use(source, stride, 8 * size)
    if used == 0:
        clear_bytes(target, count * size)
        return
    first = 0
    while first + STEP <= stride:
        if fast:
            _restore_step(source + first, stride, size, used, target + 8 * first * size)
        else:
            _restore_bytewise(source, stride, first, STEP, size, target, workspace)
        first += STEP
    rest = stride - first
    if rest == 0:
        return
    if not fast:
        _restore_bytewise(source, stride, first, rest, size, target, workspace)
    elif stride >= STEP:
        # once more over some that are done already: cheaper than a special case
        first = stride - STEP
        _restore_step(source + first, stride, size, used, target + 8 * first * size)
    else:
        _restore_step(source, stride, size, used, workspace)
        copy_bytes(target, workspace, count * size)
