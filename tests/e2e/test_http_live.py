"""A live acquisition as those see it who poll over HTTP while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from e2e.moody import BAD
from e2e.served import Bench, Viewer, serving
from e2e.traces import Traces

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAV, SIG = (16, 12), (20, 26)
FRAMES = 16 * 12
RESULTS = "/api/v1/acquisitions/latest/results"
PIPELINE = [
    {"name": "bf", "udf": "virtual_detector", "params": {"shape": "disk", "r": 6}},
    {"name": "total", "udf": "sumsig"},
    {"name": "pattern", "udf": "sum"},
    {"name": "com", "udf": "com"},
    {"name": "own", "udf": "e2e.moody:MoodyUDF"},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def laboratory() -> AsyncIterator[tuple[Bench, Viewer]]:
    """One service for all tests here; each sends acquisitions of its own."""
    bench = Bench()
    scan = {"nav_shape": list(NAV), "update_s": 0.02}
    async with serving(bench, scan=scan, pipeline=PIPELINE) as viewer:
        yield bench, viewer
    bench.close()


@pytest.fixture
def bench(laboratory: tuple[Bench, Viewer]) -> Bench:
    return laboratory[0]


@pytest.fixture
def viewer(laboratory: tuple[Bench, Viewer]) -> Viewer:
    return laboratory[1]


def counts(seed: int) -> Any:
    return np.random.default_rng(seed).poisson(4, (*NAV, *SIG)).astype(np.uint16)


async def newest(viewer: Viewer) -> str:
    seen = await viewer.acquisition()
    return str(seen.get("id", ""))


class TestGrowing:
    """Results over HTTP grow with the scan, and end as what NumPy makes of all frames."""

    async def test_versions_and_coverage_grow(self, bench, viewer):
        data, before = counts(1), await newest(viewer)
        total = data.sum(axis=(2, 3))
        await bench.announce(data)
        seen: list[tuple[int, float]] = []
        for first in range(0, FRAMES, 32):
            await bench.send(first, first + 32)
            await viewer.until_merged(first + 32, before)
            answer = await viewer.get(f"{RESULTS}/total/intensity.npy")
            seen.append(
                (
                    int(answer.headers["X-Result-Version"]),
                    float(answer.headers["X-Valid-Fraction"]),
                )
            )
            found = answer.array.reshape(-1)
            assert (found[: first + 32] == total.reshape(-1)[: first + 32]).all()
            assert not found[first + 32 :].any()
        await bench.end()

        versions, fractions = zip(*seen, strict=True)
        assert list(versions) == sorted(set(versions))
        np.testing.assert_allclose(fractions, np.arange(32, FRAMES + 1, 32) / FRAMES, atol=1e-5)

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    async def test_the_last_version_is_numpys_answer(self, bench, viewer, protocol):
        data, before = counts(2), await newest(viewer)
        await bench.announce(data, protocol)
        await bench.send(0, FRAMES)
        await bench.end()
        done = await viewer.until(lambda a: a["id"] != before and a["state"] == "complete")

        y, x = np.ogrid[: SIG[0], : SIG[1]]
        disk = (y - SIG[0] // 2) ** 2 + (x - SIG[1] // 2) ** 2 <= 6**2
        wanted = {
            "total/intensity": data.sum(axis=(2, 3)),
            "pattern/intensity": data.sum(axis=(0, 1)),
            "bf/intensity": data[..., disk].sum(axis=-1),
            "own/largest": data.max(axis=(2, 3)),
        }
        assert done["merged"] == FRAMES
        assert done["failures"] == []
        for path, array in wanted.items():
            found = (await viewer.get(f"{RESULTS}/{path}.npy")).array
            # whole numbers of this size are exact in all of these types
            assert found.tobytes() == array.astype(found.dtype).tobytes(), path

    async def test_every_state_of_the_scan_is_told_apart(self, bench, viewer):
        """What was not scanned is not taken for zero."""
        data, before = counts(3), await newest(viewer)
        await bench.announce(data)
        await bench.send(0, 30)
        await viewer.until_merged(30, before)

        coverage = (await viewer.get("/api/v1/acquisitions/latest/coverage.npy")).array
        plain = (await viewer.get(f"{RESULTS}/total/intensity.json")).json
        flat = [value for row in plain["data"] for value in row]
        await bench.end()
        done = await viewer.until(lambda a: a["state"] == "aborted")

        assert (coverage.reshape(-1)[:30] == 1).all()
        assert (coverage.reshape(-1)[30:] == 0).all()
        assert flat[:30] == data.sum(axis=(2, 3)).reshape(-1)[:30].tolist()
        assert set(flat[30:]) == {None}
        assert done["losses"]["missing"] == FRAMES - 30


class TestAsking:
    """Who has a version already is told so, or waits for the next."""

    async def test_not_modified_until_something_moves(self, bench, viewer):
        before = await newest(viewer)
        await bench.announce(counts(4))
        await bench.send(0, 50)
        await viewer.until_merged(50, before)
        path = f"{RESULTS}/bf/intensity.npy"
        first = await viewer.get(path)

        again = await viewer.get(path, If_None_Match=first.tag)
        assert (again.status, again.body, again.tag) == (304, b"", first.tag)

        await bench.send(50, 60)
        await viewer.until_merged(60, before)
        moved = await viewer.get(path, If_None_Match=first.tag)
        assert moved.status == 200
        assert moved.tag != first.tag
        await bench.end()

    async def test_who_waits_is_woken_by_the_next_frames(self, bench, viewer):
        before = await newest(viewer)
        await bench.announce(counts(5))
        await bench.send(0, 40)
        await viewer.until_merged(40, before)
        path = f"{RESULTS}/total/intensity.npy"
        first = await viewer.get(path)

        waiting = asyncio.create_task(viewer.get(path, If_None_Match=first.tag, Prefer="wait=60"))
        for _ in range(3):  # time in which a wrong answer would come
            assert (await viewer.get("/healthz")).status == 200
        assert not waiting.done()
        await bench.send(40, 41)
        woken = await asyncio.wait_for(waiting, 20)

        assert woken.status == 200
        assert woken.headers["Preference-Applied"] == "wait=60"
        assert float(woken.headers["X-Valid-Fraction"]) == pytest.approx(41 / FRAMES, abs=1e-5)
        await bench.end()

    async def test_the_facts_are_in_the_headers(self, bench, viewer):
        before = await newest(viewer)
        await bench.announce(counts(6))
        await bench.send(0, FRAMES // 2)
        await viewer.until_merged(FRAMES // 2, before)
        running = await viewer.get(f"{RESULTS}/com/field.raw")
        await bench.send(FRAMES // 2, FRAMES)
        await bench.end()
        await viewer.until(lambda a: a["state"] == "complete")
        complete = await viewer.get(f"{RESULTS}/com/field.raw")

        assert running.headers["X-Array-Shape"] == "16,12,2"
        assert running.headers["X-Array-Dtype"] == "<f4"
        assert running.headers["X-Valid-Fraction"] == "0.5"
        assert running.headers["X-Result-Complete"] == "false"
        assert running.headers["X-Run-State"] == "running"
        assert len(running.body) == 16 * 12 * 2 * 4
        assert complete.headers["X-Valid-Fraction"] == "1"
        assert complete.headers["X-Result-Complete"] == "true"
        assert complete.headers["X-Run-State"] == "complete"

    async def test_pictures_fill_in(self, bench, viewer):
        before = await newest(viewer)
        await bench.announce(counts(7))
        pictures = set()
        for first in (0, 96):
            await bench.send(first, first + 96)
            await viewer.until_merged(first + 96, before)
            answer = await viewer.get(f"{RESULTS}/bf/intensity.png?size=128")
            assert answer.headers["Content-Type"] == "image/png"
            pictures.add(answer.body)
        await bench.end()

        assert len(pictures) == 2


class TestTrouble:
    """What goes wrong is told, and the rest goes on."""

    async def test_a_udf_that_raises(self, bench, viewer):
        data, before = counts(8), await newest(viewer)
        data[5, 5, 0, 0] = BAD
        await bench.announce(data)
        await bench.send(0, FRAMES)
        await bench.end()
        done = await viewer.until(lambda a: a["id"] != before and a["state"] == "complete")
        partial = await viewer.get(f"{RESULTS}/own/largest.npy")
        total = await viewer.get(f"{RESULTS}/total/intensity.npy")

        (failure,) = done["failures"]
        assert failure["udf"] == "own"
        assert f"a pixel of {BAD} is too much for me" in failure["error"]
        assert "moody.py" in failure["traceback"]
        # what was shown before it gave up, if anything, and never as if it were all
        assert partial.status == 409 or float(partial.headers["X-Valid-Fraction"]) < 1
        assert (total.array == data.sum(axis=(2, 3))).all()

    async def test_nonsense_on_the_wire_is_counted(self, bench, viewer):
        data, before = counts(9), await newest(viewer)
        await bench.announce(data)
        await bench.send(0, 10)
        await bench.send_raw([b"\xd9\xd9\xf7\xa1"], [b"nonsense"], [b"{", b"{"])
        await bench.send(10, FRAMES)
        await bench.end()
        done = await viewer.until(lambda a: a["id"] != before and a["state"] == "complete")

        assert done["losses"]["corrupt"] == 3
        assert done["merged"] == FRAMES

    @pytest.mark.parametrize(
        ("path", "kind", "hint"),
        [
            ("/api/v1/acquisition", "unknown-path", "acquisitions"),
            ("/api/v1/acquisitions/none", "unknown-acquisition", "latest"),
            (f"{RESULTS}/bv/intensity.npy", "unknown-udf", "bf"),
            (f"{RESULTS}/com/feild.npy", "unknown-channel", "field"),
            (f"{RESULTS}/com/field.tiff", "not-acceptable", ".png"),
            (f"{RESULTS}/com/field.npy?slcie=1", "unknown-parameter", "slice"),
        ],
    )
    async def test_what_is_not_there_is_a_problem_document(self, viewer, bench, path, kind, hint):
        before = await newest(viewer)
        await bench.announce(counts(10))
        await bench.send(0, 1)
        await bench.end()
        await viewer.until_merged(1, before)

        answer = await viewer.get(path)

        assert answer.status >= 400
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json["type"].endswith(f"#{kind}")
        assert answer.json["status"] == answer.status
        assert hint in answer.body.decode()


class TestOtherScans:
    """A query may ask how results would look in another scan; nobody else sees it."""

    async def test_during_and_after(self, bench, viewer):
        data, before = counts(16), await newest(viewer)
        flat = data.sum(axis=(2, 3)).reshape(-1)
        await bench.announce(data)
        await bench.send(0, 100)
        await viewer.until_merged(100, before)
        path = f"{RESULTS}/total/intensity.npy?nav_shape=12,-1&sync_offset=3"
        during = await viewer.get(path)
        held = await viewer.get(path, If_None_Match=during.tag)
        await bench.send(100, FRAMES)
        await bench.end()
        await viewer.until(lambda a: a["id"] != before and a["state"] == "complete")
        after = await viewer.get(path)
        states = await viewer.get("/api/v1/acquisitions/latest/coverage.npy?nav_shape=12,-1")
        usual = await viewer.get(f"{RESULTS}/total/intensity.npy")

        assert during.array.shape == (12, 16)
        assert (during.array.reshape(-1)[:97] == flat[3:100]).all()
        assert not during.array.reshape(-1)[97:].any()
        assert held.status == 304
        assert after.tag != during.tag
        assert (after.array.reshape(-1)[:189] == flat[3:]).all()
        assert states.array.shape == (12, 16)
        assert usual.array.shape == NAV

    @pytest.mark.parametrize(
        ("query", "status", "words"),
        [
            ("total/intensity.npy?nav_shape=12,x", 400, "whole numbers"),
            ("total/intensity.npy?nav_shape=99999,99999", 422, "positions"),
            ("total/intensity.npy?order=zigzag", 400, "raster or snake"),
            ("total/intensity.npy?nav_shape=-1,-1,-1", 422, "at most 2"),
            ("pattern/intensity.npy?sync_offset=1", 409, "not held any more"),
        ],
    )
    async def test_that_cannot_be(self, bench, viewer, query, status, words):
        before = await newest(viewer)
        await bench.announce(counts(17))
        await bench.send(0, FRAMES)
        await bench.end()
        await viewer.until(lambda a: a["id"] != before and a["state"] == "complete")
        answer = await viewer.get(f"{RESULTS}/{query}")

        assert answer.status == status
        assert words in answer.body.decode()


class TestAcquisitions:
    """One follows the other, and ``latest`` follows them."""

    async def test_latest_is_the_newest(self, bench, viewer):
        idents, totals = [await newest(viewer)], []
        for seed in (11, 12):
            data = counts(seed)
            await bench.announce(data, "simplon-v1" if seed == 11 else "simplon-v2")
            await bench.send(0, FRAMES)
            await bench.end()
            last = idents[-1]
            done = await viewer.until(lambda a, b=last: a["id"] != b and a["state"] == "complete")
            idents.append(done["id"])
            totals.append(data.sum(axis=(2, 3)))
        _, one, two = idents
        listed = (await viewer.get("/api/v1/acquisitions")).json["acquisitions"]

        assert [a["id"] for a in listed[:2]] == [two, one]
        for ident, total in zip((one, two), totals, strict=True):
            path = f"/api/v1/acquisitions/{ident}/results/total/intensity.npy"
            assert ((await viewer.get(path)).array == total).all()
        latest = (await viewer.get(f"{RESULTS}/total/intensity.npy")).array
        assert (latest == totals[1]).all()

    async def test_who_waits_on_latest_sees_the_next_acquisition(self, bench, viewer):
        before = await newest(viewer)
        await bench.announce(counts(13))
        await bench.send(0, FRAMES)
        await bench.end()
        done = await viewer.until(lambda a: a["id"] != before and a["state"] == "complete")
        first = await viewer.get(RESULTS)

        waiting = asyncio.create_task(
            viewer.get(RESULTS, If_None_Match=first.tag, Prefer="wait=60")
        )
        await bench.announce(counts(14))
        await bench.send(0, 5)
        woken = await asyncio.wait_for(waiting, 20)
        await bench.end()

        assert woken.json["acquisition"] != done["id"]


class TestEnding:
    """Nothing is left of a service that was stopped."""

    @pytest.mark.parametrize("moment", ["before", "during", "after"])
    async def test_leaves_nothing(self, moment):
        traces = Traces()
        bench = Bench()
        async with serving(bench, scan={"nav_shape": list(NAV), "update_s": 0.02}) as viewer:
            if moment != "before":
                await bench.announce(counts(15))
                await bench.send(0, 20)
                await viewer.until_merged(20)
                assert traces.processes()
            if moment == "after":
                await bench.send(20, FRAMES)
                await bench.end()
                await viewer.until(lambda a: a["state"] == "complete")
        bench.close()

        assert traces.processes() == []
        assert traces.memory() == []
