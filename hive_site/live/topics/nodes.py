"""`nodes`: a row for each. `node:NAME`: one, with what each of its slots does."""

from collections.abc import Mapping
from typing import Any

from hive_site.kernel.errors import NotFound
from hive_site.live.board import Look, Topic
from hive_site.live.topics.rows import Row, node_facts, node_row, unix
from nodes.models import Node
from nodes.picture import Picture


class Nodes(Topic):
    """All nodes."""

    pace = 0.0

    def sketch(self, picture: Picture, now: float) -> Look | None:
        """All of it, from the picture."""
        if not picture.facts:
            return None
        return Look({node["name"]: node_row(node) for node in picture.facts["nodes"]})

    def read(self, picture: Picture, now: float) -> Look:
        """What the database remembers of them."""
        return Look({node.name: node_row(node_facts(node)) for node in Node.objects.all()})


class OneNode(Topic):
    """The node of a name."""

    pace = 0.0

    def sketch(self, picture: Picture, now: float) -> Look | None:
        """All of it, if the picture has the node."""
        nodes = picture.facts.get("nodes", ())
        drawn = next((node for node in nodes if node["name"] == self.subject), None)
        return Look(node_rows(drawn)) if drawn else None

    def read(self, picture: Picture, now: float) -> Look:
        """What the database remembers of it. Raises `NotFound`."""
        node = Node.objects.filter(name=self.subject).first()
        if node is None:
            raise NotFound(f"no node is named {self.subject!r}")
        return Look(node_rows(node_facts(node)))


def node_rows(drawn: Mapping[str, Any]) -> dict[str, Row]:
    """A node, and its busy slots."""
    same = {name: drawn[name] for name in ("score", "capabilities", "agent_version")}
    seen, metrics = unix(drawn["last_seen"]), drawn.get("metrics", {})
    node = {**node_row(drawn), **same, "last_seen": seen, "metrics": metrics}
    slots = {f"slot/{n}": slot_row(work) for n, work in enumerate(drawn.get("work", ()))}
    return {"node": node, **slots}


def slot_row(work: Mapping[str, Any]) -> Row:
    """What one busy slot has in hand."""
    return {
        **{name: work[name] for name in ("task", "job", "index", "items")},
        "started_at": unix(work["started_at"]),
        "progress": work.get("progress"),
        "message": work.get("message", ""),
    }
