"""Dot products of frames with dense masks, register-blocked.

Each (frame, mask) pair has its own vector of lanes; pixel p always goes to lane p modulo the
number of lanes by one fused multiply-add, and the lanes are folded as a fixed tree once per
2048 pixels into a float64. So a pair's result depends on that frame and that mask alone, not on
how many others share the call; the register blocks only decide how often values are loaded. LLVM
does not vectorise such a loop by itself, hence vector IR, which it lowers to AVX-512, AVX2 or NEON
as the machine has it.

A pair's lanes fill one register of AVX-512, of which there are 32: blocks of 8 frames x 3 masks, or
4 x 5. They take two of AVX2's 16: there 2 frames x 3 masks are what fits without spilling, and take
40 us a frame of 256x256 uint16 for 16 masks where 8 x 3 take 72 (AMD EPYC, one core).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from framefold.kernels.compiled import HAS_32_WIDE_REGISTERS, kernel

BLOCK = 2048  # pixels between folds: 3 masks x 8 KiB stay in a first-level cache beside the frames
_LANES = {"float32": 16, "float64": 8}  # 64 bytes, one AVX-512 register
_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _const(value: int) -> Any:
    return ir.Constant(_I64, value)


def _address(builder: Any, base: Any, element: Any, itemsize: int) -> Any:
    return builder.add(base, builder.mul(element, _const(itemsize)))


def _load(builder: Any, address: Any, vector: Any, align: int) -> Any:
    return builder.load(builder.inttoptr(address, vector.as_pointer()), align=align)


def _widen(builder: Any, values: Any, pixel: Any, floats: Any, lanes: int) -> Any:
    """A vector of pixels as a vector of floats; every value must be exact in ``floats``."""
    if isinstance(pixel, types.Float):
        return values if values.type == floats else builder.fpext(values, floats)
    if pixel.bitwidth < 32:  # through int32: machines convert that in one instruction
        extend = builder.sext if pixel.signed else builder.zext
        return builder.sitofp(extend(values, ir.VectorType(_I32, lanes)), floats)
    return (builder.sitofp if pixel.signed else builder.uitofp)(values, floats)


def _fold(builder: Any, values: Any, lanes: int) -> Any:
    """The sum of a vector's lanes, halves added to halves."""
    while lanes > 1:
        half = lanes // 2
        index = ir.VectorType(_I32, half)
        low = builder.shuffle_vector(values, values, ir.Constant(index, list(range(half))))
        high = builder.shuffle_vector(values, values, ir.Constant(index, list(range(half, lanes))))
        values, lanes = builder.fadd(low, high), half
    return builder.extract_element(values, ir.Constant(_I32, 0))


def _loop(builder: Any, stop: Any, step: int, carried: list[Any], body: Any) -> list[Any]:
    """``for i in range(0, stop, step): carried = body(i, carried)``; stop must be positive."""
    before = builder.block
    head = builder.append_basic_block("dots.loop")
    after = builder.append_basic_block("dots.done")
    builder.branch(head)
    builder.position_at_end(head)
    i = builder.phi(_I64)
    i.add_incoming(_const(0), before)
    phis = [builder.phi(value.type) for value in carried]
    for phi, value in zip(phis, carried, strict=True):
        phi.add_incoming(value, before)
    values = body(i, phis)
    following = builder.add(i, _const(step))
    i.add_incoming(following, builder.block)
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, stop), head, after)
    builder.position_at_end(after)
    return list(values)


def _emit(
    context: Any, builder: Any, signature: Any, args: Any, n_frames: int, n_masks: int
) -> Any:
    """``out[f0+f, m0+m] += frames[f0+f, p:p+n] . masks[m0+m, q:q+n]``; n % lanes == 0."""
    frames_type, _, _, masks_type, _, _, _, out_type = signature.args
    frames, f0, p, masks, m0, q, n, out = args
    frames = context.make_array(frames_type)(context, builder, frames)
    masks = context.make_array(masks_type)(context, builder, masks)
    out = context.make_array(out_type)(context, builder, out)
    pixel, weight = frames_type.dtype, masks_type.dtype
    lanes = _LANES[str(weight)]
    pixel_ir, weight_ir = context.get_data_type(pixel), context.get_data_type(weight)
    pixels, floats = ir.VectorType(pixel_ir, lanes), ir.VectorType(weight_ir, lanes)
    pixel_bytes, weight_bytes = pixel.bitwidth // 8, weight.bitwidth // 8
    fma = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call] # numba publishes none
        builder.module,
        ir.FunctionType(floats, [floats] * 3),
        f"llvm.fma.v{lanes}f{weight.bitwidth}",
    )

    def starts(array: Any, row: Any, column: Any, rows: int, itemsize: int) -> list[Any]:
        width = cgutils.unpack_tuple(builder, array.shape)[1]  # type: ignore[no-untyped-call]
        base = builder.ptrtoint(array.data, _I64)
        return [
            _address(
                builder,
                base,
                builder.add(builder.mul(builder.add(row, _const(k)), width), column),
                itemsize,
            )
            for k in range(rows)
        ]

    frame_starts = starts(frames, f0, p, n_frames, pixel_bytes)
    mask_starts = starts(masks, m0, q, n_masks, weight_bytes)

    def body(i: Any, sums: list[Any]) -> list[Any]:
        weights = [
            _load(builder, _address(builder, s, i, weight_bytes), floats, weight_bytes)
            for s in mask_starts
        ]
        new = []
        for f, start in enumerate(frame_starts):
            address = _address(builder, start, i, pixel_bytes)
            values = _load(builder, address, pixels, pixel_bytes)
            values = _widen(builder, values, pixel, floats, lanes)
            new += [
                builder.call(fma, [values, weights[m], sums[f * n_masks + m]])
                for m in range(n_masks)
            ]
        return new

    zero = ir.Constant(floats, [0.0] * lanes)
    sums = _loop(builder, n, lanes, [zero] * (n_frames * n_masks), body)
    for f, start in enumerate(starts(out, f0, m0, n_frames, 8)):
        for m in range(n_masks):
            pointer = builder.inttoptr(
                builder.add(start, _const(8 * m)), ir.DoubleType().as_pointer()
            )
            s = _fold(builder, sums[f * n_masks + m], lanes)
            if s.type != ir.DoubleType():
                s = builder.fpext(s, ir.DoubleType())
            builder.store(builder.fadd(builder.load(pointer), s), pointer)
    return context.get_dummy_value()


def _block_kernel(n_frames: int, n_masks: int) -> Any:
    @intrinsic
    def dot(  # numba hands over the types of all arguments, the kernel needs those of the arrays
        typing: Any,  # noqa: ARG001
        frames: Any,
        f0: Any,  # noqa: ARG001
        p: Any,  # noqa: ARG001
        masks: Any,
        m0: Any,  # noqa: ARG001
        q: Any,  # noqa: ARG001
        n: Any,  # noqa: ARG001
        out: Any,
    ) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return _emit(context, builder, signature, args, n_frames, n_masks)

        index = types.int64
        return types.void(frames, index, index, masks, index, index, index, out), emit

    return dot


_dot_2x3 = _block_kernel(2, 3)
_dot_2x2 = _block_kernel(2, 2)
_dot_8x3 = _block_kernel(8, 3)
_dot_8x1 = _block_kernel(8, 1)
_dot_4x5 = _block_kernel(4, 5)
_dot_4x1 = _block_kernel(4, 1)
_dot_1x3 = _block_kernel(1, 3)
_dot_1x1 = _block_kernel(1, 1)


@kernel
def _dot_frames(
    rows: NDArray[Any], first: int, p: int, masks: NDArray[Any], q: int, n: int, out: NDArray[Any]
) -> None:
    """Frames from ``first`` on, one at a time, with all masks over one block of pixels."""
    for f in range(first, rows.shape[0]):
        m = 0
        while m + 3 <= masks.shape[0]:
            _dot_1x3(rows, f, p, masks, m, q, n, out)
            m += 3
        while m < masks.shape[0]:
            _dot_1x1(rows, f, p, masks, m, q, n, out)
            m += 1


@kernel
def _dot_block_of_16(
    rows: NDArray[Any], p: int, masks: NDArray[Any], q: int, n: int, out: NDArray[Any]
) -> None:
    """All frames with all masks over one block of pixels, where there are 16 registers."""
    frames = rows.shape[0]
    count = masks.shape[0]
    f = 0
    if count == 1:
        while f + 4 <= frames:
            _dot_4x1(rows, f, p, masks, 0, q, n, out)
            f += 4
    else:
        pairs = frames - frames % 2
        m = 0
        while m < count:
            left = count - m
            if left == 2 or left == 4:  # rather than a block of one mask
                for f in range(0, pairs, 2):
                    _dot_2x2(rows, f, p, masks, m, q, n, out)
                m += 2
            else:  # the frames pass by three masks that stay in the first-level cache
                for f in range(0, pairs, 2):
                    _dot_2x3(rows, f, p, masks, m, q, n, out)
                m += 3
        f = pairs
    _dot_frames(rows, f, p, masks, q, n, out)


@kernel
def _dot_block_of_32(
    rows: NDArray[Any], p: int, masks: NDArray[Any], q: int, n: int, out: NDArray[Any]
) -> None:
    """The same where there are 32."""
    frames = rows.shape[0]
    count = masks.shape[0]
    f = 0
    while f + 8 <= frames:
        m = 0
        while m + 3 <= count:
            _dot_8x3(rows, f, p, masks, m, q, n, out)
            m += 3
        while m < count:
            _dot_8x1(rows, f, p, masks, m, q, n, out)
            m += 1
        f += 8
    if f + 4 <= frames:
        m = 0
        while m + 5 <= count:
            _dot_4x5(rows, f, p, masks, m, q, n, out)
            m += 5
        while m < count:
            _dot_4x1(rows, f, p, masks, m, q, n, out)
            m += 1
        f += 4
    _dot_frames(rows, f, p, masks, q, n, out)


_dot_block = _dot_block_of_32 if HAS_32_WIDE_REGISTERS else _dot_block_of_16


@kernel
def _dots(
    rows: NDArray[Any], masks: NDArray[Any], lanes: int, tail: NDArray[Any], out: NDArray[Any]
) -> None:
    pixels = rows.shape[1]
    whole = pixels - pixels % lanes
    for start in range(0, whole, BLOCK):
        _dot_block(rows, start, masks, start, min(BLOCK, whole - start), out)
    if whole < pixels:
        _dot_block(tail, 0, masks, whole, lanes, out)


def pad_masks(masks: NDArray[Any], compute: np.dtype[Any]) -> NDArray[Any]:
    """Masks as `dots` wants them: rows of ``compute``, filled up with zeros to whole vectors.

    Parameters
    ----------
    masks : ndarray, shape (m, pixels)
        Real weights.
    compute : numpy.dtype
        float32 or float64.

    Returns
    -------
    ndarray of ``compute``, shape (m, pixels rounded up), C-contiguous, read-only
    """
    lanes = _LANES[compute.name]
    padded = np.zeros((len(masks), -(-masks.shape[1] // lanes) * lanes), compute)
    padded[:, : masks.shape[1]] = masks
    padded.flags.writeable = False
    return padded


def dots(rows: NDArray[Any], masks: NDArray[Any]) -> NDArray[np.float64]:
    """Dot product of every frame with every mask.

    Parameters
    ----------
    rows : ndarray, shape (n, pixels), C-contiguous, read-only
        Frames, as `framefold.kernels.rows.as_rows` gives them, of a dtype the kernels take whose
        values are exact in the masks' dtype.
    masks : ndarray of float32 or float64, shape (m, padded pixels)
        From `pad_masks`.

    Returns
    -------
    ndarray of float64, shape (n, m)
        Blocks of 2048 pixels are summed in the masks' dtype, the blocks in float64.
    """
    out = np.zeros((len(rows), len(masks)), np.float64)
    if rows.size and len(masks):
        lanes = _LANES[masks.dtype.name]
        # the last few pixels go through a buffer of one vector: no load past a frame's end
        rest = rows.shape[1] % lanes
        tail = np.zeros((len(rows), lanes), rows.dtype)
        tail[:, :rest] = rows[:, rows.shape[1] - rest :]
        tail.flags.writeable = False  # the type of rows, so that one compiled block serves both
        _dots(rows, masks, lanes, tail, out)
    return out
