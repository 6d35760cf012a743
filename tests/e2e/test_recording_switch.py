"""Recording is switched over HTTP while scan after scan comes; each is recorded whole, or not."""

from __future__ import annotations

import logging

import h5py
import hdf5plugin
import numpy as np
import pytest

from e2e.served import Bench, serving
from framefold.wirelog import WireLog

assert hdf5plugin.FILTERS  # importing it makes the filters known

NAV, SIG = (6, 8), (16, 24)
PATH = "/api/v1/recording"


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def scan(number):
    return np.random.default_rng(number).poisson(3, (*NAV, *SIG)).astype("u2")


def sections(folder, **recording):
    return {
        "server": {"port": 0, "control": True},
        "scan": {"nav_shape": list(NAV)},
        "recording": {"directory": str(folder), "min_free_gib": 0, **recording},
    }


class Operator:
    """Has the token, and sends scans."""

    def __init__(self, viewer, bench, token):
        self.viewer, self.bench = viewer, bench
        self.headers = {"Authorization": f"Bearer {token}"}
        self.number = 0
        self.ident = ""

    async def switch(self, **wanted):
        """Switch; how it stands then."""
        answer = await self.viewer.patch(PATH, wanted, **self.headers)
        assert answer.status == 200, answer.body
        return answer.json

    async def begin(self):
        """A scan begins; returns when a half of it is in the results."""
        self.number += 1
        await self.bench.announce(scan(self.number))
        await self.bench.send(0, 24)
        self.ident = (await self.viewer.until_merged(24, self.ident))["id"]

    async def finish(self):
        """The rest of it; returns when it is through."""
        await self.bench.send(24, 48)
        await self.bench.end()
        await self.viewer.until(lambda seen: seen["state"] == "complete")


async def test_from_the_next_acquisition_on(bench, tmp_path, caplog):
    """Off, on, off, in the middle of a scan each time: files are there of the one between."""
    caplog.set_level(logging.INFO)
    tokens = []
    async with serving(bench, announce_token=tokens, **sections(tmp_path)) as viewer:
        operator = Operator(viewer, bench, *tokens)
        await operator.begin()
        on = await operator.switch(hdf5=True, wire_log=True)
        await operator.finish()
        assert list(tmp_path.iterdir()) == []

        await operator.begin()
        recorded = operator.ident
        off = await operator.switch(hdf5=False, wire_log=False)
        await operator.finish()
        state = await viewer.until_results_kept()

        await operator.begin()
        idle = (await viewer.get(PATH)).json
        await operator.finish()
        status = (await viewer.get("/api/v1/status")).json

    nothing, both = ({"hdf5": on, "wire_log": on} for on in (False, True))
    assert (on["now"], on["next"]) == (nothing, both)
    assert (off["now"], off["next"]) == (both, nothing)
    assert (idle["now"], idle["next"]) == (nothing, nothing)
    assert off["wire_log"]["state"] == "logging"
    assert on["wire_log"]["state"] == idle["wire_log"]["state"] == "off"
    assert (on["directory"], on["free_bytes"] > 0) == (str(tmp_path), True)

    (master,), (log,) = tmp_path.glob("*_master.h5"), tmp_path.glob("*.fflog")
    assert len(list(tmp_path.iterdir())) == 4  # and one with frames, one with results
    with h5py.File(master) as file:
        assert (file["entry/data/data"][()] == scan(2)).all()
    assert WireLog(log).problems == []
    assert len(list(WireLog(log))) == 1 + 48 + 1
    assert (state["acquisition"], state["file"]) == (recorded, str(master))
    assert status["recording"]["results"] == state["results"]  # still those of the last recording
    assert status["totals"]["recording"]["frames"] == 48

    assert tokens[0] not in caplog.text
    told = next(line for line in caplog.messages if "recording switched" in line)
    assert "client=127.0.0.1" in told
    assert 'before={"hdf5":false,"wire_log":false} after={"hdf5":true,"wire_log":true}' in told


async def test_only_messages(bench, tmp_path):
    """The wire log goes without the other; and what was configured can be switched off."""
    tokens = []
    configured = sections(tmp_path, enabled=True, wire_log=True, results=False)
    async with serving(bench, announce_token=tokens, **configured) as viewer:
        operator = Operator(viewer, bench, *tokens)
        first = await operator.switch(hdf5=False)
        await operator.begin()
        now = (await viewer.get(PATH)).json["now"]
        await operator.finish()

    assert first["next"] == {"hdf5": False, "wire_log": True}
    assert now == {"hdf5": False, "wire_log": True}
    (log,) = tmp_path.iterdir()
    assert len(list(WireLog(log))) == 1 + 48 + 1


async def test_without_a_folder(bench):
    tokens = []
    told = {"server": {"port": 0, "control": True}}
    async with serving(bench, announce_token=tokens, **told) as viewer:
        operator = Operator(viewer, bench, *tokens)
        refused = await viewer.patch(PATH, {"hdf5": True}, **operator.headers)
        facts = (await viewer.get(PATH)).json

    assert (refused.status, facts["directory"], facts["free_bytes"]) == (409, None, None)
    assert "set directory in [recording]" in refused.json["detail"]
