"""The operator's view of rollouts: what is under way, its verbs, and a form that begins one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from hive_site.kernel.errors import Conflict, Invalid
from nodes import audit
from nodes.admin_actions import VerbActions
from nodes.admin_pages import STATE, ReadOnlyAdmin
from ota import selectors
from ota.admin_forms import RolloutForm
from ota.models import Home, OtaEvent, Rollout
from ota.services.rollouts import create_rollout, preview_rollout
from ota.verbs import ROLLOUT_VERBS


@admin.register(Rollout)
class RolloutAdmin(VerbActions, ReadOnlyAdmin):
    """Rollouts, the newest first."""

    list_display = ("id", "release", "strategy", STATE, "reason", "created_by", "created_at")
    list_filter = ("state", "strategy")
    list_select_related = ("release",)
    search_fields = ("id__startswith", "release__version__startswith")
    search_help_text = "the beginning of an id or of a version"
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("release", "strategy", "selector", "state", "reason")}),
        (None, {"fields": ("created_by", "created_at", "started_at", "finished_at")}),
        ("The strategy's figures", {"fields": ("terms",), "classes": ("collapse",)}),
    )
    verbs = ROLLOUT_VERBS
    adding = "Roll a release out"
    change_form_template = "ota/rollout.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may add rollouts may begin one."""
        return bool(request.user.has_perm("ota.add_rollout"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Fill in, look whom it would touch, begin."""
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        given = request.POST if request.method == "POST" else None
        form = RolloutForm(given, initial={"release": request.GET.get("release")})
        plan = None
        if given is not None and form.is_valid():
            try:
                if given.get("confirmed") == "yes":
                    return self._begin(request, form)
                plan = selectors.plan_view(preview_rollout(**form.wish))
            except Invalid as fact:
                form.add_error(fact.field if fact.field in form.fields else None, str(fact))
            except Conflict as fact:
                form.add_error(None, str(fact))
        return self._page(request, "ota/roll_out.html", title="Roll out", form=form, plan=plan)

    def _begin(self, request: HttpRequest, form: RolloutForm) -> HttpResponse:
        who = request.user.get_username()
        rollout = create_rollout(**form.wish, **form.manner, who=who)
        audit.record(request.user, rollout, f"began with {rollout.release}", flag=ADDITION)
        messages.success(request, f"{rollout.release} is being rolled out.")
        return HttpResponseRedirect(reverse("admin:ota_rollout_change", args=[rollout.pk]))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row, with waves, nodes and what happened."""
        row = self.get_object(request, object_id)
        details = {"rollout": selectors.rollout_view(row.pk)} if row else {}
        context = {**(extra_context or {}), **details}
        return super().change_view(request, object_id, form_url, context)

    def view_on_site(self, rollout: Rollout) -> str:
        """Its live page."""
        return reverse("rollout", args=[rollout.pk])

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": Rollout._meta, **context}
        return TemplateResponse(request, template, whole)


@admin.register(Home)
class HomeAdmin(ReadOnlyAdmin):
    """Which node runs what."""

    list_display = ("node", "running", "wanted_code", "phase", "trouble", "reported_at")
    list_filter = ("phase", "active_version")
    list_select_related = ("wanted",)
    search_fields = ("node",)

    @admin.display(description="runs", ordering="active_version")
    def running(self, home: Home) -> str:
        """A version, or that it is its own code."""
        return home.active_version if home.active else f"{home.active_version} (its own)".strip()

    @admin.display(description="wanted")
    def wanted_code(self, home: Home) -> str:
        """A version, its own code, or nothing."""
        if home.wanted_own:
            return "its own"
        return home.wanted.version if home.wanted else "–"

    @admin.display(description="error")
    def trouble(self, home: Home) -> str:
        """What went wrong at its last attempt."""
        attempt = home.report.get("attempt") or {}
        return attempt.get("reason", "") if attempt.get("state") in selectors.WRONG else ""


@admin.register(OtaEvent)
class OtaEventAdmin(ReadOnlyAdmin):
    """What happened, the newest first."""

    list_display = ("at", "what", "release", "node", "who", "reason", "rollout_id")
    search_fields = ("what__exact", "node__startswith", "release__startswith")
    search_help_text = "what happened, or the beginning of a node or of a version"
