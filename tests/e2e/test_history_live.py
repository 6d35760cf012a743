"""Scan after scan from one stream: the last ones from memory, older ones from files."""

from __future__ import annotations

import numpy as np

from e2e.served import Bench, serving

NAV, SIG = (6, 8), (16, 24)
PIPELINE = [
    {"name": "total", "udf": "sum", "params": {}},
    {"name": "com", "udf": "com", "params": {}},
]
PATHS = ("results/total/intensity.npy", "results/com/raw_com.npy", "coverage.npy")


def scan(seed):
    return np.random.default_rng(seed).poisson(3, (*NAV, *SIG)).astype("u2")


async def arrays(viewer, ident):
    """Results of an acquisition, and their versions."""
    answers = [await viewer.get(f"/api/v1/acquisitions/{ident}/{path}") for path in PATHS]
    assert [answer.status for answer in answers] == [200] * len(PATHS)
    return [(answer.body, answer.headers["ETag"]) for answer in answers]


async def test_older_ones_come_from_files(tmp_path):
    sections = {
        "scan": {"nav_shape": list(NAV)},
        "pipeline": PIPELINE,
        "history": {"keep_in_memory": 1, "directory": str(tmp_path / "history")},
    }
    bench = Bench()
    seen, ident = {}, ""
    async with serving(bench, **sections) as viewer:
        for number in range(3):
            await bench.announce(scan(number))
            await bench.send(0, 48)
            await bench.end()
            before = ident
            told = await viewer.until(
                lambda a, last=before: a["id"] != last and a["state"] == "complete"
            )
            ident = told["id"]
            seen[ident] = await arrays(viewer, ident)
        listed = (await viewer.get("/api/v1/acquisitions")).json["acquisitions"]
        assert [one["id"] for one in listed] == [*reversed(seen)]
        for one, known in seen.items():
            assert await arrays(viewer, one) == known
    bench.close()

    # another server, of another day
    bench = Bench()
    async with serving(bench, **sections) as viewer:
        assert (await viewer.get("/api/v1/acquisitions/latest")).status == 404
        status = (await viewer.get("/api/v1/status")).json["history"]
        assert (status["kept"], status["failure"]) == (3, "")
        listed = (await viewer.get("/api/v1/acquisitions")).json["acquisitions"]
        assert [one["id"] for one in listed] == [*reversed(seen)]
        for one, known in seen.items():
            assert await arrays(viewer, one) == known
    bench.close()
