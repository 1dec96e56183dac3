"""`hive status`: the cluster in one look."""

import argparse
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer

if TYPE_CHECKING:
    from rich.console import Console

HELP = "show Foreman, queues, nodes and jobs"
#: The Foreman draws a picture every second; an older one says that it is away.
FRESH_SECONDS = 5.0
COLOURS = {"online": "green", "lost": "red", "suspect": "yellow", "quarantined": "magenta"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No choices but the form of the answer."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Print what is known; exit 1 if Redis is away, so that it is only a memory."""
    from rich.console import Console

    status = read_status()
    if options["json"]:
        answer(status)
    else:
        show(Console(highlight=False), status)
    return 0 if status["redis"]["reachable"] else 1


def read_status() -> dict[str, Any]:
    """The Foreman's picture if there is a fresh one, else what the database remembers."""
    from django.conf import settings

    from hive_site.kernel.redis import AWAY, connect
    from nodes import wire
    from nodes.picture import develop

    client = connect(settings.REDIS_URL, name="hive-status")
    try:
        text, away = client.get(wire.SNAPSHOT), ""
    except AWAY as error:
        text, away = None, str(error)
    finally:
        client.close()
    picture = develop(text)
    away = away or picture.away
    return compose(picture.facts, read_database(), redis_error=away, now=time.time())


def read_database() -> dict[str, Any]:
    """What the database says of nodes, leadership and jobs."""
    from django.db.models import Count

    from jobs.models import Job
    from nodes.models import Lease, Node

    lease = Lease.objects.first()
    nodes = Node.objects.values(
        *("name", "state", "reason", "slots", "cpu", "memory", "release", "last_seen")
    )
    return {
        "holder": lease.holder if lease else "",
        "epoch": lease.epoch if lease else 0,
        "nodes": [
            {**n, "last_seen": n["last_seen"].isoformat() if n["last_seen"] else None}
            for n in nodes
        ],
        "jobs": dict(Job.objects.order_by().values_list("state").annotate(count=Count("pk"))),
    }


def compose(
    picture: dict[str, Any], database: dict[str, Any], *, redis_error: str, now: float
) -> dict[str, Any]:
    """One answer from both sources. The foreman's state: leading, away, or unknown."""
    age = now - picture["at"] if picture else None
    fresh = age is not None and age <= FRESH_SECONDS
    nodes = picture["nodes"] if picture else [{**n, "running": 0} for n in database["nodes"]]
    leader = picture.get("foreman", database)
    return {
        "foreman": {
            "state": "unknown" if redis_error else "leading" if fresh else "away",
            "holder": leader["holder"],
            "epoch": leader["epoch"],
            "age_seconds": None if age is None else round(max(age, 0.0), 1),
        },
        "redis": {"reachable": not redis_error, "error": redis_error},
        "nodes_online": picture.get("nodes_online", 0) if fresh else 0,
        "nodes_total": len(nodes),
        "slots": picture.get("slots", 0),
        "active_subtasks": picture.get("active_subtasks", 0),
        "throughput": picture.get("throughput", {}),
        "queues": picture.get("queues", {}),
        "jobs": database["jobs"],
        "nodes": nodes,
    }


def show(console: "Console", status: dict[str, Any]) -> None:
    """The answer for people."""
    console.print(headline(status["foreman"], status["redis"]))
    rate = status["throughput"].get("succeeded_per_second", 0)
    console.print(
        f"{status['nodes_online']} of {status['nodes_total']} nodes online, "
        f"{status['active_subtasks']} subtasks in flight on {status['slots']} slots, "
        f"{rate:.1f} subtasks/s"
    )
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(status["jobs"].items()))
    console.print(f"Jobs: {jobs or 'none yet'}\n")
    show_queues(console, status["queues"])
    show_nodes(console, status["nodes"])


def headline(foreman: dict[str, Any], redis: dict[str, Any]) -> str:
    """One line on who leads, and what to do if nobody does."""
    from rich.markup import escape

    if not redis["reachable"]:
        return f"[red]Redis is away[/] ({escape(redis['error'])}); below is what the database knows"
    if foreman["state"] == "away":
        age = foreman["age_seconds"]
        since = f"; this picture is {age} s old" if age is not None else "; no picture of the nodes"
        return f"[red]Foreman away[/]{since}. Start one: python manage.py foreman"
    return f"[green]Foreman leads[/] (epoch {foreman['epoch']}, {escape(foreman['holder'])})"


def show_queues(console: "Console", queues: dict[str, Any]) -> None:
    """A table of what waits."""
    from rich.table import Table

    if not queues:
        return
    table = Table("queue", "waiting", "oldest", "", title="Queues", title_justify="left")
    for name, queue in queues.items():
        wait = queue.get("oldest_wait")
        oldest = "" if wait is None else f"{wait:.0f} s"
        table.add_row(name, str(queue["depth"]), oldest, "paused" if queue["paused"] else "")
    console.print(table)


def show_nodes(console: "Console", nodes: list[dict[str, Any]]) -> None:
    """A table of the machines."""
    from rich.markup import escape
    from rich.table import Column, Table

    if not nodes:
        console.print("No nodes yet. `hive invite` prints the line that makes a machine one.")
        return
    # Names are copied into other commands: no terminal is too narrow for them.
    name = Column("node", no_wrap=True, min_width=max(len(node["name"]) for node in nodes))
    head = ("state", "busy", "CPU", "RAM", "release", "seen", "why")
    table = Table(name, *head, title="Nodes", title_justify="left")
    for node in nodes:
        colour = COLOURS.get(node["state"], "cyan")
        table.add_row(
            node["name"],
            f"[{colour}]{node['state']}[/]",
            f"{node['running']}/{node['slots']}",
            f"{node['cpu']:.0%}",
            f"{node['memory']:.0%}",
            escape(node["release"]),
            ago(node["last_seen"]),
            escape(node["reason"]),
        )
    console.print(table)


def ago(moment: str | None) -> str:
    """How long ago that was, roughly."""
    if not moment:
        return "never"
    seconds = max(0, round((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"
