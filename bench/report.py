"""A run as a table for people, or as one JSON document."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure, Spread
from bench.race import Line, Outcome


def as_document(outcome: Outcome, method: dict[str, Any]) -> dict[str, Any]:
    """The run as JSON: `ratio` says how many times better the Hive is."""
    return {
        "method": method,
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
        "hive": asdict(line.hive) if line.hive else None,
        "rq": asdict(line.rq) if line.rq else None,
        "ratio": line.ratio,
        "floor": line.figure.floor,
        "meets_floor": line.meets,
    }


def print_table(console: Console, outcome: Outcome, method: dict[str, Any]) -> None:
    """The figures with their floors, what failed, and how they were taken."""
    table = Table(title="THE HIVE against RQ's own worker", title_justify="left")
    table.add_column("")
    table.add_column("unit", style="dim")
    for name in ("THE HIVE", "RQ Worker", "better by", "floor"):
        table.add_column(name, justify="right", no_wrap=True)
    workload = outcome.lines[0].workload if outcome.lines else ""
    for line in outcome.lines:
        if line.workload != workload:
            table.add_section()
            workload = line.workload
        table.add_row(*_cells(line))
    console.print(table)
    for failure in outcome.failures:
        console.print(f"[bold red]did not complete[/] {failure}")
    console.print(method_line(method), style="dim")


def _cells(line: Line) -> tuple[str, ...]:
    ratio = "" if line.ratio is None else f"{number(line.ratio)} ×"
    return (
        line.title,
        line.figure.unit,
        spread(line.hive),
        spread(line.rq),
        ratio,
        floor(line.figure, met=line.meets),
    )


def spread(value: Spread | None) -> str:
    """The median, and lowest to highest where they differ."""
    if value is None:
        return "–"
    low, middle, high = number(value.lowest), number(value.median), number(value.highest)
    return middle if low == high else f"{middle} ({low}–{high})"


def floor(figure: Figure, *, met: bool | None) -> str:
    """What the Hive promises, and whether this run kept it."""
    if figure.floor is None:
        return ""
    sign = "≥" if figure.more_is_better else "<"
    verdict = {True: " [green]✓[/]", False: " [red]✗[/]", None: ""}[met]
    return f"{sign} {number(figure.floor)}{verdict}"


def number(value: float) -> str:
    """Three digits that count: 5,210 · 87.2 · 1.34 · 0.05."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def method_line(method: dict[str, Any]) -> str:
    """One sentence on how the figures were taken."""
    packages = ", ".join(f"{name} {version}" for name, version in method["packages"].items())
    repeats = method["repeats"]
    taken = f"median (lowest–highest) of {repeats} runs" if repeats > 1 else "one run"
    return (
        f"{taken}{', quick' if method['quick'] else ''}; {method['workers']} single-slot workers"
        f" on each side, in turn, on one Redis {method['redis']}; {method['database']};"
        f" Python {method['python']}, {packages}; {method['cores']} cores,"
        f" {method['machine']}; before the start others used"
        f" {method['cpu_used_by_others_percent']:.0f} % of the CPU"
        f" (load {method['load_average']}). Compare ratios, not seconds."
    )
