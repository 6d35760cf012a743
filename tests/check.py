"""Everything that is checked before a change goes in: ``.venv/bin/python tests/check.py``.

Style, types, import contracts and spelling first, since they are quick; then all tests. Each
step is run whatever came of the one before, and the exit code is 0 only if all went well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent  # not resolved: a venv's python is a link to somewhere else
SPELLED = ("src", "simulators", "tests", "docs", "configs", "README.md")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
STEPS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
    ("codespell", *SPELLED),
)
RECORDINGS = "FRAMEFOLD_RECORDINGS"
WARM = "from framefold.cli.doctor import warm; warm()"
THIRD_PARTY = ("libertem-blobfinder==0.6.1", "libertem-holo==1.0.0")


def heading(text: str) -> None:
    """A line that is found again in a long log."""
    print(f"\n=== {text}", flush=True)


def passed(command: list[str]) -> bool:
    """Whether a command ended with 0; it writes to our own output."""
    begin = time.monotonic()
    try:
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
    except OSError as error:
        print(f"{command[0]} cannot be run: {error}", file=sys.stderr, flush=True)
        return False
    seconds = time.monotonic() - begin
    told = "ok" if code == 0 else f"FAILED with exit code {code}"
    # pytest's own summary is to be the last line
    if "pytest" not in command:
        print(f"{told}, {seconds:.1f} s", flush=True)
    return code == 0


def fetch_chromium() -> None:
    """Get what browser tests drive, where that is ours to do; without it they skip, in words."""
    if any(shutil.which(name) for name in CHROMIUMS):
        return
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return
    heading("chromium for browser tests (apt-get)")
    install = ("install", "-y", "-qq", "--no-install-recommends", "chromium")
    for arguments in (("update", "-qq"), install):
        ended = subprocess.run(
            ["apt-get", *arguments],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        )
        if ended.returncode != 0:
            print(f"apt-get {arguments[0]} failed: browser tests will be skipped", flush=True)
            return


def fetch_third_party() -> None:
    """Get published packages that run under our names or read files for us; else tests skip."""
    heading("UDF packages and file readers of others (pip)")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # without what they depend on: that would be the real LiberTEM
    for arguments in (["-e", f"{ROOT}[third-party,rosettasciio]"], ["--no-deps", *THIRD_PARTY]):
        if subprocess.run([*pip, *arguments], cwd=ROOT, check=False).returncode != 0:
            print("pip failed: tests of other people's packages will be skipped", flush=True)
            return


def compile_kernels() -> None:
    """Once for all tests: many would wait for it otherwise, each process for itself."""
    heading("kernels")
    passed([sys.executable, "-c", WARM])


def find_recordings() -> None:
    """Name the folder of real recordings to the tests, where one lies beside the checkout."""
    beside = ROOT.parent / "shared" / "data"
    if RECORDINGS not in os.environ and (beside / "SOURCES.md").is_file():
        os.environ[RECORDINGS] = str(beside)


def main() -> int:
    """Run all steps; 0 if all went well."""
    failed = []
    for name, *arguments in STEPS:
        heading(" ".join((name, *arguments)))
        if not passed([str(TOOLS / name), *arguments]):
            failed.append(name)
    fetch_chromium()
    fetch_third_party()
    compile_kernels()
    find_recordings()
    heading(f"pytest, recordings: {os.environ.get(RECORDINGS, 'none')}")
    # whoever has nothing left takes tests from the other, though what a file shares is made twice
    if not passed([sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal"]):
        failed.append("pytest")
    if failed:
        print(f"\nFAILED: {', '.join(failed)}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
