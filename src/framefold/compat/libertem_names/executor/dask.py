"""``libertem.executor.dask``: worker processes under the name of Dask."""

from framefold.compat.executors import DaskJobExecutor, cluster_spec

__all__ = ["DaskJobExecutor", "cluster_spec"]
