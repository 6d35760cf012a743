"""Faults at work in one series, as in replays, by the simulators' name."""

from framefold.faults.faulty_series import (
    FaultySeries,
    Reboot,
    Stall,
    Step,
    faulty,
    faulty_images,
)

__all__ = ["FaultySeries", "Reboot", "Stall", "Step", "faulty", "faulty_images"]
