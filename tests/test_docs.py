"""The documentation is true as far as a machine can tell: links, commands, keys, the tree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from framefold.analyses import UDFS
from framefold.cli import COMMANDS
from framefold.config import Config
from framefold.http.problems import CATALOGUE
from framefold.udf import UDF, UDFMeta

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
MADE_APART = {DOCS / "images" / "demo.png"}
"""Pictures that are taken of a running program; a text may refer to them before they exist."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """What headings can be linked by."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower().replace("`", "")).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page):
    for link in _LINK.findall(prose(page)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists() or target in MADE_APART, f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


class TestReadme:
    """README.md is short, and two commands in it stand for running and testing."""

    text = (ROOT / "README.md").read_text(encoding="utf-8")

    def test_is_short(self):
        assert len(self.text.splitlines()) < 120

    @pytest.mark.parametrize("heading", ["Run it", "Test it"])
    def test_has_one_command(self, heading):
        sections = re.split(r"^## ", self.text, flags=re.MULTILINE)
        (section,) = [s for s in sections if s.startswith(f"{heading}\n")]

        blocks = _FENCE.findall(section)

        assert [language for language, _ in blocks] == ["sh"]
        assert len(blocks[0][1].splitlines()) == 1


class TestReference:
    """The reference names everything there is."""

    def test_commands(self):
        text = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
        for name in COMMANDS:
            assert f"`framefold {name}" in text

    def test_configuration_keys(self):
        text = (DOCS / "reference" / "config.md").read_text(encoding="utf-8")
        assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == keys(
            Config.model_json_schema()
        )

    def test_shipped_udfs(self):
        text = (DOCS / "reference" / "shipped-udfs.md").read_text(encoding="utf-8")
        for name in UDFS.names():
            assert f"| `{name}` | `{UDFS.load(name).__name__}" in text

    def test_udf(self):
        text = (DOCS / "reference" / "udf.md").read_text(encoding="utf-8")
        steering = {"set_meta", "set_valid_nav_mask", "enter", "enter_cell", "place", "move"}
        steering |= {"copy", "copy_for_partition", "new_for_partition", "stored_kwargs"}
        steering |= {"for_partition", "UDF_METHOD", "requires_custom_merge"}
        steering |= {"requires_custom_merge_all"}
        public = {name for kind in (UDF, UDFMeta) for name in vars(kind) if name[0] != "_"}
        told = set(re.findall(r"\w+", text))
        assert {n for n in public - steering if n not in told and "BACKEND_" not in n} == set()

    def test_problems(self):
        text = (DOCS / "reference" / "http.md").read_text(encoding="utf-8")
        for kind in CATALOGUE:
            assert f"`{kind}`" in text


def keys(schema: dict[str, dict[str, dict[str, object]]]) -> set[str]:
    """All keys of the configuration that are not sections themselves."""
    tables = [schema, *schema["$defs"].values()]
    named = {key for table in tables for key in table["properties"]}
    return (
        named
        - {"server", "workers", "sources", "buffers", "scan", "pipeline", "history"}
        - {"recording", "logging", "overload"}
    )


def tree() -> set[str]:
    """The modules that the page on architecture lists, as paths."""
    text = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    rooms: list[tuple[int, str]] = []  # how far each is indented, and its path
    found = set()
    for line in text.partition("## The tree")[2].splitlines():
        named = re.match(r"( *)([\w/]+/|\w+\.py)(?: |$)", line)
        if named is None:
            continue
        depth = len(named[1])
        rooms = [room for room in rooms if room[0] < depth]
        path = (rooms[-1][1] if rooms else "") + named[2]
        if path.endswith("/"):
            rooms.append((depth, path))
        else:
            found.add(path)
    return found


class TestArchitecture:
    """The page on architecture names what there is; `python tests/tree.py` renews its tree."""

    def test_no_module_of_the_tree_is_gone(self):
        found = tree()

        assert len(found) > 100
        assert [path for path in sorted(found) if not (ROOT / path).is_file()] == []

    def test_every_room_is_there(self):
        with (ROOT / "pyproject.toml").open("rb") as file:
            contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
        (layers,) = [c["layers"] for c in contracts if c["type"] == "layers"]
        page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
        listed = [block for _, block in _FENCE.findall(page) if "\nbuild\n" in block]

        # one line a layer, the same names in the same order
        assert [re.findall(r"\w+", line) for line in listed[0].splitlines()] == [
            re.findall(r"(?<=framefold\.)\w+", layer) for layer in layers
        ]
        rooms = {path.split("/")[2].removesuffix(".py") for path in tree()}
        assert {name for layer in layers for name in re.findall(r"(?<=framefold\.)\w+", layer)} <= (
            rooms
        )


class TestDecisions:
    """Records are numbered without a gap and stand in the index."""

    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))

    def test_numbers(self):
        assert [int(record.name[:4]) for record in self.records] == list(
            range(1, len(self.records) + 1)
        )

    def test_form(self):
        index = (DOCS / "README.md").read_text(encoding="utf-8")
        for record in self.records:
            text = record.read_text(encoding="utf-8")
            assert f"decisions/{record.name}" in index
            assert re.search(
                r"^- Status: (proposed|accepted|superseded by \d{4})$", text, re.MULTILINE
            )
            assert re.search(r"^- Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
            for part in ("Context", "Decision", "Alternatives", "Consequences"):
                assert f"\n## {part}\n" in text, (record.name, part)


def test_fragments_say_what_they_are():
    for fragment in (DOCS / "changes").iterdir():
        assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", fragment.name)
        assert fragment.read_text(encoding="utf-8").strip()
