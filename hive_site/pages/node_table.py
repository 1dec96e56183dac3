"""The table of nodes: which of them an address asks for, and in which order. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

PER_PAGE = 100
Row = Mapping[str, Any]
#: What one can sort by, by the name in the address.
SORTS: dict[str, Callable[[Row], Any]] = {
    "name": lambda row: row["name"],
    "state": lambda row: row["state"],
    "busy": lambda row: row["running"] / max(row["slots"], 1),
    "cpu": lambda row: row["cpu"],
    "memory": lambda row: row["memory"],
    "release": lambda row: row["release"],
    "seen": lambda row: row["last_seen"] or "",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an address asks for. `label` is a name, or `name=value`; `sort` may begin with "-"."""

    state: str = ""
    label: str = ""
    text: str = ""
    sort: str = "name"
    page: int = 1

    @property
    def narrows(self) -> bool:
        """Whether it leaves any node out."""
        return bool(self.state or self.label or self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page, and what there is around it."""

    rows: list[Row]
    number: int
    pages: int
    found: int

    @property
    def before(self) -> int:
        """The number of the page before this one."""
        return self.number - 1

    @property
    def after(self) -> int:
        """The number of the page after this one."""
        return self.number + 1


def read_wish(query: Mapping[str, str]) -> Wish:
    """The wish in a query; what makes no sense in it is left out."""
    sort, page = query.get("sort", ""), query.get("page", "")
    return Wish(
        state=query.get("state", ""),
        label=query.get("label", "").strip(),
        text=query.get("q", "").strip(),
        sort=sort if sort.removeprefix("-") in SORTS else "name",
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 9 else 1,
    )


def choose(rows: Iterable[Row], wish: Wish) -> Page:
    """The page of rows that a wish is for; the last one if there are not so many."""
    found = [row for row in rows if _fits(row, wish)]
    found.sort(key=lambda row: row["name"])
    found.sort(key=SORTS[wish.sort.removeprefix("-")], reverse=wish.sort.startswith("-"))
    pages = max(ceil(len(found) / PER_PAGE), 1)
    number = min(max(wish.page, 1), pages)
    return Page(found[(number - 1) * PER_PAGE : number * PER_PAGE], number, pages, len(found))


def columns(wish: Wish) -> dict[str, dict[str, str]]:
    """Of each column that sorts: the sort that its head leads to, and how it is sorted now."""
    return {name: _column(name, wish.sort) for name in SORTS}


def _column(name: str, sort: str) -> dict[str, str]:
    if sort == name:
        return {"to": f"-{name}", "now": "ascending"}
    return {"to": name, "now": "descending" if sort == f"-{name}" else "none"}


def _fits(row: Row, wish: Wish) -> bool:
    return (
        (not wish.state or row["state"] == wish.state)
        and (not wish.label or _has(row["labels"], wish.label))
        and (not wish.text or _mentions(row, wish.text.lower()))
    )


def _has(labels: Mapping[str, str], wish: str) -> bool:
    name, equals, value = wish.partition("=")
    return name in labels and (not equals or labels[name] == value)


def _mentions(row: Row, text: str) -> bool:
    return any(text in row[field].lower() for field in ("name", "reason", "release"))
