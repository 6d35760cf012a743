"""``libertem.viz.bqp``: refused."""

raise ImportError("framefold.compat has no bqplot plots; use libertem.viz.mpl")
