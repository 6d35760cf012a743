"""Renew the list of modules in docs/explanation/architecture.md: ``python tests/tree.py``.

One line a module, the first sentence of its docstring; modules that git does not know are left
out.
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path, PurePath

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
HEADING = "One line a module, as its docstring begins."
FOLDERS = (PurePath("src/framefold"), PurePath("simulators/framefold_simulators"))
WIDTH = 28


def modules() -> list[PurePath]:
    """All modules, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *(f"{folder}/*.py" for folder in FOLDERS)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return sorted(PurePath(line) for line in listed.splitlines() if (ROOT / line).is_file())


def sentence(module: PurePath) -> str:
    """What the module says it is."""
    found = ast.get_docstring(ast.parse((ROOT / module).read_text(encoding="utf-8"))) or ""
    return " ".join(found.partition("\n\n")[0].split())


def tree() -> str:
    """The list: modules of a folder before the rooms in it."""
    lines: list[str] = []

    def add(folder: PurePath, depth: int, known: list[PurePath]) -> None:
        for module in (m for m in known if m.parent == folder):
            if module.name != "__init__.py" or not depth:
                lines.append(_line(2 * depth + 2, module.name, sentence(module)))
        inner = [m for m in known if folder in m.parents and m.parent != folder]
        for room in sorted({folder / m.relative_to(folder).parts[0] for m in inner}):
            lines.append(_line(2 * depth + 2, f"{room.name}/", sentence(room / "__init__.py")))
            add(room, depth + 1, [m for m in inner if room in m.parents])

    for folder in FOLDERS:
        lines.append(f"{folder}/")
        add(folder, 0, [m for m in modules() if folder in m.parents])
    return "\n".join(lines)


def _line(indent: int, name: str, text: str) -> str:
    return f"{' ' * indent}{name:<{WIDTH - indent}}{text}".rstrip()


def main() -> None:
    """Write it."""
    before, heading, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    PAGE.write_text(f"{before}{heading}\n\n```\n{tree()}\n```\n", encoding="utf-8")


if __name__ == "__main__":
    main()
