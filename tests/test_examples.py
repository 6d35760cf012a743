"""What the pages show runs: every example is executed as it stands, one page a test.

Blocks of a page are executed in order, in a folder of their own; those of Python share one
namespace. What a page cannot say itself stands in a comment on the line before a block:

``<!-- not run: reason -->``
    The block is left out.
``<!-- file: NAME -->``
    The block is written to that file, and executed as well.
``<!-- set-up: live 32x32 frames of 64x64 -->``
    A simulated detector sends one such scan to the address that the block names.
``<!-- set-up: demo -->``
    ``framefold demo`` runs behind the address that the block names.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from e2e.wires import wire
from framefold.compat import deactivate
from framefold_simulators.sender import Sender

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ("tutorials", "how-to", "reference")
"""Folders of docs/ whose examples are meant to be copied; explanations have none."""

PAGES = [
    ROOT / "README.md",
    *sorted(page for folder in SHOWN for page in (ROOT / "docs" / folder).rglob("*.md")),
]

_BLOCK = re.compile(
    r"^(?:<!-- (?P<comment>[^\n]*) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LIVE = re.compile(r"live (\d+)x(\d+) frames of (\d+)x(\d+)")
_ADDRESS = re.compile(r"tcp://[\w.]+:\d+")
_COMMAND = re.compile(r"^(framefold|python|pytest) ", re.MULTILINE)
_PATIENCE = 60.0


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Parameters
    ----------
    language, text : str
        What it says behind the fence, and what is in it.
    comment : str
        What stands on the line before it.
    line : int
        Where it begins in the page.
    """

    language: str
    text: str
    comment: str
    line: int

    @property
    def is_run(self) -> bool:
        """Whether it is an example that can be executed here."""
        if self.comment.startswith("not run: "):
            return False
        if self.language == "python":
            return True
        return self.language == "sh" and bool(_COMMAND.match(self.text))

    def told(self, what: str) -> str | None:
        """What the comment says behind a keyword."""
        keyword, _, rest = self.comment.partition(": ")
        return rest if keyword == what else None


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            found["comment"] or "",
            text.count("\n", 0, found.start("text")) + 1,
        )
        for found in _BLOCK.finditer(text)
    ]


@contextlib.contextmanager
def surroundings(block: Block) -> Iterator[str]:
    """What a block needs around it; gives its text, with addresses that are there."""
    told = block.told("set-up")
    if told is None:
        yield block.text
    elif told == "demo":
        with demo() as address:
            yield block.text.replace("http://127.0.0.1:8420/", address)
    else:
        live = _LIVE.fullmatch(told)
        assert live is not None, f"set-up {told!r} is unknown"
        shape = tuple(int(n) for n in live.groups())
        data = np.random.default_rng(0).poisson(3, shape).astype(np.uint16)
        with Sender(wire(data), rate=None) as sender:
            yield _ADDRESS.sub(sender.endpoint, block.text)


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """A detector and a server; gives its address."""
    command = [sys.executable, "-m", "framefold", "demo", "--port", "0", "--workers", "1"]
    command += ["--scan", "32x32", "--sig", "32x32", "--rate", "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                address = re.search(r"http://127\.0\.0\.1:\d+/", line)
                if address:
                    wait_for_results(address[0])
                    yield address[0]
                    return
            pytest.fail("framefold demo ended before it told its address")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE)


def wait_for_results(address: str) -> None:
    """Ask until the first acquisition has results."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}api/v1/acquisitions/latest/results"):
                return
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
    pytest.fail("no results")


def run_python(text: str, block: Block, page: Path, names: dict[str, object]) -> None:
    """Execute a block in the namespace of its page."""
    # empty lines before it, so that a traceback tells lines of the page
    code = compile("\n" * (block.line - 1) + text, str(page), "exec")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(code, names)


def run_shell(text: str, folder: Path) -> None:
    """Execute the commands of a block with this interpreter."""
    commands = f'framefold() {{ "{sys.executable}" -W error::UserWarning -m framefold "$@"; }}\n'
    commands += f'python() {{ "{sys.executable}" "$@"; }}\n'
    commands += 'pytest() { python -m pytest -p no:cacheprovider "$@"; }\n'
    done = subprocess.run(
        ["/bin/bash", "-e", "-c", commands + text],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def names_taken_back() -> Iterator[None]:
    """Import names that an example lends do not stay lent."""
    yield
    deactivate()


@pytest.mark.usefixtures("names_taken_back")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.is_run for block in blocks(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    scan = np.random.default_rng(0).poisson(3, (16, 16, 32, 32)).astype(np.uint16)
    np.save("scan.npy", scan)  # the recording that examples speak of
    # as in a script or a notebook: what is defined here travels to workers by value
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if not block.is_run:
            continue
        with surroundings(block) as text:
            file = block.told("file")
            if file is not None:
                (tmp_path / file).write_text(text, encoding="utf-8")
            if block.language == "python":
                run_python(text, block, page, names)
            else:
                run_shell(text, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_comments_are_understood(page: Path) -> None:
    for block in blocks(page):
        keyword = block.comment.partition(": ")[0]
        assert keyword in ("", "not run", "file", "set-up"), f"line {block.line}: {block.comment}"
