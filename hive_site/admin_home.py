"""What the admin's home page shows of the cluster: a handful of bounded reads, with or without a
Foreman."""

from typing import Any

from hive_site.live.topics.figures import Figures
from hive_site.live.topics.needs import Needs
from hive_site.pages.first_look import FirstLook
from jobs.domain.states import JobState
from jobs.models import Job
from ota.domain.states import ACTIVE_ROLLOUTS
from ota.models import Rollout

SHOWN = 5
QUEUE = "queue/"


def look_around() -> dict[str, Any]:
    """The figures, what runs, what is being rolled out, and what needs somebody."""
    look = FirstLook()
    figures = look.of(Figures())
    rollouts = Rollout.objects.select_related("release").filter(state__in=sorted(ACTIVE_ROLLOUTS))
    queues = {key.removeprefix(QUEUE): row for key, row in figures.items() if QUEUE in key}
    return {
        "cluster": figures["cluster"],
        "look_age": look.picture.age(look.now),
        "trouble": look.trouble,
        "queues": queues,
        "needs": list(look.of(Needs()).values()),
        "running": Job.objects.filter(state=JobState.RUNNING).order_by("-pk")[:SHOWN],
        "rollouts": rollouts.order_by("-pk")[:SHOWN],
    }
