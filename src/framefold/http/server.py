"""The server: an application at an address, until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from framefold.errors import ConfigError
from framefold.http import refused_requests

log = logging.getLogger(__name__)

# answers under way get this long when the server stops [s]
_SHUTDOWN_TIMEOUT = 2.0


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application as long as the context lasts.

    Parameters
    ----------
    app : Application
        What to serve.
    host : str
        Name or address to listen at.
    port : int
        Port, or 0 for any that is free.

    Yields
    ------
    str
        The URL that people open, with the port really used.

    Raises
    ------
    ConfigError
        If the address cannot be had: the port is in use, reserved, or the host is not this
        machine's.
    """
    # A client that goes away takes its handler with it, and whatever that waits for.
    # There is no access log: a query string may hold what is nobody's business.
    runner = web.AppRunner(
        app,
        handle_signals=False,
        handler_cancellation=True,
        access_log=None,
        logger=refused_requests.log,
        shutdown_timeout=_SHUTDOWN_TIMEOUT,
        auto_decompress=False,  # a body of a few bytes could become millions
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except (OSError, OverflowError) as error:
            raise _refusal(host, port, error) from error
        real_port = runner.addresses[0][1] if runner.addresses else port
        url = f"http://{_in_url(host)}:{real_port}/"
        log.info("serving url=%s", url)
        yield url
    finally:
        await runner.cleanup()


async def serve(
    app: web.Application,
    host: str,
    port: int,
    *,
    stop: asyncio.Event | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve an application until told to stop, or cancelled.

    Parameters
    ----------
    app, host, port
        As in `serving`.
    stop : asyncio.Event, optional
        Set it to stop.
    ready : callable, optional
        Called with the URL once requests are answered.

    Raises
    ------
    ConfigError
        As `serving`.
    """
    async with serving(app, host, port) as url:
        if ready is not None:
            ready(url)
        await (stop or asyncio.Event()).wait()


def _in_url(host: str) -> str:
    bare = host.strip("[]")
    if bare in ("", "0.0.0.0", "::"):  # noqa: S104 - recognised here, never chosen here
        return "localhost"
    return f"[{bare}]" if ":" in bare else bare


def _refusal(host: str, port: int, error: OSError | OverflowError) -> ConfigError:
    """Why an address cannot be had, and what to do."""
    if isinstance(error, OverflowError):
        return ConfigError(f"port {port} does not exist; ports are 0 to 65535")
    if isinstance(error, socket.gaierror):
        return ConfigError(f"host {host!r} is unknown; use 127.0.0.1 or an address of this machine")
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"port {port} at {host} is in use by another program; "
            "stop that one, or choose another port (0 takes any that is free)"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigError(f"port {port} at {host} is reserved; choose one above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(
            f"{host} is no address of this machine; use 127.0.0.1 or one that `ip addr` lists"
        )
    return ConfigError(f"cannot listen at {host} port {port}: {error.strerror or error}")
