"""``libertem_live``: the names that scripts for live use import."""
