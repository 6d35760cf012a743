"""Every run tells where its time went."""

from __future__ import annotations

import json

import numpy as np
import pytest

from framefold import ArrayDataSet, Context, SumUDF
from framefold.engine.report import EVERYBODY
from framefold.engine.run import Run
from framefold.udf import UDF


class Busy(UDF):
    """Has every hook."""

    def get_result_buffers(self):
        return {"seen": self.buffer("nav", dtype=np.float32)}

    def get_task_data(self):
        return {"one": 1}

    def preprocess(self):
        self.results.seen[:] = 0

    def process_frame(self, frame):
        self.results.seen[:] = frame.sum()

    def postprocess(self):
        self.results.seen[:] += 1


DATA = ArrayDataSet(np.ones((6, 7, 8, 9), np.uint16), num_partitions=5)


@pytest.fixture(scope="module")
def ended():
    with Context.inline() as ctx:
        run = Run(DATA.reader(), {"busy": Busy(), "sum": SumUDF()}, ctx.pool)
        for _ in run.steps():
            pass
    return run


class TestReport:
    """A report has a line for each UDF and hook, and for what they share."""

    def test_every_hook_has_a_line(self, ended):
        counts = {(line.owner, line.what): line.count for line in ended.report().lines}

        for hook in ("constructor", "get_task_data", "preprocess", "postprocess", "merge"):
            assert counts["busy", hook] == 5
        assert counts["busy", "process"] >= 5
        assert counts["sum", "process"] >= 5
        assert counts["busy", "get_results"] >= 1
        assert counts[EVERYBODY, "read and decode"] >= 5
        assert counts[EVERYBODY, "convert"] >= 5

    def test_times_fit_into_the_run(self, ended):
        report = ended.report()

        assert report.frames == 42
        assert report.pixel_bytes == 42 * 8 * 9 * 2
        for line in report.lines:
            assert 0 <= line.longest <= line.seconds <= report.seconds

    def test_as_text_json_and_html(self, ended):
        report = ended.report()

        assert "42 frames" in str(report)
        assert json.loads(json.dumps(report.as_dict()))["frames"] == 42
        assert "<table>" in report._repr_html_()

    def test_the_context_keeps_the_last_one(self):
        with Context.inline() as ctx:
            assert ctx.report is None
            ctx.run_udf(dataset=DATA, udf=SumUDF())

            assert ctx.report is not None
            assert ctx.report.frames == 42
