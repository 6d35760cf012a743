"""The frame at a scan position over HTTP, and the sum over some."""

from __future__ import annotations

import io

import numpy as np
import pytest

FRAME = "/api/v1/acquisitions/latest/frame"
SIG = (4, 5)


async def array(response) -> np.ndarray:
    assert response.status == 200, await response.text()
    return np.load(io.BytesIO(await response.read()), allow_pickle=False)


class TestFrames:
    """Rows 1 and 2 of the scan are there; row 0 is gone, the others did not come yet."""

    async def test_one(self, client):
        response = await client.get(f"{FRAME}.npy?at=1,2")
        found = await array(response)

        assert (found.dtype, found.tolist()) == (np.uint16, np.full(SIG, 8).tolist())
        assert response.headers["X-Frames"] == "1"
        assert response.headers["X-Frames-Lacking"] == "0"
        assert response.headers["X-Frames-From"] == "ring"
        assert response.headers["X-Array-Shape"] == "4,5"
        assert response.headers["Cache-Control"] == "no-store"

    async def test_sum(self, client):
        response = await client.get(f"{FRAME}?at=0:2,::2")
        found = await array(response)

        assert (found == 6 + 8 + 10).all()
        assert response.headers["X-Frames"] == "3"
        assert response.headers["X-Frames-Lacking"] == "3"

    async def test_part_of_it_as_a_picture(self, client):
        found = await array(await client.get(f"{FRAME}.npy?at=-6,-1&slice=1:3"))
        assert found.shape == (2, 5)
        response = await client.get(f"{FRAME}.png?at=1,2&cmap=viridis")
        assert (response.status, response.content_type) == (200, "image/png")

    @pytest.mark.parametrize(
        ("at", "status", "detail"),
        [
            ("0,2", 410, "the frame cannot be had: it was processed and given up"),
            ("5,2", 404, "the frame cannot be had: it did not come yet"),
            ("0", 410, "none of the 6 frames can be had: of most, it was processed and given up"),
        ],
    )
    async def test_not_there(self, client, at, status, detail):
        response = await client.get(f"{FRAME}?at={at}")
        document = await response.json(content_type="application/problem+json")

        assert (response.status, document["status"]) == (status, status)
        assert document["type"].endswith("#frame-not-held")
        assert document["detail"] == detail
        assert ("recording" in document.get("hint", "")) == (status == 410)

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("", "which frame"),
            ("?at=8,0", "outside axis 0"),
            ("?at=x", "neither an index"),
            ("?at=1,2,3", "names 3 axes"),
            ("?at=3:3", "is no position"),
            ("?at=1,2&sise=3", "sise"),
        ],
    )
    async def test_wrong_use(self, client, query, words):
        response = await client.get(f"{FRAME}.png{query}")
        document = await response.json(content_type="application/problem+json")
        assert response.status == 400
        assert words in document["detail"]

    async def test_too_many(self, client, monkeypatch):
        monkeypatch.setattr("framefold.http.frames.MOST_BYTES", 400)
        assert (await client.get(f"{FRAME}?at=0:2")).status == 413
        assert (await client.get(f"{FRAME}?at=1")).status == 200

    async def test_it_is_told(self, client):
        told = await (await client.get("/api/v1/acquisitions/latest")).json()
        path = told["templates"]["frame"].replace("{at}", "1,2")
        assert (await array(await client.get(path)) == 8).all()
