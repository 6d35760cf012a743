"""``libertem.api``: Context."""

from framefold.api import AsyncRunIterator as ResultAsyncGenerator
from framefold.api import Context
from framefold.api import RunIterator as ResultGenerator

__all__ = ["Context", "ResultAsyncGenerator", "ResultGenerator"]
