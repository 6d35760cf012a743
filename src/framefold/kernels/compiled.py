"""How kernels are compiled: to machine code, kept on disk, without the interpreter lock."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding as llvm
from numba import njit
from numba.core import types
from numba.extending import intrinsic

HAS_32_WIDE_REGISTERS = bool(llvm.get_host_cpu_features().get("avx512bw", False))
"""Whether there are 32 registers of 64 bytes (AVX-512); else 16 of 32 bytes are counted on (AVX2).

It decides how much is done at a time, never what comes out.
"""

HAS_BIT_MATRICES = all(
    llvm.get_host_cpu_features().get(name, False) for name in ("gfni", "avx512bw", "avx512vbmi")
)
"""Whether there is an instruction for products of 8x8 matrices of bits, in 64-byte registers.

It decides which instructions are taken, never what comes out.
"""

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


@cache
def _fingerprint() -> str:
    """Eight letters that change with the source of any module of this package."""
    checksum = 0
    for path in sorted(Path(__file__).parent.glob("*.py")):
        checksum = zlib.crc32(path.read_bytes(), checksum)
    return f"{checksum:08x}"


def _compiled(function: Kernel, **options: bool) -> Kernel:
    # Numba renews what it kept when the file of a kernel changes, but not when only a file that
    # the kernel calls into does: after an upgrade old and new code would be mixed. So the name
    # under which machine code is kept says which state of all the kernels it was made from.
    function.__qualname__ += f"_{_fingerprint()}"
    # error_model "numpy": no hidden branches that would raise ZeroDivisionError
    # the types that some releases of numba publish do not know keywords taken from a mapping
    compiler = cast(Any, njit)(nogil=True, cache=True, error_model="numpy", **options)
    return cast(Kernel, compiler(function))


def kernel(function: Kernel) -> Kernel:
    """Compile a function on its first call; it runs without the interpreter lock.

    The machine code is kept beside the source (or in numba's cache folder where that cannot be
    written), so that only the first process ever pays for compiling.

    Parameters
    ----------
    function : callable
        Plain Python in numba's subset.

    Returns
    -------
    callable
        The same signature, compiled for the argument types of each first call.
    """
    return _compiled(function)


def inlined(function: Kernel) -> Kernel:
    """Like `kernel`, but compiled into each kernel that calls it, without the cost of a call."""
    return _compiled(function, forceinline=True)


def instruction(arguments: int, emit: Callable[..., Any], *, returns: bool = False) -> Any:
    """Make something that kernels can call out of LLVM code, where numba has no words for it.

    Parameters
    ----------
    arguments : int
        How many it takes, 1 to 4; each is an int64.
    emit : callable
        Is given the LLVM builder and the arguments as LLVM values; emits the code, and gives back
        an LLVM value if ``returns``.
    returns : bool
        Whether it gives back an int64.

    Returns
    -------
    callable
        To be called from kernels only.
    """
    signature = (types.int64 if returns else types.void)(*[types.int64] * arguments)

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        result = emit(builder, *values)
        return result if returns else context.get_dummy_value()

    # numba counts the parameters of what it is given
    shapes: dict[int, Callable[..., Any]] = {
        1: lambda _context, _a: (signature, generate),
        2: lambda _context, _a, _b: (signature, generate),
        3: lambda _context, _a, _b, _c: (signature, generate),
        4: lambda _context, _a, _b, _c, _d: (signature, generate),
    }
    return intrinsic(shapes[arguments])
