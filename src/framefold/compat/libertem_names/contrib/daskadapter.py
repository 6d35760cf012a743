"""``libertem.contrib.daskadapter``: refused."""

raise ImportError("framefold.compat makes no Dask arrays of data sets; use Context.export_dataset")
