"""The operator's view of tasks that only nodes have."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from jobs.models import RemoteTask
from nodes.admin_pages import ReadOnlyAdmin


@admin.register(RemoteTask)
class RemoteTaskAdmin(ReadOnlyAdmin):
    """Read from what nodes tell; one that is deleted can be submitted no more, until it is told
    of again."""

    list_display = ("name", "summary", "release", "seen_at")
    search_fields = ("name", "summary")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may delete such rows."""
        return request.user.has_perm("jobs.delete_remotetask")
