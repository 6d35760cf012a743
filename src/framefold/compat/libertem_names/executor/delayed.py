"""``libertem.executor.delayed``: refused."""

raise ImportError("framefold.compat has no lazy Dask results; use Context.run_udf")
