"""Benchmarks: a rate for each way of each case, and one table at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

RATES = pytest.StashKey()
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


def pytest_configure(config):
    # only where pytest.ini of this folder is in charge, and before numpy loads: one thread each
    if config.rootpath == Path(__file__).parent:
        os.environ.update(dict.fromkeys(THREADS, "1"))


@pytest.fixture(scope="session")
def rates(request):
    from rates import Rates  # found by pytest.ini of this folder

    return request.config.stash.setdefault(RATES, Rates())


def pytest_terminal_summary(terminalreporter, config):
    found = config.stash.get(RATES, None)
    if found is not None:
        terminalreporter.write_line("")
        terminalreporter.write_line(found.table())
