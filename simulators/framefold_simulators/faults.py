"""Faults of simulated detectors: those that replays have, too, by the simulators' name."""

from framefold.faults.faults import CHANCES, MOMENTS, Faults, Order

__all__ = ["CHANCES", "MOMENTS", "Faults", "Order"]
