"""Draws a view for a terminal of any size: what matters most takes what room there is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hive_site.top.cells import ago, plain, seen_ago, share_of, spark, state_of, table_of, word
from hive_site.top.view import MOST_ALERTS, SORTS, Row, View, sort_nodes

#: Of jobs and rollouts, so that there is room for nodes; the rest is counted.
MOST_JOBS, MOST_ROLLOUTS, FEWEST_NODES = 8, 3, 3
#: Without a terminal there is room for this much.
PLAIN_NODES = 20
#: From these widths on a row shows more, and all it has.
WIDE, WIDEST = 110, 140
#: What its cells need beside the name of a task, and those that only wide terminals show.
BESIDE_TASK, BESIDE_MORE = 62, 33
KEYS = "q quit   p pause   s sort   ↑↓ scroll"


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody wants to see it. `height` None: as much as there is."""

    width: int
    height: int | None = None
    sort: str = SORTS[0]
    offset: int = 0
    paused: bool = False
    #: When it is looked at, in Unix seconds.
    now: float = 0.0
    #: Why the view is an old one.
    lost: str = ""


def draw(view: View, manner: Manner) -> RenderableType:
    """The whole screen."""
    most_jobs = MOST_JOBS if manner.height is None else min(MOST_JOBS, manner.height // 6 + 1)
    parts: list[Text | Table] = [
        _headline(view, manner),
        _figures(view.cluster, view.nodes, manner),
        _sparkline(view, manner),
        *_alerts(view, manner),
        _queues(view.cluster.get("queues", {})),
        *_pools(view.cluster.get("pools", {})),
        *_rollouts(view.rollouts[:MOST_ROLLOUTS]),
        *_jobs(view.jobs[:most_jobs], len(view.jobs), manner),
    ]
    if manner.height is None:
        return Group(*parts, *_nodes(view.nodes, manner, PLAIN_NODES))
    # Beside the nodes: their head, how many more there are, and the keys.
    room = max(manner.height - sum(map(_height, parts)) - 3, FEWEST_NODES)
    return Group(*parts, *_nodes(view.nodes, manner, room), Text(KEYS, style="dim"))


def _height(part: Text | Table) -> int:
    """In lines: nothing is ever wrapped."""
    return part.row_count + 1 if isinstance(part, Table) else 1


def _headline(view: View, manner: Manner) -> Text:
    foreman = view.cluster["foreman"]
    leads = foreman["state"] == "leading"
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("THE HIVE  ", style="bold")
    if manner.paused:
        line.append("PAUSED  ", style="bold yellow")
    said = f"Foreman {foreman['state']}"
    line.append(said, style="green" if leads else "bold red")
    if leads:
        line.append(f" (epoch {foreman['epoch']}, {plain(foreman['holder'])})", style="dim")
    clock = datetime.fromtimestamp(view.at, UTC)
    line.append(f"  {clock:%H:%M:%S} UTC")
    age = (foreman.get("age") or 0.0) + max(manner.now - view.at, 0.0)
    line.append(f", {age:.1f} s old", style="bold red" if age > 5 else "dim")
    return line


def _figures(cluster: Row, nodes: list[Row], manner: Manner) -> Text:
    busy, rates = sum(node["running"] for node in nodes), cluster.get("throughput", {})
    parts = [
        f"{cluster['nodes_online']}/{cluster['nodes_total']} nodes",
        f"{busy}/{cluster['slots']} slots busy",
        f"{cluster['active_subtasks']} in flight",
        f"CPU {cluster['avg_cpu']:.0%}",
        f"RAM {cluster['avg_memory']:.0%}",
    ]
    if manner.width >= WIDE:
        parts += [f"{rates.get('failed_per_second', 0.0):.1f}/s failed"]
        parts += [f"{rates.get('retried_per_second', 0.0):.1f}/s tried again"]
    return Text(" · ".join(parts), no_wrap=True, overflow="ellipsis")


def _sparkline(view: View, manner: Manner) -> Text:
    rate = view.cluster.get("throughput", {}).get("succeeded_per_second", 0.0)
    room = max(manner.width - 22, 10)
    return Text(f"{spark(view.history[-room:])} ", style="green", no_wrap=True).append(
        f"{rate:.1f} subtasks/s", style="bold default"
    )


def _alerts(view: View, manner: Manner) -> list[Text]:
    told = [(True, f"this picture is an old one: {manner.lost}")] if manner.lost else []
    told += [(alert.grave, alert.text) for alert in view.alerts[:MOST_ALERTS]]
    if (more := len(view.alerts) - MOST_ALERTS) > 0:
        told.append((False, f"and {more} more"))
    return [_warn(text, grave=grave) for grave, text in told]


def _warn(text: str, *, grave: bool) -> Text:
    style = "bold red" if grave else "yellow"
    return Text(f"! {plain(text)}", style=style, no_wrap=True, overflow="ellipsis")


def _queues(queues: dict[str, Any]) -> Table:
    table = table_of("queue", "waiting", "oldest", "in/s", "out/s", "")
    for name, queue in queues.items():
        table.add_row(
            word(name),
            str(queue["depth"]),
            ago(queue["oldest_wait"]),
            f"{queue.get('in', 0.0):.1f}",
            f"{queue.get('out', 0.0):.1f}",
            Text("paused", style="yellow") if queue["paused"] else "",
        )
    return table


def _pools(pools: dict[str, Any]) -> list[Text | Table]:
    if not pools:
        return []
    table = table_of("pool", "wanted", "ready", "starting", "draining", "bounds", "")
    for name, pool in pools.items():
        counts = (str(pool[word]) for word in ("wanted", "ready", "starting", "draining"))
        why = word(pool.get("reason", ""))
        table.add_row(word(name), *counts, f"{pool['min']}–{pool['max']}", why)
    return [table]


def _rollouts(rollouts: list[Row]) -> list[Text | Table]:
    if not rollouts:
        return []
    table = table_of("rollout", "state", "wave", "nodes")
    for row in rollouts:
        counts = ", ".join(f"{count} {state}" for state, count in sorted(row["counts"].items()))
        wave = f"{row['wave'] + 1}/{len(row['waves'])}"
        table.add_row(word(row["release"]), state_of(row["state"]), wave, word(counts))
    return [table]


def _jobs(jobs: list[Row], total: int, manner: Manner) -> list[Text | Table]:
    if not jobs:
        return []
    wide, widest = manner.width >= WIDE, manner.width >= WIDEST
    room = manner.width - BESIDE_TASK - BESIDE_MORE * (wide + widest)
    more_heads = ("queue",) * wide + ("job id",) * widest
    table = table_of("job", "state", "", "done", "failed", "left", *more_heads)
    for job in jobs:
        done = job["succeeded"] + job["failed"] + job["cancelled"]
        bar = ProgressBar(total=max(job["total"], 1), completed=done, width=12 if not wide else 24)
        more = (word(job["queue"]),) * wide + (word(job["id"]),) * widest
        table.add_row(
            word(job["task"], max(room, 12)),
            state_of(job["state"]),
            bar,
            f"{done}/{job['total']}",
            Text(str(job["failed"]), style="red" if job["failed"] else "dim"),
            ago(job["eta"]),
            *more,
        )
    more_jobs = total - len(jobs)
    rest = [Text(f"… and {more_jobs} more jobs", style="dim")] if more_jobs else []
    return [table, *rest]


def _nodes(nodes: list[Row], manner: Manner, room: int) -> list[Text | Table]:
    if not nodes:
        return [Text("No nodes yet. `hive invite` prints the line that makes a machine one.")]
    first = min(manner.offset, max(len(nodes) - room, 0))
    ranked = sort_nodes(nodes, manner.sort)[first : first + room]
    wide = manner.width >= WIDE
    table = table_of(
        f"node, by {manner.sort}", "state", "busy", "CPU", "RAM", "release", "seen", ""
    )
    for node in ranked:
        table.add_row(
            word(node["name"], 32 if wide else 20),
            state_of(node["state"]),
            f"{node['running']}/{node['slots']}",
            share_of(node["cpu"]),
            share_of(node["memory"]),
            word(node["release"], 16),
            seen_ago(node["last_seen"], manner.now),
            word(node.get("reason") or ""),
        )
    rest = len(nodes) - len(ranked)
    told = f"… and {rest} more nodes" if rest else ""
    return [table, Text(told, style="dim")] if rest else [table]
