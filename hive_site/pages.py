"""The pages of the site: the way in, and the overview."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobs.models import Job
from jobs.shelves import queue_views
from nodes.login_links import redeem
from nodes.selectors import cluster_view, node_views

LATEST_JOBS = 20


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The cluster in one look."""
    context = {
        "cluster": cluster_view(),
        "nodes": node_views(),
        "queues": queue_views(),
        "jobs": Job.objects.order_by("-pk")[:LATEST_JOBS],
    }
    return render(request, "hive_site/overview.html", context)


@never_cache
def login_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Log in with a link that works once. It takes a click, so that previews do not use it up."""
    if request.method != "POST":
        return render(request, "hive_site/login_link.html")
    user = redeem(token)
    if user is None:
        messages.error(request, "This link was used before, or its hour is over.")
        return redirect("login")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("overview")
