"""Every row of the feature table has a test that is named after it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent

SHOULD = {
    *(11, 12, 17, 23, 28, 52, 58, 59, 61, 62, 73, 77, 78, 83, 86, 96, 103, 109),
    *(112, 113, 114, 115, 121, 122),
}
NICE = {24, 25, 27, 47, 79, 80, 82, 89, 92, 93, 97, 99, 102, 104, 105, 125, 126}
MUST = {
    *(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 18, 19, 20, 21, 22, 26),
    *(29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 48, 49, 50, 51),
    *(53, 54, 55, 56, 57, 60, 63, 64, 65, 66, 67, 68, 69),
    *(70, 71, 72, 74, 75, 76, 81, 84, 85, 87, 88, 90, 91, 94, 95, 98, 100, 101, 106),
    *(107, 108, 110, 111, 116, 117, 118, 119, 120, 123, 124),
}
"""Rows 1 to 126: data model, UDF class, running, shipped UDFs."""

NAME = re.compile(r"test_row_(\d{3}(?:_(?:and|to)_\d{3})*)(?:_|$)")


def rows_of(name: str) -> set[int]:
    """``test_row_009_to_012_regions`` holds four rows, ``test_row_004_and_005`` two."""
    found = NAME.match(name)
    if found is None:
        return set()
    first, *rest = re.findall(r"(?:(and|to)_)?(\d{3})", found[1])
    rows = {int(first[1])}
    for word, number in rest:
        rows |= set(range(max(rows), int(number) + 1)) if word == "to" else {int(number)}
    return rows


def rows_here() -> set[int]:
    """Rows that a test function of this folder is named after."""
    names = [
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    return set().union(*map(rows_of, names))


def test_the_table_is_whole() -> None:
    assert sorted([*MUST, *SHOULD, *NICE]) == list(range(1, 127))


def test_every_row_has_a_test() -> None:
    assert not (MUST | SHOULD | NICE) - rows_here()


def test_names_are_understood() -> None:
    assert rows_of("test_row_009_to_012_regions") == {9, 10, 11, 12}
    assert rows_of("test_row_004_and_005_partitions") == {4, 5}
    assert rows_of("test_row_047") == {47}
    for name in ("test_row_47_merge", "test_rows", "test_own_012", "row_012"):
        assert rows_of(name) == set()
