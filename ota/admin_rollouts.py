"""The operator's view of rollouts: what is under way, its verbs, and a form that begins one."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from hive_site.kernel.errors import Conflict, HiveError, Invalid
from nodes.admin_pages import ReadOnlyAdmin
from ota import selectors
from ota.admin_forms import RolloutForm
from ota.domain.verbs import VERBS
from ota.models import Home, OtaEvent, Rollout
from ota.services.rollouts import create_rollout, move_rollout, preview_rollout

#: What a person should know before it is done.
MEANING = {
    "start": "Begin: all nodes prepare, the first wave switches.",
    "pause": "No more nodes switch; those that do come to their end.",
    "resume": "Go on; what failed in the waves that began is tried again.",
    "promote": "Let the next wave begin.",
    "abort": "End it; nodes that have not switched stay as they are.",
    "rollback": "Bring every node of it back to what it ran before, all at once.",
}


def verb_action(verb: str) -> Callable[..., HttpResponse | None]:
    """An action of the list that asks before it does anything."""

    def act(
        model_admin: "RolloutAdmin", request: HttpRequest, rollouts: QuerySet[Rollout]
    ) -> HttpResponse | None:
        if request.POST.get("confirmed") == "yes":
            model_admin.move(request, rollouts, verb)
            return None
        return model_admin.ask(request, rollouts, verb)

    act.__name__ = verb
    description = f"{verb.capitalize()}: {MEANING[verb][0].lower()}{MEANING[verb][1:]}"
    return admin.action(description=description, permissions=["control"])(act)


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    """Rollouts, the newest first."""

    list_display = ("id", "release", "strategy", "state", "reason", "created_by", "created_at")
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
    actions = [verb_action(verb) for verb in VERBS]
    change_form_template = "ota/rollout.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may add rollouts may begin one."""
        return bool(request.user.has_perm("ota.add_rollout"))

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Whoever may change rollouts may move them, though nobody edits their rows."""
        return bool(request.user.has_perm("ota.change_rollout"))

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
        details = {"rollout": selectors.rollout_view(row.pk), "verbs": list(VERBS)} if row else {}
        details["may_move"] = self.has_control_permission(request)
        context = {**(extra_context or {}), **details}
        return super().change_view(request, object_id, form_url, context)

    def ask(self, request: HttpRequest, rollouts: QuerySet[Rollout], verb: str) -> HttpResponse:
        """A page that says what would be touched."""
        views = [selectors.rollout_view(row.pk) for row in rollouts]
        return self._page(
            request,
            "ota/confirm_verb.html",
            title=f"{verb.capitalize()}?",
            verb=verb,
            meaning=MEANING[verb],
            rollouts=views,
        )

    def move(self, request: HttpRequest, rollouts: QuerySet[Rollout], verb: str) -> None:
        """Do it to each, and say what came of it."""
        who = request.user.get_username()
        for row in rollouts:
            try:
                moved = move_rollout(rollout_id=row.pk, verb=verb, who=who)
                self.message_user(request, f"{row.pk} is {moved.state}.")
            except HiveError as fact:
                self.message_user(request, str(fact), level="WARNING")

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
    list_filter = ("what",)
    search_fields = ("node__startswith", "release__startswith")
