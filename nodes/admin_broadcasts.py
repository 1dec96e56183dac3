"""The operator's view of broadcasts, and the two that are a click away."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hive_site.kernel.errors import Unavailable
from nodes.admin_pages import ReadOnlyAdmin
from nodes.answers import await_answers, broadcast_view
from nodes.broadcasts import send_broadcast
from nodes.domain.commands import Command
from nodes.models import Acknowledgement, Broadcast, Node

#: Nodes that are well answer within a tenth of this.
WAIT_SECONDS = 1.0


class BroadcastActions:
    """Actions on nodes that are called out to them."""

    @admin.action(description="Ping", permissions=["change"])
    def ping(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        """Ask for a sign of life."""
        self._call(request, queryset, Command.PING)

    @admin.action(description="Shut the Spores down", permissions=["delete"])
    def shut_down(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        """End what runs there, in bounded time, then the Spores."""
        self._call(request, queryset, Command.SHUTDOWN)

    def _call(self, request: HttpRequest, nodes: QuerySet[Node], command: Command) -> None:
        who, names = request.user.get_username(), [node.name for node in nodes]
        try:
            broadcast, _ = send_broadcast(command=command, nodes=names, submitted_by=who)
        except Unavailable as fact:
            self.message_user(request, str(fact), level="ERROR")  # type: ignore[attr-defined]
            return
        complete = await_answers(broadcast, seconds=WAIT_SECONDS)
        answers = broadcast_view(broadcast)["acknowledgements"]
        heard = ", ".join(sorted(name for name, said in answers.items() if said)) or "nobody"
        silent = ", ".join(sorted(name for name, said in answers.items() if not said))
        text = f"{command}: {heard} answered" + (f"; nothing from {silent}." if silent else ".")
        level = "INFO" if complete else "WARNING"
        self.message_user(request, text, level=level)  # type: ignore[attr-defined]


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
