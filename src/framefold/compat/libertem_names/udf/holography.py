"""``libertem.udf.holography``: moved, with LiberTEM itself, to a package of its own."""

raise ImportError("holography lives in the package libertem-holo: use libertem_holo.udf")
