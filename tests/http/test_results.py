"""Result channels over HTTP: representations, versions, headers, errors."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from framefold.core.snapshot import RunState, UDFFailure
from framefold.http.services import SERVICES

LATEST = "/api/v1/acquisitions/latest"
IMAGE = f"{LATEST}/results/sum/intensity"


async def problem(response, status: int, kind: str) -> dict:
    document = await response.json(content_type="application/problem+json")
    assert (response.status, document["type"]) == (status, f"/api/v1/problems#{kind}"), document
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["instance"]
    assert response.headers["X-Request-Id"] == document["request_id"]
    return document


class TestRepresentations:
    """Each result comes in every form, with what its bytes do not say in headers."""

    async def test_npy_equals_the_array_bit_for_bit(self, client, run):
        response = await client.get(f"{IMAGE}.npy")
        got = np.load(io.BytesIO(await response.read()))

        expected = run.latest.results["sum"]["intensity"].data
        assert response.content_type == "application/x-npy"
        assert got.dtype == expected.dtype
        assert got.tobytes() == expected.tobytes()

    async def test_headers_tell_shape_dtype_and_coverage(self, client):
        response = await client.get(f"{IMAGE}.raw")

        assert response.content_type == "application/octet-stream"
        assert response.headers["X-Array-Shape"] == "8,6"
        assert response.headers["X-Array-Dtype"] == "<f4"
        assert response.headers["X-Valid-Fraction"] == "0.375"
        assert response.headers["X-Result-Complete"] == "false"
        assert response.headers["X-Result-Version"] == "1"
        assert response.headers["X-Run-State"] == "running"
        assert response.headers["ETag"] == '"01RUN.sum/intensity.1"'

    async def test_raw_is_little_endian_values(self, client, run):
        body = await (await client.get(f"{LATEST}/results/sumsig/intensity.raw")).read()

        assert body == run.latest.results["sumsig"]["intensity"].data.astype("<u8").tobytes()

    async def test_json_has_null_for_what_was_not_measured(self, client):
        document = await (await client.get(f"{IMAGE}.json")).json()

        assert document["data"][0] == [0, 1, 2, 3, 4, 5]
        assert document["data"][7] == [None] * 6

    async def test_json_has_null_for_what_is_no_number(self, client):
        document = await (await client.get(f"{LATEST}/results/odd/still.json")).json()

        assert document["data"] == [1.0, None, None]

    async def test_png_is_a_picture(self, client):
        body = await (await client.get(f"{IMAGE}.png", params={"size": "80"})).read()

        assert Image.open(io.BytesIO(body)).size == (60, 80)

    async def test_accept_decides_where_there_is_no_suffix(self, client):
        types = {}
        for accept in ("image/*", "application/json;q=0.5, image/png;q=0.2", "*/*", None):
            headers = {"Accept": accept} if accept else {}
            response = await client.get(IMAGE, headers=headers, skip_auto_headers=["Accept"])
            types[accept] = response.content_type
            assert "Accept" in response.headers["Vary"]

        assert list(types.values()) == [
            "image/png",
            "application/json",
            "application/x-npy",
            "application/x-npy",
        ]

    async def test_what_cannot_be_made_is_not_acceptable(self, client):
        document = await problem(
            await client.get(IMAGE, headers={"Accept": "text/html"}), 406, "not-acceptable"
        )
        assert "image/png" in document["detail"]
        document = await problem(await client.get(f"{IMAGE}.tiff"), 406, "not-acceptable")
        assert ".npy" in document["hint"]

    async def test_python_objects_are_never_sent(self, client):
        for suffix in ("npy", "raw", "json", "png"):
            response = await client.get(f"{LATEST}/results/odd/things.{suffix}")
            await problem(response, 406, "not-acceptable")

    async def test_a_channel_with_a_dot_in_its_name_has_an_address(self, client):
        document = await (await client.get(f"{LATEST}/results/odd/c.d.json")).json()

        assert document["data"] == [[1.0, 2.0]]

    async def test_a_slice_is_a_part(self, client, run):
        response = await client.get(f"{IMAGE}.npy", params={"slice": "1:3,::2"})
        got = np.load(io.BytesIO(await response.read()))

        np.testing.assert_array_equal(
            got, run.latest.results["sum"]["intensity"].data[1:3, ::2], strict=True
        )
        assert response.headers["X-Array-Shape"] == "2,3"

    async def test_the_mask_of_validity_can_be_had(self, client, run):
        response = await client.get(f"{IMAGE}.npy", params={"part": "valid"})
        got = np.load(io.BytesIO(await response.read()))

        np.testing.assert_array_equal(got, run.latest.results["sum"]["intensity"].valid)

    async def test_coverage_looks_like_a_result(self, client, run):
        response = await client.get(f"{LATEST}/coverage.npy")
        got = np.load(io.BytesIO(await response.read()))
        picture = await client.get(f"{LATEST}/coverage.png")

        np.testing.assert_array_equal(got, run.latest.coverage, strict=True)
        assert response.headers["ETag"] == '"01RUN.coverage.1"'
        assert picture.content_type == "image/png"
        await problem(await client.get(f"{LATEST}/coverages"), 404, "unknown-path")

    async def test_coverage_shows_each_state_in_its_colour(self, client):
        body = await (await client.get(f"{LATEST}/coverage.png")).read()
        pixels = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))

        assert {tuple(p) for p in pixels[:3].reshape(-1, 3)} == {(86, 180, 233)}
        assert {tuple(p) for p in pixels[3:].reshape(-1, 3)} == {(24, 30, 42)}


class TestVersions:
    """The version is the ETag; who has it gets 304, who prefers to wait is held."""

    async def test_304_when_nothing_moved(self, client):
        first = await client.get(f"{IMAGE}.npy")
        again = await client.get(f"{IMAGE}.npy", headers={"If-None-Match": first.headers["ETag"]})

        assert again.status == 304
        assert await again.read() == b""
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["X-Array-Shape"] == "8,6"

    async def test_a_get_asks_for_a_fresh_snapshot(self, client, run):
        run.move(rows=5)
        response = await client.get(f"{IMAGE}.npy")

        assert response.headers["X-Result-Version"] == "2"
        assert response.headers["X-Valid-Fraction"] == "0.625"

    async def test_a_run_that_does_not_deliver_gives_what_it_has(self, client, run, monkeypatch):
        monkeypatch.setattr(run, "want", lambda: True)
        response = await client.get(f"{IMAGE}.npy")

        assert response.status == 200
        assert response.headers["X-Result-Version"] == "1"
        assert run.watchers == []

    async def test_a_held_request_wakes_on_publication(self, client, run):
        tag = (await client.get(f"{IMAGE}.npy")).headers["ETag"]
        held = asyncio.create_task(
            client.get(f"{IMAGE}.npy", headers={"If-None-Match": tag, "Prefer": "wait=30"})
        )
        await until(lambda: run.watchers)
        run.move(rows=6)  # no publication: the server has to ask again
        response = await held

        assert response.status == 200
        assert response.headers["Preference-Applied"] == "wait=30"
        assert response.headers["ETag"] != tag
        assert run.watchers == []

    async def test_a_held_request_is_answered_when_time_is_up(self, client, run):
        tag = (await client.get(f"{IMAGE}.npy")).headers["ETag"]
        response = await client.get(
            f"{IMAGE}.npy", headers={"If-None-Match": tag, "Prefer": "respond-async, wait=1"}
        )

        assert response.status == 304
        assert response.headers["ETag"] == tag
        assert response.headers["Preference-Applied"] == "wait=1"
        assert run.watchers == []

    async def test_a_held_request_is_answered_when_the_run_ends(self, client, run):
        path = f"/api/v1/acquisitions/{run.ident}/results/sum/intensity.npy"
        tag = (await client.get(path)).headers["ETag"]
        held = asyncio.create_task(
            client.get(path, headers={"If-None-Match": tag, "Prefer": "wait=30"})
        )
        await until(lambda: run.watchers)
        run.end(RunState.ABORTED)
        response = await held

        assert response.status == 304
        assert response.headers["X-Result-Complete"] == "true"
        assert response.headers["X-Run-State"] == "aborted"

    async def test_latest_moves_on_to_the_next_run(self, client, run, history, new_run):
        run.end()
        tag = (await client.get(f"{IMAGE}.npy")).headers["ETag"]
        held = asyncio.create_task(
            client.get(f"{IMAGE}.npy", headers={"If-None-Match": tag, "Prefer": "wait=30"})
        )
        await until(lambda: client.server.app[SERVICES].updates.held == 0)
        history.all.insert(0, new_run("02RUN"))
        response = await held

        assert response.status == 200
        assert response.headers["ETag"].startswith('"02RUN.')

    async def test_many_waiters_share_one_watch(self, client, run):
        tag = (await client.get(f"{IMAGE}.npy")).headers["ETag"]
        headers = {"If-None-Match": tag, "Prefer": "wait=30"}
        held = [asyncio.create_task(client.get(f"{IMAGE}.npy", headers=headers)) for _ in range(20)]
        updates = client.server.app[SERVICES].updates
        await until(lambda: updates.held == 20)
        watchers = len(run.watchers)
        run.publish()
        answers = await asyncio.gather(*held)

        assert watchers == 1
        assert {a.status for a in answers} == {200}
        assert (updates.held, updates.watched, run.watchers) == (0, 0, [])
        assert client.server.app[SERVICES].bodies.made <= 2

    async def test_who_goes_away_leaves_nothing_behind(self, client, run):
        tag = (await client.get(f"{IMAGE}.npy")).headers["ETag"]
        held = asyncio.create_task(
            client.get(f"{IMAGE}.npy", headers={"If-None-Match": tag, "Prefer": "wait=30"})
        )
        await until(lambda: run.watchers)
        held.cancel()
        await until(lambda: not run.watchers)

        assert client.server.app[SERVICES].updates.held == 0

    async def test_the_same_body_is_encoded_once(self, client):
        bodies = client.server.app[SERVICES].bodies
        for _ in range(3):
            assert (await client.get(f"{IMAGE}.png?cmap=viridis")).status == 200
        await client.get(f"{IMAGE}.png?cmap=inferno")

        assert (bodies.made, bodies.hits) == (2, 2)


class TestErrors:
    """Whatever is wrong with a request is said in a problem document that helps."""

    async def test_unknown_names_are_answered_with_the_nearest(self, client):
        document = await problem(
            await client.get("/api/v1/acquisitions/nope/results"), 404, "unknown-acquisition"
        )
        assert "01RUN" in document["hint"]
        document = await problem(
            await client.get(f"{LATEST}/results/sums/intensity.npy"), 404, "unknown-udf"
        )
        assert "'sum'" in document["hint"]
        document = await problem(
            await client.get(f"{LATEST}/results/sum/intensty.npy"), 404, "unknown-channel"
        )
        assert "'intensity'" in document["hint"]

    async def test_no_acquisition_yet(self, client, history):
        history.all.clear()
        document = await problem(await client.get(f"{IMAGE}.npy"), 404, "unknown-acquisition")

        assert document["detail"] == "no acquisition yet"

    async def test_unknown_parameters_name_the_nearest(self, client):
        document = await problem(
            await client.get(f"{IMAGE}.png?cmpa=gray"), 400, "unknown-parameter"
        )
        assert "'cmap'" in document["hint"]
        document = await problem(
            await client.get(f"{IMAGE}.npy?cmap=gray"), 400, "unknown-parameter"
        )
        await problem(await client.get(f"{LATEST}/results?x=1"), 400, "unknown-parameter")
        await problem(await client.get(f"{IMAGE}.png?cmap=gray&cmap=gray"), 400, "invalid-params")

    @pytest.mark.parametrize(
        "query",
        [
            "cmap=virids",
            "size=0",
            "size=99999",
            "limits=5,1",
            "limits=nan,1",
            "scale=lgo",
            "component=7",
            "slice=9",
            "slice=::0",
            "slice=0,0,0",
            "invalid=x",
        ],
    )
    async def test_values_that_make_no_sense(self, client, query):
        await problem(await client.get(f"{IMAGE}.png?{query}"), 400, "invalid-params")

    async def test_what_is_no_picture(self, client):
        await problem(await client.get(f"{IMAGE}.png?slice=0,0"), 422, "shape-mismatch")

    async def test_a_udf_that_raised_says_so(self, client, run):
        run.failures = (UDFFailure("broken", "ValueError: no", "Traceback ..."),)
        run.publish()
        document = await problem(
            await client.get(f"{LATEST}/results/broken/x.npy"), 409, "udf-failed"
        )

        assert "ValueError: no" in document["detail"]

    async def test_the_size_is_capped_before_anything_is_made(self, client):
        document = await problem(await client.get(f"{IMAGE}.png?size=2000"), 413, "too-large")

        assert "20000" in document["detail"]
        assert client.server.app[SERVICES].bodies.made == 0

    async def test_a_failure_of_ours_tells_nothing_of_the_machine(self, client, run, caplog):
        class Broken(dict):
            def get(self, *_):
                raise RuntimeError("/secret/path")

        object.__setattr__(run.latest, "results", Broken())
        response = await client.get(f"{IMAGE}.npy")
        text = await response.text()

        assert response.status == 500
        assert "secret" not in text
        assert response.headers["X-Request-Id"] in caplog.text

    async def test_any_query_gets_an_answer(self, client):
        paths = [f"{IMAGE}.{s}" for s in ("png", "npy", "json", "raw")] + [f"{LATEST}/coverage.png"]
        loop = asyncio.get_running_loop()
        names = st.sampled_from(
            ["cmap", "scale", "limits", "invalid", "component", "size", "slice", "part", ""]
        )
        values = st.one_of(
            st.text(max_size=20),
            st.sampled_from(["auto", "p0,100", "1e308,1e309", "-1:", "rgb", "log", "1,2", "٣"]),
            st.integers().map(str),
        )

        @settings(
            max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        @given(st.sampled_from(paths), st.lists(st.tuples(names, values), max_size=3))
        def ask(path, query):
            async def get() -> web.Response:
                return await client.get(path, params=query)

            status = asyncio.run_coroutine_threadsafe(get(), loop).result(10).status
            assert status in (200, 400, 413, 422), (path, query)

        await asyncio.to_thread(ask)


async def until(reached) -> None:
    """Wait for something that happens on this loop."""
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - what happens is not ours to signal
            await asyncio.sleep(0)
