"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings, named by the environment; skips where there is none."""
    named = os.environ.get("FRAMEFOLD_RECORDINGS")
    if not named:
        pytest.skip("FRAMEFOLD_RECORDINGS does not name the folder of recordings")
    folder = Path(named)
    if not (folder / "SOURCES.md").is_file():
        pytest.skip(f"no recordings in {folder}")
    return folder
