"""The application as a whole: overview, hosts, headers, problems and the page."""

from __future__ import annotations

import asyncio
import re

import pytest

from framefold.core.snapshot import UDFFailure
from framefold.http.access import SECURITY_HEADERS
from framefold.http.pages import load_pages
from framefold.http.problems import CATALOGUE

API = "/api/v1"
LATEST = f"{API}/acquisitions/latest"


class TestOverview:
    """Small facts as JSON that every parser reads."""

    async def test_health_has_no_facts(self, client):
        assert await (await client.get("/healthz")).json() == {"status": "ok"}

    async def test_about_tells_what_can_be_asked(self, client):
        about = await (await client.get(API)).json()

        assert about["title"] == "<Lab> & Co"
        assert {"npy", "json", "png", "raw"} <= {r["name"] for r in about["representations"]}
        for link in about["links"].values():
            assert (await client.get(link)).status == 200

    async def test_status_joins_the_servers_facts_and_the_newest_run(self, client, run):
        run.failures = (UDFFailure("broken", "ValueError: no", "Traceback"),)
        run.publish()
        response = await client.get(f"{API}/status")
        status = await response.json()

        assert status["source"] == {"state": "listening", "rate": None}
        assert status["acquisition"]["id"] == "01RUN"
        assert status["acquisition"]["fraction"] == 0.375
        assert status["acquisition"]["losses"]["received"] == 18
        assert status["acquisition"]["failures"][0]["error"] == "ValueError: no"
        assert status["acquisition"]["created"] == "2023-11-14T22:13:20.000+00:00"
        assert status["acquisition"]["statistics"] == {"frames_per_second": 1000.0, "lag": None}

    async def test_status_without_any_run(self, client, history):
        history.all.clear()
        status = await (await client.get(f"{API}/status")).json()

        assert (status["acquisition"], status["acquisitions"]) == (None, 0)

    async def test_acquisitions_newest_first(self, client, history, new_run):
        history.all.insert(0, new_run("02 /x"))
        listed = (await (await client.get(f"{API}/acquisitions")).json())["acquisitions"]

        assert [a["id"] for a in listed] == ["02 /x", "01RUN"]

    async def test_every_link_leads_somewhere(self, client):
        acquisition = await (await client.get(LATEST)).json()
        for link in acquisition["links"].values():
            assert (await client.get(link)).status == 200, link
        listed = await (await client.get(acquisition["links"]["results"])).json()
        for entry in [*listed["results"], listed["coverage"]]:
            status = (await client.get(entry["links"]["npy"])).status
            assert status == (406 if entry["dtype"] == "|O" else 200), entry

    async def test_the_list_of_results_has_versions_and_can_be_waited_for(self, client, run):
        first = await client.get(f"{LATEST}/results")
        listed = await first.json()
        tag = first.headers["ETag"]
        held = asyncio.create_task(
            client.get(f"{LATEST}/results", headers={"If-None-Match": tag, "Prefer": "wait=30"})
        )
        while not run.watchers:  # noqa: ASYNC110 - happens on this very loop
            await asyncio.sleep(0)
        run.move(rows=8)
        second = await (await held).json()

        assert (listed["version"], second["version"]) == (1, 2)
        assert listed["results"][0]["valid_fraction"] == 0.375
        assert second["results"][0]["valid_fraction"] == 1.0
        assert second["coverage"]["states"]["missing"] == 2


class TestAccess:
    """Only requests meant for this server are answered; answers cannot be abused by a page."""

    @pytest.mark.parametrize(
        "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1:8000@evil", "[::1", "a b"]
    )
    async def test_foreign_hosts_are_refused_everywhere(self, client, host):
        for path in ("/", "/healthz", API, "/nothing", "/static/app.js"):
            response = await client.get(path, headers={"Host": host})
            document = await response.json(content_type="application/problem+json")

            assert (response.status, document["type"]) == (403, f"{API}/problems#foreign-host")

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8420", "127.0.0.1:1", "[::1]:8420"])
    async def test_our_own_names_are_admitted(self, client, host):
        assert (await client.get("/healthz", headers={"Host": host})).status == 200

    @pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", f"{LATEST}/coverage.png"])
    async def test_security_headers_are_on_every_answer(self, client, path):
        headers = (await client.get(path)).headers

        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "Access-Control-Allow-Origin" not in headers


class TestProblems:
    """Whatever goes wrong is told in one form."""

    async def test_unknown_paths(self, client):
        response = await client.get(f"{API}/statsu")
        document = await response.json(content_type="application/problem+json")

        assert (response.status, document["instance"]) == (404, f"{API}/statsu")
        assert f"{API}/status" in document["hint"]

    async def test_other_methods(self, client):
        response = await client.post(f"{API}/status", json={})
        document = await response.json(content_type="application/problem+json")

        assert (response.status, document["type"]) == (405, f"{API}/problems#method-not-allowed")
        assert response.headers["Allow"] == "GET, HEAD"

    async def test_the_catalogue_is_served(self, client):
        served = (await (await client.get(f"{API}/problems")).json())["problems"]

        assert {p["kind"] for p in served} == set(CATALOGUE)

    @pytest.mark.parametrize(
        "path",
        ["/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/__init__.py", "/static/"],
    )
    async def test_no_request_becomes_a_file_name(self, client, path):
        assert (await client.get(path)).status == 404


class TestPage:
    """The page comes whole from here, and holds no text it did not escape."""

    async def test_the_page_and_all_it_asks_for(self, client):
        response = await client.get("/")
        text = await response.text()

        assert response.content_type == "text/html"
        assert "&lt;Lab&gt; &amp; Co" in text
        asked = re.findall(r'(?:src|href)="(static/[^"]+)"', text)
        assert {"static/app.js", "static/style.css", "static/icon.svg"} <= set(asked)
        for path in asked:
            found = await client.get(f"/{path}")
            assert found.status == 200
            again = await client.get(f"/{path}", headers={"If-None-Match": found.headers["ETag"]})
            assert again.status == 304

    def test_it_obeys_its_own_content_policy(self):
        pages = load_pages("x")
        scripts = "".join(p.body.decode() for n, p in pages.items() if n.endswith(".js"))
        page = pages["index.html"].body.decode()

        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ):
            assert forbidden not in scripts
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", scripts + page)

    def test_every_module_it_imports_is_there(self):
        pages = load_pages("x")
        for name, page in pages.items():
            for module in re.findall(r'from "\./([^"]+)"', page.body.decode()):
                assert module in pages, (name, module)
