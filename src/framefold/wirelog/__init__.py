"""Wire logs: every message of a detector bit for bit, with the times at which it came."""

from framefold.wirelog.reading import Message, WireLog
from framefold.wirelog.writing import LogWriter

__all__ = ["LogWriter", "Message", "WireLog"]
