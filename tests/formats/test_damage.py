"""Damaged copies of recordings of every format: no crash, no hang, no foreign exception."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from formats.damage_recordings import MAKERS

NAMES = list(MAKERS)
EACH = 3


@pytest.mark.parametrize("part", range(2))
def test_random_damage(part):
    """In processes of their own: the HDF5 library may crash on damaged structures.

    ``python tests/formats/damage_corpus.py 400`` does it for 12,000 files.
    """
    here = Path(__file__).parent
    paths = [here, here.parent, os.environ.get("PYTHONPATH", "")]
    names = NAMES[part::2]
    only = [word for name in names for word in ("--only", name)]

    ended = subprocess.run(
        [sys.executable, here / "damage_corpus.py", str(EACH), *only],
        capture_output=True, text=True, check=False, timeout=110,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
    )  # fmt: skip

    assert ended.stderr == ""
    assert ended.returncode == 0
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == names
