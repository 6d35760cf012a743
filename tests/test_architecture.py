"""What import-linter's contracts leave open: loops, unpickling, and what is imported when."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import framefold

SOURCE = Path(framefold.__file__).parent
UNPICKLE = {"load", "loads", "Unpickler"}
PICKLES = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
MAY_UNPICKLE = (
    "processes/",
    "engine/",
    "udf/partial.py",
    "live/receiver.py",
    "live/stream.py",
    "record/recorder.py",
    "formats/dask_arrays.py",  # a block's own part, which comes through the workers' pipe
    "testing/trial.py",  # what it has pickled itself, a line before
)
"""These read only from pipes between our own processes; nobody else can write to them."""


def unpickling(source: str) -> list[int]:
    """Lines in which something is unpickled, under whatever name it was imported."""
    tree = ast.parse(source)
    modules: set[str] = set()
    functions: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {a.asname or a.name for a in node.names if a.name in PICKLES}
        elif isinstance(node, ast.ImportFrom) and node.module in PICKLES:
            functions |= {a.asname or a.name for a in node.names if a.name in UNPICKLE}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in modules and node.attr in UNPICKLE:
                found.append(node.lineno)
        elif isinstance(node, ast.Name) and node.id in functions:
            found.append(node.lineno)
        elif (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        ):
            found.append(node.value.lineno)
    return found


class TestImports:
    """Nobody imports in a circle."""

    @pytest.mark.parametrize("package", ["framefold", "framefold_simulators"])
    def test_no_loops(self, package):
        graph = grimp.build_graph(package, cache_dir=None)
        below = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}

        try:
            order = list(TopologicalSorter(below).static_order())
        except CycleError as error:
            pytest.fail(f"modules import in a circle: {' -> '.join(error.args[1])}")

        assert len(order) == len(graph.modules) > 10


class TestUnpickling:
    """What comes from a file or over the network is never unpickled."""

    def test_only_between_our_own_processes(self):
        found = {
            path.relative_to(SOURCE).as_posix(): lines
            for path in sorted(SOURCE.rglob("*.py"))
            if (lines := unpickling(path.read_text(encoding="utf-8")))
        }

        assert [name for name in found if not name.startswith(MAY_UNPICKLE)] == []
        assert "udf/partial.py" in found

    @pytest.mark.parametrize(
        "source",
        [
            "import pickle\npickle.loads(b'')",
            "import cloudpickle as cp\ncp.load(file)",
            "from pickle import loads as read\nread(b'')",
            "from pickle import Unpickler\nclass Mine(Unpickler): pass",
            "import numpy as np\nnp.load(file, allow_pickle=True)",
            "import numpy as np\nnp.load(file, allow_pickle=setting)",
        ],
    )
    def test_is_found_in_any_spelling(self, source):
        assert unpickling(source)

    def test_json_is_none(self):
        assert not unpickling("import json\njson.loads('1')\nnp.load(file, allow_pickle=False)")


class TestStart:
    """What is quick to start imports little."""

    @pytest.mark.parametrize(
        ("program", "not_imported"),
        [
            ("import framefold", {"numpy", "numba", "aiohttp", "zmq", "h5py", "pydantic"}),
            (
                "from framefold.cli import main\n"
                "try: main(['--help'])\n"
                "except SystemExit as end: assert end.code == 0",
                {"numpy", "numba", "aiohttp", "zmq", "h5py", "pydantic"},
            ),
            ("import framefold.config", {"numpy", "numba", "aiohttp", "zmq", "h5py"}),
            ("import framefold.formats", {"numba", "aiohttp", "zmq", "pydantic"}),
            ("import framefold.http.app", {"numba", "zmq", "h5py", "PIL", "pydantic"}),
            ("import framefold.udf", {"numba", "aiohttp", "zmq", "h5py"}),
            ("import framefold.protocols", {"numba", "aiohttp", "zmq", "h5py"}),
        ],
    )
    def test_imports_little(self, program, not_imported):
        told = f"{program}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
        ended = subprocess.run(
            [sys.executable, "-c", told], capture_output=True, text=True, check=True
        )

        assert not_imported & set(ended.stderr.split()) == set()
