"""Values and rules, numpy only: no I/O, threads or clock."""
