"""What there is to watch."""

from hive_site.kernel.errors import NotFound
from hive_site.live.board import Topic
from hive_site.live.topics.figures import Figures
from hive_site.live.topics.job import OneJob
from hive_site.live.topics.jobs import Jobs
from hive_site.live.topics.needs import Needs
from hive_site.live.topics.nodes import Nodes, OneNode
from hive_site.live.topics.rollouts import OneRollout, Rollouts

ALL: dict[str, type[Topic]] = {
    "figures": Figures,
    "nodes": Nodes,
    "jobs": Jobs,
    "needs": Needs,
    "rollouts": Rollouts,
}
#: Each of these is watched by the name of one.
ONE: dict[str, type[Topic]] = {"node": OneNode, "job": OneJob, "rollout": OneRollout}
NAMES = [*ALL, *(f"{name}:ID" for name in ONE)]


def open_topic(name: str) -> Topic:
    """The topic of a name. Raises `NotFound`."""
    kind, _, subject = name.partition(":")
    if name in ALL:
        return ALL[name]()
    if kind in ONE and subject and "\0" not in subject:
        return ONE[kind](subject)
    raise NotFound(f"there is no topic {name!r}; watch some of {', '.join(NAMES)}")
