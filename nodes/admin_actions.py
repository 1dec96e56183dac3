"""Verbs as actions of the admin: allowed ones alone, asked about in figures, and on record."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib.admin.models import CHANGE, DELETION
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from hive_site.kernel.errors import HiveError
from nodes import audit
from nodes.verbs import Verb

#: Of more than this nobody oversees what is done to them.
AT_ONCE = 500
#: For so many, the page that asks says what is touched one by one, and the answer names them.
ONE_BY_ONE, NAMED = 50, 5


class VerbActions:
    """For a `ModelAdmin`: its verbs as actions of the list and as buttons on a row's page."""

    verbs: Mapping[str, Verb] = {}
    #: What verbs know a row by.
    verb_key = "pk"
    change_form_template = "nodes/admin_row.html"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's, and the verbs that this user may use."""
        actions = super().get_actions(request)  # type: ignore[misc]
        allowed = self._allowed(request)
        return actions | {name: (_action(name), name, verb.label) for name, verb in allowed.items()}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row, with buttons of the verbs."""
        context = {**(extra_context or {}), "verbs": self._allowed(request)}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[misc,no-any-return]

    def use(self, request: HttpRequest, queryset: QuerySet[Any], name: str) -> HttpResponse | None:
        """Ask about a verb that should be asked about, or do it."""
        verb, rows = self.verbs[name], list(queryset[: AT_ONCE + 1])
        if len(rows) > AT_ONCE:
            rule = f"choose {AT_ONCE} at most, filters narrow them down"
            self._tell(request, f"These are more than {AT_ONCE}; {rule}.", "ERROR")
            return None
        if verb.asks and request.POST.get("confirmed") != "yes":
            return self._ask(request, rows, name)
        self._do(request, rows, verb)
        return self._back(request, rows, verb)

    def _allowed(self, request: HttpRequest) -> dict[str, Verb]:
        user = request.user
        return {name: verb for name, verb in self.verbs.items() if user.has_perm(verb.permission)}

    def _ask(self, request: HttpRequest, rows: Sequence[Model], name: str) -> HttpResponse:
        """A page that says what would be touched."""
        verb, opts = self.verbs[name], self.model._meta  # type: ignore[attr-defined]
        single = [(row, verb.touches([row])) for row in rows[:ONE_BY_ONE]] if len(rows) > 1 else []
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": opts,
            "title": f"{verb.label}?",
            "verb": verb,
            "name": name,
            "rows": rows,
            "one_by_one": single,
            "left": len(rows) - ONE_BY_ONE if single else 0,
            "touches": verb.touches(rows),
            "from_row": request.POST.get("from_row", ""),
        }
        return TemplateResponse(request, "nodes/admin_confirm.html", context)

    def _do(self, request: HttpRequest, rows: Sequence[Model], verb: Verb) -> None:
        """Do it to each, keep who did, and say what came of it."""
        notes = {row.pk: verb.touches([row]) for row in rows}
        try:
            done = self._together(request, rows, verb) if verb.together else []
        except HiveError as fact:
            self._tell(request, str(fact), "ERROR")
            return
        if not verb.together:
            done = [row for row in rows if self._done(request, row, verb)]
            names = ", ".join(str(row) for row in done[:NAMED])
            more = f" and {len(done) - NAMED:,} more" if len(done) > NAMED else ""
            if done:
                self._tell(request, f"{verb.label}: {names}{more}.", "SUCCESS")
        flag = DELETION if verb.ends else CHANGE
        for row in done:
            said = f"{verb.done}. {notes[row.pk]}".strip()
            audit.record(request.user, row, said, flag=flag)

    def _together(self, request: HttpRequest, rows: Sequence[Model], verb: Verb) -> Sequence[Model]:
        who, keys = request.user.get_username(), [self._key(row) for row in rows]
        self._tell(request, verb.together(keys, who), "INFO")  # type: ignore[misc]
        return rows

    def _done(self, request: HttpRequest, row: Model, verb: Verb) -> bool:
        try:
            verb.act(self._key(row), request.user.get_username())
        except HiveError as fact:
            self._tell(request, f"{row}: {fact}", "WARNING")
            return False
        return True

    def _back(self, request: HttpRequest, rows: Sequence[Model], verb: Verb) -> HttpResponse | None:
        """Where it was asked: the page of the row, or the list, which Django knows."""
        if request.POST.get("from_row") != "yes" or verb.ends or len(rows) != 1:
            return None
        opts = rows[0]._meta
        name = f"admin:{opts.app_label}_{opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[rows[0].pk]))

    def _key(self, row: Model) -> str:
        return str(getattr(row, self.verb_key))

    def _tell(self, request: HttpRequest, text: str, level: str) -> None:
        self.message_user(request, text, level=level)  # type: ignore[attr-defined]


def _action(name: str) -> Callable[..., HttpResponse | None]:
    def act(
        admin: VerbActions, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        return admin.use(request, queryset, name)

    return act
