"""`rollouts`: the newest. `rollout:ID`: one, with its nodes and what happened."""

from hive_site.live.board import Look, Topic
from nodes.picture import Picture
from ota.selectors import rollout_events, rollout_rows, rollout_view

MOST_ROLLOUTS = 50
SHOWN = ("release", "strategy", "state", "reason", "wave", "waves", "counts")


class Rollouts(Topic):
    """The newest rollouts."""

    def read(self, picture: Picture, now: float) -> Look:
        """Two short queries."""
        heads = rollout_rows(before=None, limit=MOST_ROLLOUTS)
        return Look({head["id"]: {name: head[name] for name in SHOWN} for head in heads})


class OneRollout(Topic):
    """The rollout of an id."""

    def read(self, picture: Picture, now: float) -> Look:
        """Its head, its nodes, its newest events. Raises `NotFound`."""
        head = rollout_view(self.subject)
        nodes = {f"node/{row['node']}": row for row in head.pop("nodes")}
        del head["events"]
        events = {f"event/{pk}": row for pk, row in rollout_events(self.subject).items()}
        return Look({"rollout": head, **nodes, **events})
