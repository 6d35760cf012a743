"""Acquisitions that only a folder remembers: listed by pages, and served like the others."""

from __future__ import annotations

import io

import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from framefold.http.app import make_app
from framefold.record.shelf import Shelf, file_name
from http_runs import FakeHistory, FakeRun, over

OLD = [f"old{i}" for i in range(5)]


@pytest.fixture
def kept(tmp_path):
    """Five runs in files, the last one in memory as well."""
    runs = {ident: over(ident, rows=2 + n) for n, ident in enumerate(OLD)}
    shelf = Shelf(tmp_path, 10)
    for run in runs.values():
        shelf.keep(run, [])
    shelf.close()
    yield runs, tmp_path
    for run in runs.values():
        run.folding.shutdown(wait=True)


@pytest.fixture
async def reader(kept):
    runs, folder = kept
    new = FakeRun("new")
    history = FakeHistory(new, runs["old4"])
    async with TestClient(TestServer(make_app(history, dict, shelf=Shelf(folder, 10)))) as made:
        yield made
    new.folding.shutdown(wait=True)


async def idents(reader, query=""):
    answer = await reader.get(f"/api/v1/acquisitions{query}")
    assert answer.status == 200, await answer.text()
    found = await answer.json()
    return [one["id"] for one in found["acquisitions"]], found["next"]


class TestList:
    """Newest first, each once."""

    async def test_everything(self, reader):
        assert await idents(reader) == (["new", "old4", "old3", "old2", "old1", "old0"], None)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
    async def test_by_pages(self, reader, limit):
        found, cursor = await idents(reader, f"?limit={limit}")
        while cursor is not None:
            assert cursor == found[-1]
            more, cursor = await idents(reader, f"?limit={limit}&cursor={cursor}")
            assert 0 < len(more) <= limit
            found += more
        assert found == ["new", "old4", "old3", "old2", "old1", "old0"]

    async def test_facts(self, reader, kept):
        listed = (await (await reader.get("/api/v1/acquisitions")).json())["acquisitions"]
        one = listed[3]
        assert (one["id"], one["state"], one["merged"]) == ("old2", "complete", 24)
        assert one["links"]["results"] == "/api/v1/acquisitions/old2/results"

    @pytest.mark.parametrize(
        "query", ["?limit=0", "?limit=1001", "?limit=x", "?limit=-1", f"?limit={'9' * 5000}",
                  "?limit=%D9%A1", "?cursor=nobody", "?cursor=../../etc/passwd", "?page=2"],
    )  # fmt: skip
    async def test_nonsense(self, reader, query):
        answer = await reader.get(f"/api/v1/acquisitions{query}")
        assert answer.status == 400
        assert (await answer.json())["type"].startswith("/api/v1/problems#")

    async def test_a_cursor_that_has_left_memory(self, reader, kept):
        """A page goes on where the last one ended, wherever that run is now."""
        assert (await idents(reader, "?cursor=old3&limit=1")) == (["old2"], "old2")


class TestRun:
    """Everything but frames and other scans."""

    async def test_results(self, reader, kept):
        runs, _ = kept
        for udf, group in runs["old1"].latest.results.items():
            for name, channel in group.items():
                answer = await reader.get(f"/api/v1/acquisitions/old1/results/{udf}/{name}.npy")
                found = np.load(io.BytesIO(await answer.read()))
                assert np.array_equal(found, channel.data, equal_nan=True)
                again = await reader.get(
                    f"/api/v1/acquisitions/old1/results/{udf}/{name}.npy",
                    headers={"If-None-Match": answer.headers["ETag"]},
                )
                assert again.status == 304

    async def test_pictures_coverage_and_facts(self, reader, kept):
        runs, _ = kept
        answer = await reader.get("/api/v1/acquisitions/old1/results/sum/intensity.png?size=64")
        assert (await answer.read()).startswith(b"\x89PNG")
        answer = await reader.get("/api/v1/acquisitions/old1/coverage.npy")
        found = np.load(io.BytesIO(await answer.read()))
        assert (found == runs["old1"].latest.coverage).all()
        told = await (await reader.get("/api/v1/acquisitions/old1")).json()
        assert told["state"] == "complete"
        assert told["statistics"]["frames_per_second"] == 1000.0
        listed = await (await reader.get("/api/v1/acquisitions/old1/results")).json()
        assert [one["udf"] for one in listed["results"]] == ["sum", "com", "sumsig", "odd", "odd"]

    async def test_what_is_gone(self, reader):
        base = "/api/v1/acquisitions/old1"
        answer = await reader.get(f"{base}/frame?at=1,1")
        assert (answer.status, (await answer.json())["type"]) == (
            410, "/api/v1/problems#frame-not-held",
        )  # fmt: skip
        answer = await reader.get(f"{base}/results/sum/intensity.npy?nav_shape=6,8")
        assert answer.status == 400
        assert "only the results are kept" in (await answer.json())["detail"]

    @pytest.mark.parametrize(
        "ident", ["nobody", "..%2F..%2Fetc%2Fpasswd", "old1.kept.h5", "%00", "x" * 3000]
    )
    async def test_nobody(self, reader, ident):
        answer = await reader.get(f"/api/v1/acquisitions/{ident}")
        assert answer.status == 404

    async def test_a_file_that_is_damaged(self, reader, kept):
        _, folder = kept
        (folder / file_name("old1")).write_bytes(b"\x89HDF\r\n\x1a\n")
        assert (await reader.get("/api/v1/acquisitions/old1")).status == 404
        assert "old1" not in (await idents(reader))[0]
