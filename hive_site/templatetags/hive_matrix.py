"""The cells of the matrix. A tag of their own, as there may be thousands of them on a page."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from hive_site.pages.matrix import Cell

register = template.Library()
CELL = (
    '<li><a class="cell" href="{}" data-name="{}" data-state="{}" data-reason="{}" data-slots="{}"'
    ' data-running="{}" data-cpu="{}" data-memory="{}" data-release="{}"{} title="{}">'
    '<span class="sr">{}, {}</span></a></li>'
)
FIELDS = ("state", "reason", "slots", "running", "cpu", "memory", "release")


@register.simple_tag
def cells(group: Iterable[Cell]) -> SafeString:
    """A link for each node, with what js/matrix.js paints it from."""
    return format_html_join("", CELL, _cells(group))


def _cells(group: Iterable[Cell]) -> Iterator[tuple[Any, ...]]:
    base = reverse("nodes")
    for cell in group:
        name, row = cell.name, cell.row
        why = f", {row['reason']}" if row["reason"] else ""
        title = f"{name}: {row['state']}{why}; {row['running']} of {row['slots']} slots busy"
        values = (row[field] for field in FIELDS)
        yield (
            f"{base}{quote(name, safe='')}/",
            name,
            *values,
            _shade(cell),
            title,
            name,
            row["state"],
        )


def _shade(cell: Cell) -> SafeString:
    """Its place on a scale, if it is coloured by one."""
    if cell.level is not None:
        return format_html(' data-level="{}"', cell.level)
    return format_html(' data-rank="{}"', cell.rank) if cell.rank is not None else SafeString("")
