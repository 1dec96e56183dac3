"""The cluster in one look."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hive_site.live.topics.figures import Figures
from hive_site.live.topics.jobs import Jobs
from hive_site.live.topics.needs import Needs
from hive_site.live.topics.nodes import Nodes
from hive_site.pages import matrix
from hive_site.pages.charts import draw_chart, read_window
from hive_site.pages.first_look import FirstLook
from hive_site.pages.frame import page, show

WINDOWS = ("15m", "1h", "24h")
#: What the list of jobs shows at first; it grows while one looks.
MOST_OPEN, MOST_ENDED = 8, 6
#: What the script makes new rows from.
BLANK_JOB = {
    **dict.fromkeys(("id", "task", "state"), ""),
    **dict.fromkeys(("total", "succeeded", "failed", "cancelled", "running"), 0),
    **dict.fromkeys(("eta", "finished_at")),
}


@page
def overview(request: HttpRequest) -> HttpResponse:
    """The cluster in one look."""
    look, now = FirstLook(), timezone.now()
    window = read_window(request.GET.get("window"), WINDOWS)
    lately = draw_chart("cluster", WINDOWS[0], now)
    cluster = look.of(Figures())["cluster"]
    context = {
        "look_age": look.picture.age(look.now),
        "cluster": cluster,
        "busy_share": cluster["busy"] / cluster["slots"] if cluster["slots"] else 0.0,
        "needs": look.of(Needs()),
        "window": window,
        "windows": WINDOWS,
        "lately": lately,
        "lately_pairs": ended_pairs(lately),
        "failure": failure_share(lately["lines"]),
        "chart": lately if window == WINDOWS[0] else draw_chart("cluster", window, now),
        **matrix_context(request, look.of(Nodes())),
        **jobs_context(look.of(Jobs())),
    }
    return show(request, "hive_site/overview.html", context, at="overview")


def matrix_context(request: HttpRequest, nodes: Mapping[str, Any]) -> dict[str, Any]:
    """The matrix as its address asks for it: `?color=`, `?group=`, `?view=table`."""
    colour = request.GET.get("color")
    colour = colour if colour in matrix.COLOURS else matrix.COLOURS[0]
    labels, label = matrix.labels_of(nodes), request.GET.get("group", "")
    many = len(nodes) > matrix.MOST_CELLS
    if not any(label in row["labels"] for row in nodes.values()):
        label = labels[0] if many and labels else ""
    releases = matrix.rank_releases(row["release"] for row in nodes.values())
    return {
        "nodes": nodes,
        "groups": matrix.draw(nodes, label=label, colour=colour),
        "states": matrix.count_states(nodes),
        "releases": list(releases.items()),
        "colour": colour,
        "colours": matrix.COLOURS,
        "label": label,
        "labels": labels,
        "many": many,
        "as_table": request.GET.get("view") == "table",
    }


def jobs_context(jobs: Mapping[str, Any]) -> dict[str, Any]:
    """What is under way and what ended last, the newest first."""
    rows = [{"id": id_, **row} for id_, row in jobs.items()]
    open_ = [row for row in rows if row["finished_at"] is None]
    ended = sorted(
        (row for row in rows if row["finished_at"] is not None),
        key=lambda row: row["finished_at"],
        reverse=True,
    )
    open_.sort(key=lambda row: row["id"], reverse=True)
    return {
        "open_jobs": open_[:MOST_OPEN],
        "more_open": max(len(open_) - MOST_OPEN, 0),
        "ended_jobs": ended[:MOST_ENDED],
        "blank_job": BLANK_JOB,
        "most_open": MOST_OPEN,
        "most_ended": MOST_ENDED,
    }


def ended_pairs(chart: Mapping[str, Any]) -> str:
    """When, and how many succeeded and failed, as JSON: what the failure rate is counted from."""
    series, step = chart["data"], chart["data"].step
    values = (series.values["succeeded"], series.values["failed"])
    rows = zip(series.at, *values, strict=True)
    return json.dumps([[at, step * (a or 0), step * (b or 0)] for at, a, b in rows])


def failure_share(lines: Mapping[str, list[float | None]]) -> dict[str, Any]:
    """Of what ended lately, the share that failed: `share` of all of it, `line` over time."""
    pairs = list(zip(lines["succeeded"], lines["failed"], strict=True))
    good = sum(succeeded or 0 for succeeded, _ in pairs)
    bad = sum(failed or 0 for _, failed in pairs)
    return {"share": _share(good, bad), "line": [_share(*pair) for pair in pairs]}


def _share(good: float | None, bad: float | None) -> float | None:
    ended = (good or 0) + (bad or 0)
    return (bad or 0) / ended if ended else None
