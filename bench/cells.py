"""The document of a run as rows of text, for any kind of table. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from bench.figures import Verdict
from bench.peers.roster import REFERENCE

#: The first row is the head.
Rows = list[list[str]]
NOTHING = "–"
MARKS = {Verdict.GOAL: " ✓✓", Verdict.FLOOR: " ✓", Verdict.MISSED: " ✗", None: ""}


def versus(document: Mapping[str, Any]) -> Rows:
    """What all sides measured, one column each: medians, and below them lowest to highest."""
    titles: dict[str, str] = document["contenders"]
    figures = [row for row in document["figures"] if row["best_peer"]]
    sides = [name for name in titles if any(name in row["sides"] for row in figures)]
    head = ["", *(titles[name] for name in sides)]
    return [head, *([_named(row), *(spread(row, name) for name in sides)] for row in figures)]


def verdicts(document: Mapping[str, Any]) -> Rows:
    """The Hive: what it measured, how many times better that is, its goal and its floor."""
    reference = document["contenders"].get(REFERENCE, REFERENCE)
    head = ["", "THE HIVE", f"to {reference}", "to the best peer", "goal", "floor", ""]
    return [head, *(_verdict(row, document) for row in document["figures"])]


def notes(document: Mapping[str, Any]) -> list[str]:
    """Who ran another number of items than the Hive."""
    titles, first = document["contenders"], {}
    for row in document["figures"]:
        first.setdefault(row["workload"], row)
    return [
        f"{titles[name]} ran {count:,} in “{row['title']}”."
        for row in first.values()
        for name, count in row["counts"].items()
        if count != row["counts"].get("hive", count)
    ]


def spread(row: Mapping[str, Any], side: str) -> str:
    """The median, and lowest to highest below it where they differ."""
    found = row["sides"].get(side)
    if found is None:
        return NOTHING
    low, middle, high = (number(found[key]) for key in ("lowest", "median", "highest"))
    return middle if low == high else f"{middle}\n{low}–{high}"


def bound(row: Mapping[str, Any], key: str) -> str:
    """A goal or a floor; empty if there is none."""
    if row[key] is None:
        return ""
    return f"{'≥' if row['more_is_better'] else '<'} {number(row[key])}"


def times(row: Mapping[str, Any], peer: str | None) -> str:
    """How many times better the Hive is than that peer."""
    ratio = row["ratios"].get(peer)
    return "" if ratio is None else f"{number(ratio)} ×"


def number(value: float) -> str:
    """Three digits that count: 5,210 · 87.2 · 1.34 · 0.05."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def method_line(method: Mapping[str, Any]) -> str:
    """How the figures were taken, in a few sentences."""
    versions = {**method["packages"], **method["peers"]}
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    repeats = method["repeats"]
    taken = f"Median (lowest–highest) of {repeats} runs" if repeats > 1 else "One run"
    return (
        f"{taken}{', quick' if method['quick'] else ''}; {method['workers']} single-slot workers"
        f" on each side, in turn, on one Redis {method['redis']}; {method['database']};"
        f" Python {method['python']}, {packages}; {method['cores']} cores,"
        f" {method['machine']}; before the start others used"
        f" {method['cpu_used_by_others_percent']:.0f} % of the CPU"
        f" (load {method['load_average']}). Compare ratios, not seconds."
    )


def _verdict(row: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    best = row["best_peer"]
    beside = times(row, best)
    if beside:
        beside = f"{beside}\n{document['contenders'][best]}"
    mark = MARKS[Verdict(row["verdict"]) if row["verdict"] else None].strip()
    asked = [bound(row, key) for key in ("goal", "floor")]
    return [_named(row), spread(row, "hive"), times(row, REFERENCE), beside, *asked, mark]


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['title']} ({row['unit']})"
