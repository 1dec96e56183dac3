"""The operator's view of webhooks."""

from django.contrib import admin

from jobs.models import Delivery
from jobs.verbs import DELIVERY_VERBS
from nodes.admin_actions import VerbActions
from nodes.admin_pages import STATE, ReadOnlyAdmin


@admin.register(Delivery)
class DeliveryAdmin(VerbActions, ReadOnlyAdmin):
    """Who was told of which job's end, the newest first."""

    list_display = ("id", "job", "host", STATE, "tries", "status", "error", "next_at")
    list_filter = ("state",)
    search_fields = ("id__startswith", "job__startswith", "host__startswith")
    search_help_text = "the beginning of an id, of a job's id, or of a host's name"
    ordering = ("-id",)
    verbs = DELIVERY_VERBS
