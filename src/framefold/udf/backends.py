"""Names of array libraries a UDF may ask for, and which of them can be had here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NUMPY: Final = "numpy"
CUPY: Final = "cupy"
CUDA: Final = "cuda"
SPARSE_COO: Final = "sparse.COO"
SPARSE_GCXS: Final = "sparse.GCXS"
SPARSE_DOK: Final = "sparse.DOK"
SCIPY_COO: Final = "scipy.sparse.coo_matrix"
SCIPY_CSR: Final = "scipy.sparse.csr_matrix"
SCIPY_CSC: Final = "scipy.sparse.csc_matrix"
SCIPY_COO_ARRAY: Final = "scipy.sparse.coo_array"
SCIPY_CSR_ARRAY: Final = "scipy.sparse.csr_array"
SCIPY_CSC_ARRAY: Final = "scipy.sparse.csc_array"
CUPY_SCIPY_COO: Final = "cupyx.scipy.sparse.coo_matrix"
CUPY_SCIPY_CSR: Final = "cupyx.scipy.sparse.csr_matrix"
CUPY_SCIPY_CSC: Final = "cupyx.scipy.sparse.csc_matrix"

SCIPY_ALL: Final = (
    SCIPY_COO_ARRAY,
    SCIPY_CSC_ARRAY,
    SCIPY_CSR_ARRAY,
    SCIPY_CSR,
    SCIPY_CSC,
    SCIPY_COO,
)
CUPY_SCIPY_ALL: Final = (CUPY_SCIPY_CSR, CUPY_SCIPY_CSC, CUPY_SCIPY_COO)
SPARSE_ALL: Final = (SPARSE_COO, SPARSE_GCXS, SPARSE_DOK)

ALL: Final = (*CUPY_SCIPY_ALL, *SCIPY_ALL, CUPY, NUMPY, SPARSE_COO, SPARSE_GCXS)
"""Every format a UDF without special needs can take, the most welcome one first."""

CPU_BACKENDS: Final = frozenset((NUMPY, *SPARSE_ALL, *SCIPY_ALL))
CUDA_BACKENDS: Final = frozenset((CUPY, CUDA, *CUPY_SCIPY_ALL))
CUPY_BACKENDS: Final = frozenset((CUPY, *CUPY_SCIPY_ALL))
SPARSE_BACKENDS: Final = frozenset((*SPARSE_ALL, *SCIPY_ALL, *CUPY_SCIPY_ALL))
DENSE_BACKENDS: Final = frozenset((NUMPY, CUPY, CUDA))
ND_BACKENDS: Final = frozenset((NUMPY, CUPY, CUDA, *SPARSE_ALL))
D2_BACKENDS: Final = frozenset((*SCIPY_ALL, *CUPY_SCIPY_ALL))
KNOWN: Final = CPU_BACKENDS | CUDA_BACKENDS


def as_names(wanted: str | Iterable[str]) -> tuple[str, ...]:
    """What ``get_backends`` returned, as a tuple: authors may return one name or several."""
    return (wanted,) if isinstance(wanted, str) else tuple(wanted)


def choose(udf: str, wanted: str | Iterable[str]) -> str:
    """The array library that a UDF's frames come in.

    Parameters
    ----------
    udf : str
        Name of the UDF, for the error.
    wanted : str or iterable of str
        What its ``get_backends`` returned.

    Returns
    -------
    str
        ``"numpy"``, the only one that frames are delivered in.

    Raises
    ------
    ValueError
        If one of the names means nothing.
    RuntimeError
        If numpy is not among them.
    """
    names = as_names(wanted)
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise ValueError(
            f"{udf}.get_backends names unknown array backends {unknown}; known: {sorted(KNOWN)}"
        )
    if NUMPY not in names:
        raise RuntimeError(
            f"Could not find backends for remaining UDF {udf}: it takes {list(names)}, "
            f"frames come as {NUMPY!r} only; add UDF.BACKEND_NUMPY in get_backends"
        )
    return NUMPY
