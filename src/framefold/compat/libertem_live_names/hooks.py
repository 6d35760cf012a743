"""``libertem_live.hooks``: Hooks, and what they get."""

from framefold.connections import DetermineNavShapeEnv, Hooks, ReadyForDataEnv

__all__ = ["DetermineNavShapeEnv", "Hooks", "ReadyForDataEnv"]
