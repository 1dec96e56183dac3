"""The operator's view of who may join, and of the keys of those who did."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from hive_site.kernel.errors import Invalid
from nodes import invitations
from nodes.admin_actions import VerbActions
from nodes.admin_pages import ReadOnlyAdmin, show_state
from nodes.joining_models import Invite, NodeCredential
from nodes.verbs import INVITE_VERBS

HOUR = 3600
#: How long an invitation may last, as a choice.
TTLS = {HOUR: "an hour", 8 * HOUR: "8 hours", 24 * HOUR: "a day", 7 * 24 * HOUR: "a week"}


class InviteForm(forms.ModelForm):
    """A new invitation."""

    ttl = forms.TypedChoiceField(
        label="Good for", coerce=int, choices=list(TTLS.items()), initial=HOUR
    )
    channels = forms.MultipleChoiceField(
        choices=[(word, word) for word in invitations.CHANNELS],
        widget=forms.CheckboxSelectMultiple,
        initial=["stable"],
    )

    class Meta:
        model = Invite
        fields = ("name", "ttl", "slots", "labels", "capabilities", "channels")
        help_texts = {
            "name": "empty: the machine says it. Whoever has this name now is replaced",
            "slots": "what runs there at once; empty: the machine says it",
            "labels": 'like {"site": "lab"}',
            "capabilities": 'like ["ffmpeg"]',
        }

    def clean(self) -> dict[str, Any]:
        """What a node can be, and nothing else."""
        cleaned = super().clean() or {}
        try:
            invitations.check_wish(read_wish(cleaned))
        except Invalid as fact:
            known = fact.field if fact.field in self.fields else None
            self.add_error(known, str(fact))
        return cleaned


def read_wish(cleaned: dict[str, Any]) -> invitations.Wish:
    """What the form asks for."""
    capabilities = cleaned.get("capabilities") or []
    return invitations.Wish(
        name=cleaned.get("name") or "",
        slots=cleaned.get("slots"),
        labels=cleaned.get("labels") or {},
        capabilities=capabilities if isinstance(capabilities, list) else [capabilities],
        channels=cleaned.get("channels") or [],
    )


@admin.register(Invite)
class InviteAdmin(VerbActions, admin.ModelAdmin):
    """Invitations. The line is shown once, when its invitation is made."""

    form = InviteForm
    list_display = ("id", "name", "state", "node", "made_by", "created_at", "expires_at")
    search_fields = ("name", "node", "made_by")
    verbs = INVITE_VERBS

    def has_change_permission(self, request: HttpRequest, obj: Invite | None = None) -> bool:
        """An invitation is made and withdrawn, not changed; the list needs the permission."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Invite | None = None) -> bool:
        """Who joined with it stays on record."""
        return False

    def save_model(self, request: HttpRequest, obj: Invite, form: Any, change: bool) -> None:
        """Make it, and show its line, once."""
        from nodes.joining import line_for, nexus_url, warnings_for

        made, token = invitations.invite(
            read_wish(form.cleaned_data),
            ttl=form.cleaned_data["ttl"],
            who=request.user.get_username(),
            now=timezone.now(),
        )
        obj.pk, obj.expires_at = made.pk, made.expires_at
        line = line_for(nexus_url(), token)
        messages.warning(request, f"Run this on the new machine; it is shown only now: {line}")
        for warning in warnings_for(nexus_url()):
            messages.warning(request, warning)

    @admin.display(description="state")
    def state(self, row: Invite) -> str:
        """Whether it works."""
        if row.used_at:
            return show_state("used")
        if row.withdrawn_at:
            return show_state("withdrawn")
        return show_state("open" if row.expires_at > timezone.now() else "expired")


@admin.register(NodeCredential)
class NodeCredentialAdmin(ReadOnlyAdmin):
    """By which keys nodes are known. Revoke one on its node's page."""

    list_display = ("name", "generation", "joined_at", "invited_by", "joined_from", "state")
    search_fields = ("name",)

    @admin.display(description="state")
    def state(self, row: NodeCredential) -> str:
        """Whether its newest key works."""
        return show_state("revoked" if row.revoked_at else "live")


def describe_credential(name: str) -> str:
    """By which key a node is known, since when and by whom, in words."""
    row = NodeCredential.objects.filter(name=name).first()
    if row is None:
        return "the first generation: its key follows from the fleet key alone"
    joined = ""
    if row.joined_at:
        joined = f", joined {row.joined_at:%Y-%m-%d %H:%M} UTC, invited by {row.invited_by}"
    revoked = ""
    if row.revoked_at:
        revoked = f"; revoked {row.revoked_at:%Y-%m-%d %H:%M} UTC by {row.revoked_by}"
    return f"generation {row.generation}{joined}{revoked}"
