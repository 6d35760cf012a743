"""``libertem.viz.gms``: refused."""

raise ImportError("framefold.compat has no GMS plots; use libertem.viz.mpl")
