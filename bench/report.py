"""A run as one JSON document, and the document as tables for people."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.cells import Rows, method_line, notes, verdicts, versus
from bench.contenders import Contender
from bench.race import Line, Outcome


def as_document(
    outcome: Outcome, contenders: Iterable[Contender], method: dict[str, Any]
) -> dict[str, Any]:
    """The run as JSON: `ratios` say how many times better the Hive is."""
    return {
        "method": method,
        "contenders": {contender.name: contender.title for contender in contenders},
        "figures": [_as_row(line) for line in outcome.lines],
        "failures": outcome.failures,
    }


def _as_row(line: Line) -> dict[str, Any]:
    return {
        "workload": line.workload,
        "figure": line.figure.key,
        "title": line.title,
        "unit": line.figure.unit,
        "more_is_better": line.figure.more_is_better,
        "sides": {name: asdict(spread) for name, spread in line.sides.items()},
        "counts": dict(line.counts),
        "ratios": line.ratios(),
        "best_peer": line.best_peer(),
        "goal": line.figure.goal,
        "floor": line.figure.floor,
        "verdict": line.verdict,
    }


def print_report(console: Console, document: dict[str, Any]) -> None:
    """All sides, what is asked of the Hive, what failed, and how the figures were taken."""
    for title, rows in (
        ("THE HIVE beside its peers", versus(document)),
        ("THE HIVE, its goals and its floors", verdicts(document)),
    ):
        if len(rows) > 1:
            console.print(_table(title, rows))
    for failure in document["failures"]:
        console.print("[bold red]did not complete[/]", end=" ")
        console.print(failure, markup=False)
    for note in (*notes(document), method_line(document["method"])):
        console.print(note, style="dim")


def _table(title: str, rows: Rows) -> Table:
    head, *body = rows
    table = Table(title=title, title_justify="left", show_lines=True)
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number else "left")
    for row in body:
        table.add_row(*row)
    return table
