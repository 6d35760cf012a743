"""Every row of the page of failures has one test, and the page has every row it must have."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from e2e.fault_matrix.rows import REQUIRED, SHOWN_BY, promised


@pytest.fixture(scope="module")
def shown():
    """Row -> tests."""
    for path in Path(__file__).parent.glob("test_*.py"):
        if path.stem != Path(__file__).stem:
            importlib.import_module(f"e2e.fault_matrix.{path.stem}")
    return SHOWN_BY


class TestRows:
    """What is promised is shown."""

    def test_the_page_has_what_it_must(self):
        found = promised()

        assert sorted(found) == sorted(set(found))
        assert set(found) == set(REQUIRED)

    @pytest.mark.parametrize("name", REQUIRED)
    def test_has_one_test(self, shown, name):
        assert len(shown.get(name, [])) == 1, f"{name!r} is shown by {shown.get(name)}"

    def test_no_test_has_an_unknown_row(self, shown):
        assert set(shown) <= set(REQUIRED)
