"""Metrics: the facts of the status, as Prometheus and OpenMetrics have them."""

from __future__ import annotations

import re
import time
from dataclasses import fields
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed

from framefold.core.losses import Losses
from framefold.http.app import make_app
from framefold.http.metric_table import METRICS, Kind
from framefold.http.metrics import understood

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# what Prometheus 3 sends
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
STATUS = {
    "source": {"connected": True, "messages": 12, "payload_bytes": 1 << 40, "slots": None},
    "recording": None,
    "workers": {"count": 2, "replaced": 1, "last_loss": "x"},
    "run": {
        "state": "running",
        "seconds": 1.5,
        "frames": 10,
        "wanted": 48,
        "lag_slot_s": 0.25,
        "lag_work_s": 0.5,
        "failed": {"sum": False, 'odd "name"\n\\': True},
    },
    "totals": {"losses": {"received": 10}, "runs": {"complete": 3, "failed": 0}},
}


def values(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Samples by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parsed(text)
        for sample in family.samples
    }


@pytest.fixture
async def asked(history):
    """A client of a server with this status."""
    server = TestServer(make_app(history, lambda: STATUS))
    await server.start_server()
    async with TestClient(server) as made:
        yield made


class TestAnswer:
    """What the status says, in the form that was asked for."""

    async def test_values(self, asked):
        found = values(await (await asked.get("/metrics")).text())

        def sample(name, **labels):
            return found["framefold_" + name, frozenset(labels.items())]

        assert sample("source_connected") == 1
        assert sample("source_messages_total") == 12
        assert sample("source_payload_bytes_total") == 1 << 40
        assert sample("workers") == 2
        assert sample("workers_replaced_total") == 1
        assert sample("frames_received_total") == 10
        assert sample("runs_total", state="complete") == 3
        assert sample("run_wanted_positions") == 48
        assert sample("run_lag_seconds", stage="work") == 0.5
        assert sample("run_state", framefold_run_state="running") == 1
        assert sample("run_state", framefold_run_state="failed") == 0
        assert sample("run_udf_failed", udf='odd "name"\n\\') == 1
        assert sample("history_runs") == 1
        assert sample("http_held_requests") == 0
        assert not any(name.startswith("framefold_recording") for name, _ in found)

    async def test_before_anything_came(self, history):
        async with TestClient(TestServer(make_app(history, dict))) as client:
            answer = await client.get("/metrics")
            found = values(await answer.text())

        assert answer.status == 200
        assert {name for name, _ in found} == {
            "framefold_build_info",
            "framefold_history_runs",
            "framefold_http_held_requests",
            "framefold_http_watched_runs",
        }

    @pytest.mark.parametrize("accept", [OPENMETRICS, PROMETHEUS])
    async def test_openmetrics(self, asked, accept):
        answer = await asked.get("/metrics", headers={"Accept": accept})
        text = await answer.text()

        assert answer.headers["Content-Type"].startswith(OPENMETRICS)
        found = {family.name: family for family in openmetrics.text_string_to_metric_families(text)}
        assert found["framefold_run_state"].type == "stateset"
        assert found["framefold_run_lag_seconds"].unit == "seconds"

    @pytest.mark.parametrize(
        "accept", ["", "*/*", "image/png", "text/plain; version=0.0.4", "text/plain;version=\xb2"]
    )
    async def test_text(self, asked, accept):
        answer = await asked.get("/metrics", headers={"Accept": accept})

        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["Cache-Control"] == "no-store"

    async def test_hosts_and_parameters_as_elsewhere(self, asked):
        foreign = await asked.get("/metrics", headers={"Host": "evil.example"})
        unknown = await asked.get("/metrics?name[]=x")
        head = await asked.head("/metrics")

        assert (foreign.status, unknown.status, head.status) == (403, 400, 200)

    async def test_costs_little(self, asked):
        """Below a few milliseconds: the loop that answers everybody stands still meanwhile."""
        await asked.get("/metrics")
        seconds = []
        for _ in range(10):
            began = time.perf_counter()
            await asked.get("/metrics")
            seconds.append(time.perf_counter() - began)

        assert min(seconds) < 0.02  # a few on a quiet machine


PIECES = [
    *("application/openmetrics-text", "text/plain", "*/*", ";", ",", " ", "=", '"', "version="),
    *("q=0.5", "escaping=", "values", "0.0.1", "1.0.0", "2", "abc", "99.9", "\xb2", "1.."),
]


class TestAccept:
    """Whatever a header says, an encoder is found that works, and nothing of it is answered."""

    @given(
        st.lists(
            st.sampled_from(PIECES),
            max_size=12,
        ).map("".join)
    )
    def test_nonsense(self, accept):
        encode, media_type = choose_encoder(understood([accept]))

        assert encode(Nothing()) in (b"", b"# EOF\n")
        assert re.fullmatch(
            r"(text/plain|application/openmetrics-text); version=(0\.0\.[14]|1\.0\.0); "
            r"charset=utf-8(; escaping=[a-z0-9-]+)?",
            media_type,
        )


class Nothing:
    def collect(self):
        return ()


class TestTable:
    """The table has what there is, by rules that Prometheus's own linter has."""

    def test_names(self):
        for family in METRICS:
            assert re.fullmatch(r"framefold(_[a-z]+)+", family.name)
            assert not family.name.endswith(("_total", "_count", "_sum", "_bucket", "_info"))
            assert family.help.endswith(".")
            assert len(family.labels) <= 1
        names = [family.name for family in METRICS]
        assert len(set(names)) == len(names)

    def test_all_losses(self):
        told = {family.name for family in METRICS if family.kind is Kind.COUNTER}

        assert {f"framefold_frames_{field.name}" for field in fields(Losses)} <= told

    async def test_the_reference_lists_what_is_told(self, asked):
        """Name, type and label of each, in the same order."""
        listed = re.findall(
            r"^\| `(framefold_\w+)` \| (\w+) \| (?:`(\w+)`)? ?\|",
            REFERENCE.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        ending = {Kind.COUNTER: "_total"}
        expected = [
            (f.name + ending.get(f.kind, ""), f.kind.value, "".join(f.labels)) for f in METRICS
        ]
        text = await (await asked.get("/metrics")).text()

        assert listed == [("framefold_build_info", "gauge", ""), *expected]
        assert re.findall(r"^# TYPE (\w+)", text, re.MULTILINE) == [name for name, _, _ in listed]
