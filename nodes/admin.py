"""The operator's view of machines, leadership and keys."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse

from hive_site.kernel.errors import Invalid
from nodes import admin_broadcasts, admin_joining, services
from nodes.admin_actions import VerbActions
from nodes.admin_pages import STATE, ReadOnlyAdmin, show_state
from nodes.domain.states import NodeState
from nodes.models import ApiKey, Lease, LoginLink, Node, ReportCursor
from nodes.verbs import CALLS, KEY_VERBS, NODE_VERBS

#: They register themselves; Django looks only here.
__all__ = ["admin_broadcasts", "admin_joining"]


class NodeForm(forms.ModelForm):
    """What an operator decides about a node."""

    def clean_wanted_slots(self) -> int | None:
        """A number of slots, or none."""
        return _checked(services.check_slots, self.cleaned_data["wanted_slots"])

    def clean_set_labels(self) -> dict[str, str]:
        """Labels; an empty field is none of them."""
        return _checked(services.check_labels, self.cleaned_data["set_labels"] or {})


def _checked(check: Callable[[Any], None], value: Any) -> Any:
    try:
        check(value)
    except Invalid as fact:
        raise forms.ValidationError(str(fact)) from fact
    return value


@admin.register(Node)
class NodeAdmin(VerbActions, admin.ModelAdmin):
    """Machines: what they are, what they do, and whether they may be given work."""

    form = NodeForm
    list_display = ("name", STATE, "reason", "slots", "load", "release", "last_seen", "intent")
    list_filter = ("state", "intent", "release")
    search_fields = ("name",)
    verbs = {**NODE_VERBS, **CALLS}
    verb_key = "name"
    fieldsets = (
        (None, {"fields": ("name", STATE, "reason", "intent", "last_seen", "enrolled_at")}),
        ("Operator", {"fields": ("wanted_slots", "set_labels")}),
        ("Machine", {"fields": ("slots", "own_labels", "capabilities", "gpus", "platform")}),
        ("Load", {"fields": ("cpu", "memory")}),
        ("Code", {"fields": ("release", "agent_version", "incarnation")}),
        ("Key", {"fields": ("credential",)}),
    )
    editable = ("wanted_slots", "set_labels")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All but what an operator decides."""
        fields = [name for _, options in self.fieldsets for name in options["fields"]]
        return [name for name in fields if name not in self.editable]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A node enrols itself by its first heartbeat."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        """Only lost nodes may be forgotten."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or obj.state == NodeState.LOST)

    def save_model(self, request: HttpRequest, obj: Node, form: Any, change: bool) -> None:
        """Through the service, which tells the Foreman."""
        services.change_node(name=obj.name, slots=obj.wanted_slots, labels=obj.set_labels)

    def delete_model(self, request: HttpRequest, obj: Node) -> None:
        """Through the service, which spares a node that came back meanwhile."""
        services.forget_node(name=obj.name)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Not the bulk delete, which would take living nodes along."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.display(description="known by")
    def credential(self, node: Node) -> str:
        """Its key: which generation, and who let it in."""
        return admin_joining.describe_credential(node.name)

    @admin.display(description="CPU / memory")
    def load(self, node: Node) -> str:
        """Both in percent."""
        return f"{node.cpu:.0%} / {node.memory:.0%}"

    def view_on_site(self, node: Node) -> str:
        """Its live page."""
        return reverse("node", args=[node.name])


class ApiKeyForm(forms.ModelForm):
    """A new key: its name, scopes, and when it ends."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in services.SCOPES],
        widget=forms.CheckboxSelectMultiple,
        initial=["submit", "read"],
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(VerbActions, admin.ModelAdmin):
    """Keys for the REST API. A secret is shown once, when its key is made."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "state")
    search_fields = ("name", "prefix")
    verbs = KEY_VERBS

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A key is made and revoked, not changed; the list needs the permission."""
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key and show its secret, once."""
        made, secret = services.create_api_key(
            name=obj.name, scopes=obj.scopes, owner=request.user, expires_at=obj.expires_at
        )
        obj.pk = made.pk
        messages.warning(request, f"The key is {secret} – keep it, it cannot be shown again.")

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """Whether it works."""
        return show_state("revoked" if key.revoked_at else "live")


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    """Who leads."""

    list_display = ("holder", "epoch", "expires_at")


@admin.register(ReportCursor)
class ReportCursorAdmin(ReadOnlyAdmin):
    """How far each node's reports were recorded."""

    list_display = ("node", "entry")
    search_fields = ("node",)


@admin.register(LoginLink)
class LoginLinkAdmin(ReadOnlyAdmin):
    """Links that were not used yet."""

    list_display = ("user", "expires_at")
    exclude = ("digest",)
