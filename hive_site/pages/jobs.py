"""Jobs: the list of them, and one of them with its tabs."""

from functools import partial

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from hive_site.pages.frame import page, show
from hive_site.pages.job_filters import read_filter
from hive_site.pages.job_head import head_of
from hive_site.pages.job_tabs import TABS, tab_of
from hive_site.pages.job_verbs import KIND
from jobs.api.streaming import result_lines, walk, walk_async
from jobs.domain.states import Kept
from jobs.selectors import get_job, require_results
from nodes.roles import may

PAGE = 50
NDJSON = "application/x-ndjson"
__all__ = ["KIND", "job", "job_list", "results"]


@page
def job_list(request: HttpRequest) -> HttpResponse:
    """Jobs, the newest first, as the address asks for them."""
    wanted = read_filter(request.GET)
    rows = list(wanted.rows().defer("kwargs", "result", "error")[: PAGE + 1])
    context = {
        "jobs": rows[:PAGE],
        "filter": wanted,
        "older": wanted.link(before=rows[PAGE - 1].pk) if len(rows) > PAGE else "",
        "queues": settings.HIVE.queues,
        "may_submit": may(request.user, "submit"),
    }
    return show(request, "jobs/list.html", context, at="jobs")


@page
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """One job: its head, and the tab that the address names."""
    row = get_job(job_id)
    tab = request.GET.get("tab", "grid")
    tab = tab if tab in TABS else "grid"
    context = head_of(request, row) | {"tab": tab, "tabs": TABS, "tab_at": f"jobs/tab_{tab}.html"}
    if row.kept == Kept.ALL or tab == "events":
        context |= tab_of(tab, request, row)
    else:
        context["tab_at"] = "jobs/tab_gone.html"
    return show(request, "jobs/job.html", context, at="jobs")


@page
def results(request: HttpRequest, job_id: str) -> StreamingHttpResponse:
    """All results of a job as a file, one JSON object a line."""
    row = require_results(job_id)
    pages = partial(result_lines, job_id, total=row.total)
    lines = walk_async(pages, -1) if isinstance(request, ASGIRequest) else walk(pages, -1)
    name = f'attachment; filename="{row.pk}.ndjson"'
    headers = {"Content-Disposition": name}
    return StreamingHttpResponse(lines, content_type=NDJSON, headers=headers)
