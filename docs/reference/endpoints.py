"""The REST API as tables, from its OpenAPI document and the views behind it."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from django.urls import resolve

PREFIX = "/api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
READ, NODE = "read", "node"


class Row(NamedTuple):
    """One operation: the part of the API that it belongs to, what a key needs, and what it does."""

    part: str
    call: str
    scope: str
    about: str


def draw_endpoints(document: dict[str, Any]) -> str:
    """One table for each part of the API."""
    rows = sorted(rows_of(document), key=lambda row: row.part)
    return "\n".join(_draw(part, list(mine)) for part, mine in groupby(rows, lambda row: row.part))


def rows_of(document: dict[str, Any]) -> Iterator[Row]:
    """Every operation of a document."""
    for path, operations in document["paths"].items():
        short = path.removeprefix(PREFIX)
        for method in METHODS:
            if method in operations:
                part, call = short.partition("/")[0], f"{method.upper()} {short}"
                about = operations[method]["description"].partition("\n\n")[0]
                yield Row(part, call, _scope(path, method), " ".join(about.split()))


def _scope(path: str, method: str) -> str:
    """What a key must have; nodes have none, and sign."""
    if method == "get":
        return READ
    view = resolve(re.sub(r"\{[^}]*\}", "1", path)).func
    return str(getattr(view.view_class, "scope", "control"))


def _draw(part: str, rows: list[Row]) -> str:
    # What is described in the same words shares a line.
    lines: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        lines.setdefault((row.scope, row.about), []).append(f"`{row.call}`")
    table = []
    for (scope, about), calls in lines.items():
        needed = "nodes only" if scope == NODE else f"`{scope}`"
        table.append(f"| {'<br>'.join(calls)} | {needed} | {_cell(about)} |")
    return "\n".join([f"### {part}", "", "| | scope | |", "|---|---|---|", *table, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
