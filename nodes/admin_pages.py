"""What admin pages of large tables need: no COUNT over a million rows."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest

#: Counting stops here; the list then says that there are at least so many.
COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts up to COUNTED rows and no further. Filters narrow down what lies beyond."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or COUNTED if there are more."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:COUNTED].count())


class LargeTableAdmin(admin.ModelAdmin):
    """A list that stays fast at a million rows."""

    paginator = CappedPaginator
    show_full_result_count = False
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
