"""Recording over HTTP: everybody may look, whoever has the token may switch."""

from __future__ import annotations

import json
import logging

import pytest
from aiohttp.test_utils import TestClient, TestServer

from framefold.http.app import make_app
from framefold.http.control import new_token
from framefold.http.merge_patch import MOST_BYTES

PATH = "/api/v1/recording"
TOKEN = new_token()
HELD = {"Authorization": f"Bearer {TOKEN}"}
PATCH = {"Content-Type": "application/merge-patch+json"}


class FakeRecording:
    """A switch with nothing behind it."""

    forms = ("hdf5", "wire_log")

    def __init__(self) -> None:
        self.next = {"hdf5": False, "wire_log": False}
        self.lacking = ""

    def facts(self):
        return {"now": {"hdf5": False, "wire_log": False}, "next": dict(self.next)}

    def lacks(self, wanted):
        return self.lacking

    def change(self, wanted):
        before = dict(self.next)
        self.next.update(wanted)
        return before, dict(self.next)


@pytest.fixture
def recorded():
    return FakeRecording()


@pytest.fixture
async def client(history, recorded):
    server = TestServer(make_app(history, dict, token=TOKEN, recorded=recorded))
    await server.start_server(auto_decompress=False)  # as serving() does
    async with TestClient(server) as made:
        yield made


async def patch(client, body, **headers):
    """Its status, its document and its headers."""
    data = body if isinstance(body, bytes) else json.dumps(body)
    async with client.patch(PATH, data=data, headers={**PATCH, **HELD, **headers}) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


def kind(document):
    return document["type"].rpartition("#")[2]


class TestLooking:
    """Nobody is asked who they are."""

    async def test_facts(self, client, recorded):
        answer = await client.get(PATH)
        facts = await answer.json()
        about = await (await client.get("/api/v1")).json()

        assert facts == {"control": True, **recorded.facts()}
        assert answer.headers["Cache-Control"] == "no-store"
        assert about["links"]["recording"] == PATH

    async def test_no_parameters(self, client):
        assert (await client.get(f"{PATH}?wait=1")).status == 400


class TestSwitching:
    """What is said holds, and is told to whoever reads the log."""

    async def test_one_after_the_other(self, client, recorded, caplog):
        caplog.set_level(logging.DEBUG)
        first = await patch(client, {"hdf5": True})
        second = await patch(client, {"wire_log": True}, **{"Content-Type": "application/json"})
        third = await patch(client, {"hdf5": False, "wire_log": False})
        nothing = await patch(client, {})

        assert [answer[0] for answer in (first, second, third, nothing)] == [200] * 4
        assert first[1]["next"] == {"hdf5": True, "wire_log": False}
        assert first[1]["now"] == {"hdf5": False, "wire_log": False}
        assert second[1]["next"] == {"hdf5": True, "wire_log": True}
        assert third[1] == nothing[1]
        assert caplog.messages[0].endswith(
            "client=127.0.0.1 "
            'before={"hdf5":false,"wire_log":false} after={"hdf5":true,"wire_log":false}'
        )
        assert TOKEN not in caplog.text

    async def test_what_it_lacks(self, client, recorded):
        recorded.lacking = "no folder: set one"
        status, document, _ = await patch(client, {"hdf5": True})

        assert (status, kind(document)) == (409, "not-configured")
        assert document["detail"] == "no folder: set one"
        assert not recorded.next["hdf5"]


class TestControl:
    """Only with the token of this start, and only in one place."""

    @pytest.mark.parametrize(
        "given",
        [
            "", "Bearer", "Bearer ", "Basic {}", "{}", "Bearer {}x", "Bearer x {}", "Bearer x{}",
            "Bearer \xe9\u20ac",
        ],
    )  # fmt: skip
    async def test_without_it(self, client, recorded, caplog, given):
        told = given.format(TOKEN)
        status, document, headers = await patch(client, {"hdf5": True}, Authorization=told)

        assert (status, kind(document)) == (401, "unauthorized")
        assert headers["WWW-Authenticate"] == "Bearer"
        assert not recorded.next["hdf5"]
        assert "control refused client=127.0.0.1" in caplog.text
        for text in (caplog.text, json.dumps(document)):
            assert TOKEN not in text

    async def test_a_part_of_it(self, client):
        for part in (TOKEN[:-1], TOKEN[1:], TOKEN.swapcase()):
            assert (await patch(client, {}, Authorization=f"Bearer {part}"))[0] == 401

    async def test_twice_or_not_at_all(self, client):
        for headers in (PATCH, [*PATCH.items(), *HELD.items(), *HELD.items()]):
            async with client.patch(PATH, data="{}", headers=headers) as answer:
                assert answer.status == 401

    async def test_the_name_of_the_scheme_in_any_case(self, client):
        assert (await patch(client, {}, Authorization=f"bEARER {TOKEN}"))[0] == 200

    async def test_never_in_an_address(self, client, caplog):
        url = f"{PATH}?access_token={TOKEN}"
        async with client.patch(url, data="{}", headers=PATCH) as answer:
            text = await answer.text()

        assert answer.status == 400
        assert TOKEN not in text + caplog.text

    async def test_before_the_body_is_looked_at(self, client):
        assert (await patch(client, b"x" * 10_000, Authorization=""))[0] == 401

    async def test_where_nothing_may_be_changed(self, history, recorded):
        app = make_app(history, dict, recorded=recorded)
        async with TestClient(TestServer(app)) as client:
            status, document, _ = await patch(client, {"hdf5": True})
            facts = await (await client.get(PATH)).json()

        assert (status, kind(document)) == (403, "control-off")
        assert "control = true in [server]" in document["hint"]
        assert "--control" in document["hint"]
        assert (facts["control"], recorded.next["hdf5"]) == (False, False)


class TestOrigins:
    """A page of another site changes nothing, even one that knew the token."""

    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "http://evil.example",
            "http://localhost:1",
            "http://127.0.0.1",
            "file://{host}",
            "",
        ],
    )
    async def test_foreign_ones(self, client, recorded, origin):
        host = f"127.0.0.1:{client.port}"
        status, document, _ = await patch(
            client, {"hdf5": True}, Host=host, Origin=origin.format(host=host)
        )

        assert (status, kind(document)) == (403, "foreign-origin")
        assert not recorded.next["hdf5"]

    async def test_our_own(self, client):
        for host in ("127.0.0.1:1", "localhost", "[::1]:80"):
            for scheme in ("http", "https"):  # which a proxy may have taken off
                told = {"Host": host, "Origin": f"{scheme}://{host.upper()}"}
                assert (await patch(client, {}, **told))[0] == 200

    async def test_a_foreign_host(self, client):
        status, document, _ = await patch(client, {}, Host="evil.example")

        assert (status, kind(document)) == (403, "foreign-host")

    async def test_looking_harms_nobody(self, client):
        assert (await client.get(PATH, headers={"Origin": "http://evil.example"})).status == 200


class TestPatches:
    """A body that is not what it should be is refused, with the field named."""

    @pytest.mark.parametrize(
        ("patched", "pointer", "said"),
        [
            ({"hdf6": True}, "/hdf6", "hdf6: unknown field, did you mean 'hdf5'?"),
            ({"a/b~": True}, "/a~1b~0", "unknown field"),
            ({"hdf5": 1}, "/hdf5", "hdf5: not true or false"),
            ({"hdf5": "true"}, "/hdf5", "not true or false"),
            ({"wire_log": None}, "/wire_log", "not true or false"),
            ({"wire_log": {"on": True}}, "/wire_log", "not true or false"),
            ({"hdf5": True, "directory": "/etc"}, "/directory", "unknown field"),
            ([], "", "no JSON object"),
            (None, "", "no JSON object"),
        ],
    )
    async def test_wrong_ones(self, client, recorded, patched, pointer, said):
        status, document, _ = await patch(client, patched)

        assert (status, kind(document)) == (422, "invalid-patch")
        assert [error["pointer"] for error in document["errors"]] == [pointer]
        assert said in document["detail"]
        assert not recorded.next["hdf5"]

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 4000, b'{"hdf5": NaN}'])
    async def test_no_json(self, client, body):
        status, document, _ = await patch(client, body)

        assert (status, kind(document)) == (400, "bad-request")

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Content-Type": "application/json-patch+json"},
            {"Content-Type": "nonsense"},
            {"Content-Encoding": "br"},
            {"Content-Encoding": "gzip"},
        ],
    )
    async def test_other_types(self, client, headers):
        status, document, told = await patch(client, b"{}", **headers)

        assert (status, kind(document)) == (415, "unsupported-media-type")
        assert told["Accept-Patch"].startswith("application/merge-patch+json")

    async def test_as_long_as_may_be(self, client):
        assert (await patch(client, b" " * (MOST_BYTES - 2) + b"{}"))[0] == 200

    async def test_longer(self, client):
        async def pieces():
            for _ in range(3):
                yield b" " * (MOST_BYTES // 2)

        status, document, _ = await patch(client, b" " * (MOST_BYTES - 1) + b"{}")
        async with client.patch(PATH, data=pieces(), headers=PATCH | HELD) as answer:
            assert answer.status == 413

        assert (status, kind(document)) == (413, "body-too-large")

    async def test_other_methods(self, client):
        for method in ("PUT", "POST", "DELETE"):
            async with client.request(method, PATH, headers=HELD) as answer:
                assert answer.status == 405
                assert answer.headers["Allow"] == "GET, HEAD, PATCH"
