"""The log of requests that aiohttp refuses before they are any: by whom, never what was in them."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError


class WithoutContent(logging.Filter):
    """Takes quotations of requests out of records; a line that is quoted may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass, with the kind of error in the place of its text."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.msg = f"{record.msg} kind=%s"
            record.args = (*_several(record.args), type(error).__name__)
            record.exc_info = record.exc_text = None
        return True


def _several(args: object) -> tuple[object, ...]:
    return args if isinstance(args, tuple) else ()


log = logging.getLogger(__name__)
log.addFilter(WithoutContent())
