"""``libertem.common.sparse``: sparse and dense arrays."""

from framefold.compat.sparse_arrays import is_sparse, to_dense, to_sparse

__all__ = ["is_sparse", "to_dense", "to_sparse"]
