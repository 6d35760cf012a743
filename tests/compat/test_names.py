"""``import libertem`` finds framefold when asked to, and only then."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from framefold import compat
from framefold.compat.names import FOLDERS, LentNames
from framefold.processes import launcher

REFUSED = {
    "libertem.contrib.daskadapter",
    "libertem.executor.delayed",
    "libertem.udf.holography",
    "libertem.viz.bqp",
    "libertem.viz.gms",
}

IMPORTED_BY_OTHERS = [
    "libertem.api:Context",
    "libertem.common:Shape,Slice",
    "libertem.common.backend:get_use_cpu,get_use_cuda,set_use_cpu,set_use_cuda",
    "libertem.common.buffers:AuxBufferWrapper,BufferWrapper,reshaped_view",
    "libertem.common.container:MaskContainer",
    "libertem.common.exceptions:ExecutorSpecException,UDFException,UDFRunCancelled",
    "libertem.common.executor:JobCancelledError,JobExecutor,TaskCommHandler,WorkerQueueEmpty",
    "libertem.common.math:count_nonzero,flat_nonzero,prod",
    "libertem.common.numba:cached_njit,rmatmul",
    "libertem.common.progress:ProgressReporter,ProgressState",
    "libertem.common.shape:Shape",
    "libertem.common.slice:Slice",
    "libertem.common.threading:set_num_threads",
    "libertem.common.tracing:maybe_setup_tracing",
    "libertem.corrections:CorrectionSet",
    "libertem.corrections.coordinates:flip_y,identity,rotate_deg,scale,scale_rotate_flip_y",
    "libertem.corrections.detector:RepairDescriptor,correct,correct_dot_masks",
    "libertem.exceptions:UDFException,UDFRunCancelled",
    "libertem.executor.concurrent:ConcurrentJobExecutor",
    "libertem.executor.dask:DaskJobExecutor,cluster_spec",
    "libertem.executor.inline:InlineJobExecutor",
    "libertem.executor.pipelined:PipelinedExecutor",
    "libertem.io.corrections:CorrectionSet",
    "libertem.io.dataset.base:DataSet,DataSetException,MMapBackend,TilingScheme",
    "libertem.io.dataset.memory:MemoryDataSet",
    "libertem_live.api:Hooks,LiveContext",
    "libertem_live.hooks:DetermineNavShapeEnv,Hooks,ReadyForDataEnv",
    "libertem_live.udf.monitor:PartitionMonitorUDF,SignalMonitorUDF",
    "libertem.masks:_make_circular_mask,balance,circular,radial_bins,ring,sparse_template_multi_stack",
    "libertem.udf:UDF,UDFMeta,UDFRunCancelled,check_cast",
    "libertem.udf.FEM:FEMUDF,run_fem",
    "libertem.udf.auto:AutoUDF",
    "libertem.udf.base:UDF,NoOpUDF,UDFPostprocessMixin,UDFPreprocessMixin,UDFTileMixin",
    "libertem.udf.com:CoMParams,CoMUDF,com_masks_factory,divergence,guess_corrections",
    "libertem.udf.crystallinity:CrystallinityUDF",
    "libertem.udf.logsum:LogsumUDF",
    "libertem.udf.masks:ApplyMasksUDF",
    "libertem.udf.raw:PickUDF",
    "libertem.udf.record:RecordUDF",
    "libertem.udf.stddev:StdDevUDF,run_stddev",
    "libertem.udf.sum:SumUDF",
    "libertem.udf.sumsigudf:SumSigUDF",
    "libertem.utils:make_cartesian,make_polar,regularize_indices",
    "libertem.utils.devices:detect",
    "libertem.viz:get_plottable_2D_channels,libertem_cyclic,rgb_from_2dvector,visualize_simple",
    "libertem.viz.base:Dummy2DPlot,Live2DPlot",
    "libertem.warnings:UseDiscouragedWarning",
]
"""What UDFs by other authors import: LiberTEM-blobfinder, -holo, -live, ptychography, scripts."""

FILES = [file for folder in FOLDERS.values() for file in sorted(folder.rglob("*.py"))]


def module_names() -> list[str]:
    """All names that are lent."""
    parts = [
        (package, *file.relative_to(folder).with_suffix("").parts)
        for package, folder in FOLDERS.items()
        for file in sorted(folder.rglob("*.py"))
    ]
    return [".".join(p[:-1] if p[-1] == "__init__" else p) for p in parts]


class TestLending:
    """Names are there after activate, and gone after deactivate."""

    def test_not_by_itself(self) -> None:
        assert not compat.is_active()
        assert "libertem" not in sys.modules

    def test_there_and_back(self) -> None:
        compat.activate()
        compat.activate()
        try:
            import libertem.udf as lent

            assert compat.is_active()
            assert importlib.import_module("framefold.udf").UDF is lent.UDF
            assert launcher.EVERYWHERE == ["framefold.compat:activate"]
        finally:
            compat.deactivate()

        assert not compat.is_active()
        assert "libertem.udf" not in sys.modules
        assert launcher.EVERYWHERE == []

    def test_refuses_to_mix_with_the_real_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = types.ModuleType("libertem")
        real.__file__ = "/elsewhere/libertem/__init__.py"
        monkeypatch.setitem(sys.modules, "libertem", real)

        with pytest.raises(compat.CompatError, match=r"already imported from /elsewhere"):
            compat.activate()

        assert not compat.is_active()
        compat.deactivate()
        assert sys.modules["libertem"] is real

    def test_is_first_to_be_asked(self) -> None:
        compat.activate()
        try:
            assert isinstance(sys.meta_path[0], LentNames)
        finally:
            compat.deactivate()


@pytest.mark.usefixtures("names")
class TestModules:
    """Every name leads to something of framefold."""

    @pytest.mark.parametrize("name", module_names())
    def test_imports_or_says_why_not(self, name: str) -> None:
        if name in REFUSED:
            with pytest.raises(ImportError, match=r"framefold.compat|libertem-holo"):
                importlib.import_module(name)
            return
        module = importlib.import_module(name)

        for exported in getattr(module, "__all__", ()):
            found = getattr(module, exported)
            # a colour map is one of matplotlib's where there is matplotlib
            ours = ("framefold", "numpy", "matplotlib")
            assert getattr(found, "__module__", "framefold").startswith(ours)

    @pytest.mark.parametrize("wanted", IMPORTED_BY_OTHERS)
    def test_what_others_import(self, wanted: str) -> None:
        name, _, attributes = wanted.partition(":")
        module = importlib.import_module(name)

        assert [a for a in attributes.split(",") if not hasattr(module, a)] == []

    def test_modules_are_attributes_of_packages(self) -> None:
        import libertem.api

        assert (
            libertem.udf.stddev.run_stddev
            is importlib.import_module("framefold.analyses.stddev").run_stddev
        )
        assert libertem.corrections.coordinates.identity().shape == (2, 2)
        for package, name in ((libertem, "web"), (libertem.udf, "holography"), (libertem, "_x")):
            with pytest.raises(AttributeError, match=f"has no {name}"):
                getattr(package, name)

    def test_what_load_raises_is_caught(self) -> None:
        from libertem.api import Context
        from libertem.io.dataset.base import DataSetException

        with Context.make_with("inline") as ctx:
            for arguments in (
                {"filetype": "memory", "tileshape": (1, 2, 3)},
                {"filetype": "memory", "data": np.zeros((2, 2, 3, 3)), "sync_offset": 9},
                {"filetype": "nonsense", "path": "/nowhere"},
                {"filetype": "auto", "path": "/nowhere"},
            ):
                with pytest.raises(DataSetException):
                    ctx.load(arguments.pop("filetype"), **arguments)

    def test_unknown_names_are_refused_in_words(self) -> None:
        with pytest.raises(ModuleNotFoundError, match=r"has no libertem.web; .*md lists"):
            importlib.import_module("libertem.web.server")

    def test_other_packages_are_none_of_its_business(self) -> None:
        assert LentNames().find_spec("libertem_blobfinder") is None
        assert LentNames().find_spec("json") is None


class TestThinness:
    """The lent modules have no logic of their own."""

    @pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
    def test_imports_and_nothing_else(self, file: Path) -> None:
        tree = ast.parse(file.read_text())

        for statement in tree.body[1:]:
            if isinstance(statement, ast.Assign):
                (target,) = statement.targets
                assert isinstance(target, ast.Name)
                assert target.id in ("__all__", "__version__")
            else:
                assert isinstance(statement, (ast.ImportFrom, ast.Raise))
        assert ast.get_docstring(tree)


class TestCommand:
    """``python -m framefold.compat`` runs what it is given."""

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "framefold.compat", *arguments],
            capture_output=True,
            text=True,
            cwd=cwd,
            timeout=60,
            check=False,
        )

    def test_runs_a_script_with_workers(self, tmp_path: Path) -> None:
        (tmp_path / "beside.py").write_text(
            "from libertem.udf import UDF\n"
            "class Total(UDF):\n"
            "    def get_result_buffers(self):\n"
            "        return {'total': self.buffer('nav')}\n"
            "    def process_frame(self, frame):\n"
            "        self.results.total[:] = frame.sum()\n"
        )
        (tmp_path / "script.py").write_text(
            "import sys\n"
            "import numpy as np\n"
            "import libertem.api as lt\n"
            "from beside import Total\n"
            "class Twice(Total):\n"
            "    def process_frame(self, frame):\n"
            "        super().process_frame(2 * frame)\n"
            "if __name__ == '__main__':\n"
            "    with lt.Context.make_with('threads', cpus=2) as ctx:\n"
            "        data = ctx.load('memory', data=np.ones((4, 3, 2), 'u2'), num_partitions=2)\n"
            "        a, b = ctx.run_udf(dataset=data, udf=[Total(), Twice()])\n"
            "        print(sys.argv[1:], a['total'].data.tolist(), b['total'].data.tolist())\n"
        )

        ended = self.run("script.py", "a", "-b", cwd=tmp_path)

        assert ended.stderr == ""
        assert ended.stdout == f"['a', '-b'] {[6.0] * 4} {[12.0] * 4}\n"

    def test_runs_a_module(self, tmp_path: Path) -> None:
        (tmp_path / "there.py").write_text("import libertem.udf, sys\nprint(sys.argv[1:])\n")

        ended = self.run("-m", "there", "x", cwd=tmp_path)

        assert (ended.stdout, ended.stderr) == ("['x']\n", "")

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            ((), 2, "usage: python -m framefold.compat"),
            (("--help",), 0, "usage: python -m framefold.compat"),
            (("nowhere.py",), 2, "there is no script nowhere.py"),
        ],
    )
    def test_wrong_use(
        self, arguments: tuple[str, ...], code: int, told: str, tmp_path: Path
    ) -> None:
        ended = self.run(*arguments, cwd=tmp_path)

        assert ended.returncode == code
        assert told in (ended.stderr if code else ended.stdout)

    def test_says_what_a_script_raised(self, tmp_path: Path) -> None:
        (tmp_path / "bad.py").write_text("import libertem.web\n")

        ended = self.run("bad.py", cwd=tmp_path)

        assert ended.returncode == 1
        assert "framefold.compat has no libertem.web" in ended.stderr


class TestLightness:
    """Whoever does not use it does not pay for it."""

    def test_the_command_line_does_not_import_it(self) -> None:
        code = (
            "import sys, framefold, framefold.cli; "
            "print([m for m in sys.modules if m.startswith(('framefold.compat', 'framefold.api'))])"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )

        assert ended.stdout == "[]\n"
