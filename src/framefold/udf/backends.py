"""Names of array libraries a UDF may ask for, and which of them can be had here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

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


def available() -> frozenset[str]:
    """Formats that frames can be had in here: sparse ones need the package sparseconverter."""
    return CPU_BACKENDS if find_spec("sparseconverter") else frozenset((NUMPY,))


def plan(
    wishes: Sequence[tuple[str, str | Iterable[str]]],
    delivered: Sequence[str] = (NUMPY,),
    restricted: str | Iterable[str] | None = None,
) -> tuple[str, ...]:
    """The format that each UDF of a run gets its frames in.

    Formats that the data come in are preferred; then sparse ones if the data are sparse; then
    dense ones if they are dense; then whatever a UDF takes. Of several the one that serves most
    UDFs is taken first, and of those that serve as many, the one that comes first in the data
    set's list, or that UDFs name first.

    Parameters
    ----------
    wishes : sequence of (str, str or iterable of str)
        Name of each UDF, and what its ``get_backends`` returned.
    delivered : sequence of str
        What the data set delivers, the cheapest first.
    restricted : str or iterable of str, optional
        What the user allows; None for everything.

    Returns
    -------
    tuple of str
        One for each UDF.

    Raises
    ------
    ValueError
        If a name means nothing.
    RuntimeError
        If nothing that a UDF takes can be had.
    """
    usable = available()
    if restricted is not None:
        usable &= _known("backends=", as_names(restricted))
    lists = [as_names(wanted) for _, wanted in wishes]
    for (udf, _), names in zip(wishes, lists, strict=True):
        _known(f"{udf}.get_backends", names)
    _known("the data set", delivered)
    chosen: dict[int, str] = {}
    for formats, by_data in _preferences(delivered):
        _serve(lists, [f for f in formats if f in usable], chosen, by_data=by_data)
    for i, (udf, _) in enumerate(wishes):
        if i not in chosen:
            raise RuntimeError(_unserved(udf, lists[i], usable))
    return tuple(chosen[i] for i in range(len(lists)))


def _preferences(delivered: Sequence[str]) -> Iterator[tuple[Sequence[str], bool]]:
    """Groups of formats, the best first, and whether their order is the data set's."""
    yield delivered, True
    if SPARSE_BACKENDS.intersection(delivered):
        yield sorted(SPARSE_BACKENDS), False
    if DENSE_BACKENDS.intersection(delivered):
        yield sorted(DENSE_BACKENDS), False
    yield sorted(KNOWN), False


def _serve(
    lists: Sequence[tuple[str, ...]],
    formats: Sequence[str],
    chosen: dict[int, str],
    *,
    by_data: bool,
) -> None:
    """Give formats to UDFs that have none yet, those that serve most of them first."""
    while True:
        waiting = [i for i in range(len(lists)) if i not in chosen]
        served = {f: [i for i in waiting if f in lists[i]] for f in formats}
        useful = [f for f in formats if served[f]]
        if not useful:
            return

        def rank(name: str, served: dict[str, list[int]] = served) -> tuple[float, float]:
            aversion = sum(lists[i].index(name) / len(lists[i]) for i in served[name])
            return -len(served[name]), formats.index(name) if by_data else aversion

        best = min(useful, key=rank)
        chosen.update(dict.fromkeys(served[best], best))


def _known(who: str, names: Iterable[str]) -> frozenset[str]:
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise ValueError(f"{who} names unknown array backends {unknown}; known: {sorted(KNOWN)}")
    return frozenset(names)


def _unserved(udf: str, names: Sequence[str], usable: frozenset[str]) -> str:
    text = (
        f"Could not find backends for remaining UDF {udf}: it takes {list(names)}, "
        f"frames can come as {sorted(usable)}; add UDF.BACKEND_NUMPY in get_backends"
    )
    if CPU_BACKENDS.intersection(names) and not find_spec("sparseconverter"):
        text += ", or install the package sparseconverter"
    if CUDA_BACKENDS.issuperset(names):
        text += "; there is no computing on GPUs here"
    return text


def result_type(dtype: DTypeLike, formats: Iterable[str]) -> np.dtype[Any]:
    """The smallest type not narrower than one that all formats can hold.

    Parameters
    ----------
    dtype : dtype-like
        Type of the pixels.
    formats : iterable of str
        Formats in use.
    """
    sparse = [name for name in formats if name in SPARSE_BACKENDS]
    if not sparse:
        return np.dtype(dtype)
    # an optional package: whoever has sparse formats has it, `plan` saw to that
    import sparseconverter  # type: ignore[import-untyped,unused-ignore]

    wide: np.dtype[Any] = np.dtype(sparseconverter.result_type(np.dtype(dtype), *sparse))
    return wide


def converted(tile: NDArray[Any], name: str) -> Any:
    """A dense tile in another format.

    Parameters
    ----------
    tile : ndarray, shape (depth,) + sig part
        Some frames.
    name : str
        The format; those with two axes get shape (depth, pixels).
    """
    # an optional package: whoever has sparse formats has it, `plan` saw to that
    import sparseconverter

    flat = tile.reshape(len(tile), -1) if name in D2_BACKENDS and len(tile) else tile
    return sparseconverter.for_backend(flat, name)


def frames_of(tile: Any, name: str) -> Iterator[Any]:
    """The frames of a tile in its own format.

    Parameters
    ----------
    tile : array
        Some frames.
    name : str
        Their format; of those with two axes, each frame has shape (1, pixels).
    """
    if name not in D2_BACKENDS:
        for i in range(tile.shape[0]):
            yield tile[i]
        return
    kind, rows = type(tile), tile.tocsr()
    for i in range(tile.shape[0]):
        yield kind(rows[i : i + 1])
