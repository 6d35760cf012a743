"""``libertem_live.api``: LiveContext, Hooks."""

from framefold.api import LiveContext
from framefold.connections import Hooks

__all__ = ["Hooks", "LiveContext"]
