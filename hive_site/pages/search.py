"""Finding one thing by what one remembers of it."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from hive_site.pages.frame import page, show
from jobs.models import Job
from nodes.models import Node
from ota.models import Rollout

MOST = 50


@page
def search(request: HttpRequest) -> HttpResponse:
    """What begins with, or for names contains, the words; one exact match is opened at once."""
    words = request.GET.get("q", "").strip()
    if not words:
        return show(request, "hive_site/search.html", {"query": words})
    for place, rows in (("job", Job), ("node", Node), ("rollout", Rollout)):
        name = "name" if rows is Node else "pk"
        if rows.objects.filter(**{name: words}).exists():  # type: ignore[attr-defined]
            return redirect(place, words)
    found = {
        "jobs": _newest(Job.objects.filter(pk__startswith=words))
        or _newest(Job.objects.filter(task__startswith=words)),
        "nodes": list(Node.objects.filter(name__icontains=words)[:MOST]),
        "rollouts": _newest(Rollout.objects.filter(pk__startswith=words))
        or _newest(Rollout.objects.filter(release__version__startswith=words)),
    }
    return show(request, "hive_site/search.html", {"query": words, "most": MOST, **found})


def _newest(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("-pk")[:MOST])
