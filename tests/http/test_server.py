"""The server at an address: started, refused, stopped without waiting for those who wait."""

from __future__ import annotations

import asyncio
import re
import socket

import aiohttp
import pytest

from framefold.errors import ConfigError
from framefold.http.app import make_app
from framefold.http.server import serve, serving


class TestServe:
    """It tells where it is, and ends when told to."""

    async def test_it_answers_until_told_to_stop(self, history, run):
        stop, urls = asyncio.Event(), asyncio.Queue()
        task = asyncio.create_task(
            serve(make_app(history, dict), "127.0.0.1", 0, stop=stop, ready=urls.put_nowait)
        )
        url = await urls.get()
        async with aiohttp.ClientSession() as session:
            assert (await session.get(f"{url}healthz")).status == 200
            path = f"{url}api/v1/acquisitions/latest/coverage.npy"
            tag = (await session.get(path)).headers["ETag"]
            held = asyncio.create_task(
                session.get(path, headers={"If-None-Match": tag, "Prefer": "wait=60"})
            )
            while not run.watchers:  # noqa: ASYNC110 - happens on this very loop
                await asyncio.sleep(0)
            stop.set()
            async with asyncio.timeout(5):  # not 60: who waits is sent home
                assert (await held).status == 304
                await task

        assert run.watchers == []
        run.publish()  # nobody listens any more, and nothing happens

    async def test_a_port_in_use_is_said_so(self, history):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(ConfigError, match=rf"port {port} at 127\.0\.0\.1 is in use"):
                await serve(make_app(history, dict), "127.0.0.1", port)

    @pytest.mark.parametrize(
        ("host", "port", "said"),
        [
            ("192.0.2.1", 0, "no address of this machine"),
            ("127.0.0.1", 70000, "ports are 0 to 65535"),
        ],
    )
    async def test_other_refusals(self, history, host, port, said):
        with pytest.raises(ConfigError, match=re.escape(said)):
            await serve(make_app(history, dict), host, port)

    async def test_the_url_of_every_interface_is_one_that_opens(self, history):
        async with serving(make_app(history, dict), "0.0.0.0", 0) as url:
            async with aiohttp.ClientSession() as session:
                response = await session.get(f"{url}healthz")

            assert url.startswith("http://localhost:")
            assert response.status == 200

    @pytest.mark.parametrize(
        "line",
        [
            b"Authorization: Bearer SECRET\x01",
            b"Authorization Bearer SECRET",
            b"Authorization: Bearer SECRET\nX: y",
            b"Authorization: Bearer " + b"SECRET" * 2000,
        ],
    )
    async def test_what_is_no_request_is_not_in_the_log(self, history, caplog, line):
        """Whatever the reason, a token in it is nobody's business."""
        caplog.set_level("DEBUG")
        async with serving(make_app(history, dict), "127.0.0.1", 0) as url:
            port = int(url.rstrip("/").rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\n\r\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()

        assert b" 400 " in answer
        assert "Error handling request from 127.0.0.1 kind=" in caplog.text
        assert "SECRET" not in caplog.text

    async def test_a_body_is_not_decompressed(self, history, caplog):
        """What cannot be is no reason to refuse it before it is looked at."""
        async with serving(make_app(history, dict), "127.0.0.1", 0) as url:
            headers = {"Content-Encoding": "br"}
            async with aiohttp.ClientSession() as session:
                response = await session.get(f"{url}healthz", data=b"x", headers=headers)

        assert response.status == 200
        assert caplog.text == ""
