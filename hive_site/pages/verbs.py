"""What people do on the pages: one POST each, with a permission, a word of warning, and a record.

A GET of a verb's address asks first, and says what would be touched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.cache import never_cache

from hive_site.kernel.errors import Conflict, NotFound
from hive_site.pages.frame import refuse, show
from nodes import audit
from nodes.verbs import Verb


@dataclass(frozen=True, slots=True)
class Button:
    """A verb as a page offers it."""

    label: str
    url: str
    asks: bool
    harmless: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing with its verbs. `find` raises `NotFound`; `place` is the name of its page."""

    name: str
    place: str
    at: str
    find: Callable[[str], Model]
    verbs: Mapping[str, Verb]

    def buttons(self, request: HttpRequest, id_: str, *names: str) -> list[Button]:
        """The verbs of these names that this user may use."""
        return [
            Button(verb.label, self._address(id_, name), verb.asks, verb.harmless)
            for name in names
            if request.user.has_perm((verb := self.verbs[name]).permission)
        ]

    def _address(self, id_: str, verb: str) -> str:
        return reverse(f"{self.name}-verb", args=[id_, verb])


@method_decorator(never_cache, name="dispatch")
class VerbView(LoginRequiredMixin, View):
    """Ask whether a verb is meant (GET), or do it (POST)."""

    kind: Kind = NotImplemented
    http_method_names = ["get", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Only for who may; only what there is."""
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        verb = self.kind.verbs.get(kwargs["verb"])
        if verb is None:
            raise Http404
        if not request.user.has_perm(verb.permission):
            return refuse(request, f"{verb.label} takes the permission {verb.permission}.")
        try:
            self.thing = self.kind.find(kwargs["id_"])
        except NotFound as fact:
            return show(request, "hive_site/fact.html", {"fact": fact}, status=404)
        return super().dispatch(request, verb, kwargs["id_"])

    def get(self, request: HttpRequest, verb: Verb, id_: str) -> HttpResponse:
        """A page that asks, and says what it would touch."""
        context = {
            "verb": verb,
            "thing": self.thing,
            "touches": verb.touches([self.thing]),
            "back": self._place(id_),
        }
        return show(request, "hive_site/confirm.html", context, at=self.kind.at)

    def post(self, request: HttpRequest, verb: Verb, id_: str) -> HttpResponse:
        """Do it, keep who did, and go back to where it was asked."""
        touched = verb.touches([self.thing])
        try:
            verb.act(id_, request.user.get_username())
        except (Conflict, NotFound) as fact:
            messages.warning(request, str(fact))
        else:
            audit.record(request.user, self.thing, f"{verb.done}. {touched}".strip())
            messages.success(request, f"{self.thing} {verb.done}.")
            if verb.ends:
                return redirect(self.kind.at)
        return redirect(self._next(request, id_))

    def _place(self, id_: str) -> str:
        return reverse(self.kind.place, args=[id_] if self.kind.place == self.kind.name else [])

    def _next(self, request: HttpRequest, id_: str) -> str:
        wish = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(wish, allowed_hosts={request.get_host()}):
            return wish
        return self._place(id_)
