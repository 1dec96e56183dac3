"""The operator's view of webhooks."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hive_site.kernel.errors import Conflict
from jobs import services
from jobs.models import Delivery
from nodes.admin_pages import ReadOnlyAdmin


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Who was told of which job's end, the newest first."""

    list_display = ("id", "job", "host", "state", "tries", "status", "error", "next_at")
    list_filter = ("state",)
    search_fields = ("id__startswith", "job__startswith", "host__startswith")
    search_help_text = "the beginning of an id, of a job's id, or of a host's name"
    ordering = ("-id",)
    actions = ("retry",)

    @admin.action(description="Send again now", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """All tries anew."""
        again = 0
        for row in queryset:
            try:
                services.retry_delivery(delivery_id=row.pk)
                again += 1
            except Conflict as fact:
                self.message_user(request, str(fact), level="WARNING")
        if again:
            self.message_user(request, f"{again} are sent again now.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who may change deliveries; their rows nobody may change by hand."""
        return bool(request.user.has_perm("jobs.change_delivery"))  # type: ignore[union-attr]
