"""Machines: all of them, and one of them."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hive_site.kernel.errors import NotFound
from hive_site.pages import matrix, node_table
from hive_site.pages.charts import draw_chart, read_window
from hive_site.pages.first_look import FirstLook
from hive_site.pages.frame import page, show
from hive_site.pages.verbs import Kind
from jobs.of_nodes import latest_of_node, moved_from, running_on
from nodes import events
from nodes.domain.happenings import What
from nodes.domain.liveness import REVOKED
from nodes.domain.states import PRESENT, Intent, NodeState
from nodes.models import Node
from nodes.selectors import node_view, node_views
from nodes.verbs import NODE_VERBS
from ota.selectors import home_view

WINDOWS = ("15m", "1h", "24h", "30d")
#: Of what ended on a node, so many are kept in sight, and so many shown at once.
MOST_ENDED, ENDED_AT_ONCE = 500, 50
MOST_EVENTS = 50
#: Events with which a node begins to be there.
STARTS = frozenset({What.JOINED, What.BACK, What.RESTARTED})
#: What the script makes a new slot from.
BLANK_WORK = {"task": "", "job": "", "items": 1}


@page
def node_list(request: HttpRequest) -> HttpResponse:
    """All machines, as the address filters and sorts them."""
    rows, wish = node_views(), node_table.read_wish(request.GET)
    context = {
        "trouble": FirstLook().trouble,
        "wish": wish,
        "page": node_table.choose(rows, wish),
        "columns": node_table.columns(wish),
        "states": matrix.count_states({row["name"]: row for row in rows}),
        "total": len(rows),
        "present": PRESENT,
    }
    return show(request, "nodes/list.html", context, at="nodes")


@page
def node(request: HttpRequest, name: str) -> HttpResponse:
    """One machine."""
    look, now = FirstLook(), timezone.now()
    view, row = node_view(name), find_node(name)
    window = read_window(request.GET.get("window"), WINDOWS)
    happened = events.of_node(name, MOST_EVENTS)
    context = {
        "trouble": look.trouble,
        "node": view,
        "row": row,
        "last_seen": _moment(view["last_seen"]),
        "present": PRESENT,
        "buttons": KIND.buttons(request, name, *verbs_for(view)),
        "home": home_view(name, now),
        **_slots(view),
        "moved": _moved(row),
        "windows": WINDOWS,
        "window": window,
        "chart": draw_chart(f"node/{name}", window, now),
        **_ended(name, request.GET.get("show", "")),
        "events": happened,
        "up_since": next((each.at for each in happened if each.what in STARTS), None),
        "blank": BLANK_WORK,
    }
    return show(request, "nodes/node.html", context, at="nodes")


def verbs_for(view: dict[str, Any]) -> list[str]:
    """The verbs that make sense for a node as it is."""
    intent, lost = view["intent"], view["state"] == NodeState.LOST
    wishes = {
        "drain": intent != Intent.DRAIN and not lost,
        "cordon": intent == Intent.WORK,
        "resume": intent != Intent.WORK or view["state"] == NodeState.QUARANTINED,
        "revoke": view["reason"] != REVOKED,
        "forget": lost,
    }
    return [verb for verb, makes_sense in wishes.items() if makes_sense]


def find_node(name: str) -> Node:
    """The node's row. Raises `NotFound`."""
    found = Node.objects.filter(name=name).first()
    if found is None:
        raise NotFound(f"no node is named {name!r}")
    return found


def _slots(view: dict[str, Any]) -> dict[str, Any]:
    """What its slots do, how many do nothing, and of how many nobody knows yet what they do."""
    works = _works(view)
    idle, unseen = (max(view[name] - len(works), 0) for name in ("slots", "running"))
    return {"works": works, "idle": idle, "unseen": unseen}


def _works(view: dict[str, Any]) -> list[dict[str, Any]]:
    """What its slots do; until the Foreman looks closely, as far as the database knows."""
    work: list[dict[str, Any]] = view["work"]
    return work or running_on(view["name"], limit=view["running"])


def _ended(name: str, wish: str) -> dict[str, Any]:
    """What ended on a node, as many as one wishes to see; `more`: how many to wish for next."""
    known = wish.isascii() and wish.isdecimal() and len(wish) < 4
    shown = max(int(wish), ENDED_AT_ONCE) if known else ENDED_AT_ONCE
    ended = latest_of_node(name, MOST_ENDED)
    more = min(shown + ENDED_AT_ONCE, len(ended)) if len(ended) > shown else 0
    return {"ended": ended[:shown], "more": more}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _moved(row: Node) -> list[Any]:
    """What a lost node had in hand, and where that is now."""
    if row.state != NodeState.LOST or row.last_seen is None:
        return []
    return moved_from(row.name, row.last_seen)


KIND = Kind(name="node", place="node", at="nodes", find=find_node, verbs=NODE_VERBS)
