"""What pages of the admin need: no COUNT over a million rows, and states with sign and colour."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

#: Counting stops here; the list then says that there are at least so many.
COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts up to COUNTED rows and no further. Filters narrow down what lies beyond."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or COUNTED if there are more."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:COUNTED].count())


def state_column(field: str = "state") -> Callable[[Model], SafeString]:
    """A column that shows a state as the live pages do."""

    @admin.display(description=field, ordering=field)
    def shown(row: Model) -> SafeString:
        return show_state(getattr(row, field))

    shown.__name__ = field
    return shown


def show_state(word: str) -> SafeString:
    """A word with the sign and the colour of that state."""
    return format_html('<span class="state" data-state="{}">{}</span>', word, word)


STATE = state_column()


class LargeTableAdmin(admin.ModelAdmin):
    """A list that stays fast at a million rows."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # a count of the whole table for each choice of a filter
    list_per_page = 50


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows that only the Foreman writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes by hand."""
        return False
