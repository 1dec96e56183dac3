"""What all pages have around them, and who may see them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hive_site.kernel.errors import Gone, HiveError, NotFound
from nodes.roles import may

View = Callable[..., HttpResponse]
#: The rail: name of the address, icon, and what it is called.
RAIL = (
    ("overview", "Overview"),
    ("nodes", "Nodes"),
    ("jobs", "Jobs"),
    ("queues", "Queues"),
    ("rollouts", "Rollouts"),
)
STATUS: dict[type[HiveError], int] = {NotFound: 404, Gone: 410}


def page(view: View) -> View:
    """A page to look at: for those who are logged in and may read, and never from a cache.

    What it raises of `NotFound` and `Gone` becomes a page that says so.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may(request.user, "read"):
            return refuse(request, "Your user has no role yet. An admin can give you one.")
        try:
            return view(request, *args, **kwargs)
        except (NotFound, Gone) as fact:
            return show(request, "hive_site/fact.html", {"fact": fact}, status=STATUS[type(fact)])

    return never_cache(login_required(require_safe(guarded)))


def show(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    at: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page with the frame around it; `at` names its place in the rail."""
    framed = {**context, "rail": RAIL, "at": at, "environment": _environment()}
    return render(request, template, framed, status=status)


def refuse(request: HttpRequest, why: str) -> HttpResponse:
    """A page that says why somebody may not do this."""
    return show(request, "hive_site/fact.html", {"fact": why}, status=403)


def _environment() -> str:
    """What kind of Hive one is looking at, if that is not production."""
    if settings.DEBUG:
        return "debug settings"
    return "this machine" if settings.HIVE.data.joinpath("run", "lock").exists() else ""
