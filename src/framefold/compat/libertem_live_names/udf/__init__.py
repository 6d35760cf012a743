"""``libertem_live.udf``: UDFs to watch what comes in."""
