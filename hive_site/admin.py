"""The audit: who did what to what."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from hive_site.admin_shelves import plain_name
from nodes.admin_pages import ReadOnlyAdmin

#: What people do something to.
ACTED_ON = (
    *("jobs.Job", "jobs.Subtask", "jobs.Queue", "jobs.Schedule", "jobs.TaskLimit"),
    *("jobs.Delivery", "jobs.RemoteTask", "nodes.Node", "nodes.ApiKey", "ota.Release"),
    "nodes.Invite",
    *("ota.Rollout", "auth.User", "auth.Group"),
)


class KindFilter(admin.SimpleListFilter):
    """By what it was done to."""

    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Those by their plain names."""
        models = [apps.get_model(label) for label in ACTED_ON]
        kinds = ContentType.objects.get_for_models(*models)
        return [(str(kinds[model].pk), plain_name(model._meta)) for model in models]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        """What was done to that kind."""
        known = self.value() in dict(self.lookup_choices)
        return queryset.filter(content_type=self.value()) if known else queryset


@admin.register(LogEntry)
class AuditAdmin(ReadOnlyAdmin):
    """Who did what to what, the newest first. Nobody changes it here."""

    list_display = ("action_time", "user", "said", "kind", "thing")
    list_display_links = None
    list_filter = ("user", "action_flag", KindFilter)
    list_select_related = ("user", "content_type")
    search_fields = ("object_id__exact", "object_repr__startswith", "user__username__exact")
    search_help_text = "an id, the beginning of a name, or a user"
    ordering = ("-id",)
    fields = ("action_time", "user", "said", "kind", "thing")
    readonly_fields = ("said", "kind", "thing")

    @admin.display(description="what")
    def said(self, entry: LogEntry) -> str:
        """In words."""
        return entry.get_change_message() or entry.get_action_flag_display()

    @admin.display(description="kind")
    def kind(self, entry: LogEntry) -> str:
        """What kind of thing it was done to."""
        return entry.content_type.name if entry.content_type else "–"

    @admin.display(description="to")
    def thing(self, entry: LogEntry) -> str:
        """A link to it, if there is a page of it."""
        url = None if entry.is_deletion() else entry.get_admin_url()
        name = entry.object_repr
        return format_html('<a href="{}">{}</a>', url, name) if url else name
