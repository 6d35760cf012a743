"""``libertem_live.udf.monitor``: the newest frames while they arrive."""

from framefold.analyses.monitor import PartitionMonitorUDF, SignalMonitorUDF

__all__ = ["PartitionMonitorUDF", "SignalMonitorUDF"]
