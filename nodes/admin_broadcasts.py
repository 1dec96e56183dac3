"""The operator's view of broadcasts."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from nodes.admin_pages import ReadOnlyAdmin
from nodes.models import Acknowledgement, Broadcast


class AcknowledgementInline(admin.TabularInline):
    """What each node answered."""

    model = Acknowledgement
    fields = readonly_fields = ("node", "ok", "at", "data")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nodes answer for themselves."""
        return False


@admin.register(Broadcast)
class BroadcastAdmin(ReadOnlyAdmin):
    """What was called out, the newest first."""

    list_display = ("id", "command", "submitted_by", "created_at")
    list_filter = ("command",)
    inlines = (AcknowledgementInline,)
