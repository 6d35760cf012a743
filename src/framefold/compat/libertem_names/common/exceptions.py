"""``libertem.common.exceptions``: exceptions."""

from framefold.errors import ExecutorSpecException, UDFException, UDFRunCancelled

__all__ = ["ExecutorSpecException", "UDFException", "UDFRunCancelled"]
