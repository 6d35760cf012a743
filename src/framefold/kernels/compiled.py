"""How kernels are compiled: to machine code, kept on disk, without the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import types
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compile a function on its first call; it runs without the interpreter lock.

    The machine code is kept beside the source (or in numba's cache folder where that cannot be
    written), so that only the first process ever pays for compiling. Numba renews it when the
    file of the *outermost* kernel changes, not when a kernel or an instruction that it calls
    does: after editing one of those, touch the callers or remove ``__pycache__``.

    Parameters
    ----------
    function : callable
        Plain Python in numba's subset.

    Returns
    -------
    callable
        The same signature, compiled for the argument types of each first call.
    """
    # error_model "numpy": no hidden branches that would raise ZeroDivisionError
    return cast(Kernel, njit(nogil=True, cache=True, error_model="numpy")(function))


def inlined(function: Kernel) -> Kernel:
    """Compile a function into each kernel that calls it, without the cost of a call."""
    options = {"nogil": True, "cache": True, "error_model": "numpy", "forceinline": True}
    return cast(Kernel, njit(**options)(function))


def instruction(arguments: int, emit: Callable[..., Any], *, returns: bool = False) -> Any:
    """Make something that kernels can call out of LLVM code, where numba has no words for it.

    Parameters
    ----------
    arguments : int
        How many it takes, 1 to 3; each is an int64.
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
    }
    return intrinsic(shapes[arguments])
