"""A scan in an order of its own, live: as a table in the configuration says."""

from __future__ import annotations

import numpy as np

from e2e.served import Bench, serving

NAV, SIG = (5, 7), (6, 8)
PIPELINE = [{"name": "sig", "udf": "sumsig", "params": {}}, {"name": "total", "udf": "sum"}]


async def test_every_series_goes_by_it(tmp_path, inline):
    rng = np.random.default_rng(6)
    table = rng.permutation(35)
    table[[4, 20]] = -1  # frames without a place
    path = tmp_path / "order.csv"
    path.write_text("\n".join(map(str, table)))
    sections = {
        "scan": {"nav_shape": list(NAV), "positions": str(path)},
        "pipeline": PIPELINE,
    }
    bench = Bench()
    ident = ""
    async with serving(bench, **sections) as viewer:
        for _ in range(2):
            data = rng.poisson(3, (*NAV, *SIG)).astype("u2")
            await bench.announce(data)
            await bench.send(0, 11)
            await bench.send(12, 35)  # one is lost
            await bench.end()
            before = ident
            told = await viewer.until(
                lambda a, last=before: a["id"] != last and a["state"] in ("aborted", "complete")
            )
            ident = told["id"]
            base = f"/api/v1/acquisitions/{ident}"
            found = (await viewer.get(f"{base}/results/sig/intensity.npy")).array
            valid = (await viewer.get(f"{base}/results/sig/intensity.npy?part=valid")).array
            total = (await viewer.get(f"{base}/results/total/intensity.npy")).array

            frames = data.reshape(35, *SIG)
            came = [n for n in range(35) if n != 11 and table[n] >= 0]
            expected = np.zeros(35)
            expected[table[came]] = frames[came].sum(axis=(1, 2))
            there = np.isin(np.arange(35), table[came])
            assert (valid.ravel() == there).all()
            assert (found.ravel()[there] == expected[there]).all()
            assert (total == frames[came].sum(axis=0)).all()
            assert told["merged"] == len(came)
            assert told["losses"]["flyback"] + told["losses"]["surplus"] == 2
    bench.close()
