"""The threat model claims nothing that no test shows."""

import ast
import re
from functools import cache

import pytest

from hive_site.configuration import PROJECT

DOCUMENTS = ("docs/security.md", "SECURITY.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
TEXTS = {name: (PROJECT / name).read_text() for name in DOCUMENTS}
CLAIMS = sorted({found for text in TEXTS.values() for found in NAMED.findall(text)})


@cache
def names_in(path: str) -> set[str]:
    """What a file defines, by name."""
    tree = ast.parse((PROJECT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), CLAIMS)
def test_a_test_that_is_named_is_there(path, name):
    assert name in names_in(path)


def rows_under(head: str) -> list[list[str]]:
    """The rows of all tables whose first column is called so."""
    rows, inside = [], False
    for line in TEXTS["docs/security.md"].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == head:
            inside = True
        elif inside and set(line) - set("|- "):
            rows.append(cells)
    return rows


def test_whatever_somebody_cannot_do_is_shown_by_a_test():
    rows = rows_under("cannot")

    assert len(rows) > 60
    assert [row for row in rows if not NAMED.search(row[-1])] == []


def test_whatever_somebody_can_do_has_a_limit_or_shows_somewhere():
    rows = rows_under("can")

    assert len(rows) > 15
    assert [row for row in rows if len(row) != 2 or not row[1]] == []


def test_no_exception_from_the_audit_is_without_a_reason():
    silent = [
        f"{path.relative_to(PROJECT)}:{number}"
        for app in ("hive_site", "jobs", "nodes", "ota", "deploy")
        for path in (PROJECT / app).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"\bnosec\b", line) and not re.search(r"# nosec B\d{3}  # \w+ \w+", line)
    ]

    assert silent == []
