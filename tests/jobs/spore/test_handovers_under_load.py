"""A real Foreman keeps a node busy while one agent after the other takes its place."""

import time
from datetime import timedelta
from functools import partial
from random import Random

import pytest
from django.utils import timezone

from jobs.invariants import check_database, check_redis
from jobs.models import Job
from jobs.registry import registry
from jobs.services import submit_job
from jobs.validation import known_tasks
from jobs.workload import JobsWorkload
from nodes import inbox
from nodes.domain.scoring import Weights
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Node
from tests.nodes.cast import FLEET_KEY
from tests.nodes.spore.launched import TASKS, Seam

pytestmark = [pytest.mark.processes, pytest.mark.django_db]
PATIENCE_SECONDS = 60


@pytest.fixture
def seam(tmp_path, real_broker, monkeypatch):
    client = real_broker.open()
    monkeypatch.setattr(inbox, "_client", client)
    monkeypatch.setattr(inbox, "_hurried", client)
    known_tasks()  # whatever is loaded from here on is forgotten afterwards
    monkeypatch.setattr(registry, "_tasks", dict(registry._tasks))
    exec(TASKS, {})
    seam = Seam(tmp_path, real_broker)
    yield seam
    seam.close()


@pytest.fixture
def foreman(real_broker):
    client = real_broker.open()
    return Foreman(
        client=client,
        leadership=Leadership(client),
        mailbox=Mailbox(client, keyring=Keyring(FLEET_KEY)),
        workload=JobsWorkload(
            client, keyring=Keyring(FLEET_KEY), weights=Weights(), random=Random(1)
        ),
        keyring=Keyring(FLEET_KEY),
        weights=Weights(),
    )


def lead(foreman, children, seen):
    """Let the Foreman work and the launcher listen until it is seen."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < give_up_at, "it never came"
        rest = foreman.tick(timezone.now())
        foreman.wait(min(rest, timedelta(seconds=0.02)))
        for child in children:
            child.listen(0)


def has(child, word):
    return lambda: word in child.words()


def submit(seam, task, items):
    return submit_job(task=task, items=[{"log": str(seam.home / "log"), "n": n} for n in items])


def hand_over(seam, foreman, agent, incarnation, load):
    """A new agent in the place of an old one, in the middle of what `load` submits."""
    heir = seam.start(gated=True, incarnation=incarnation, slots=2)
    both = [agent, heir]
    lead(foreman, both, has(heir, "ready"))
    before = len(seam.log())
    load()
    lead(foreman, both, lambda: len(seam.log()) > before)
    agent.say("retire", {"seconds": 60})
    lead(foreman, both, has(agent, "retired"))
    heir.say("go", {"elders": [agent.hear("retired")]})
    lead(foreman, both, lambda: agent.process.poll() is not None)
    heir.say("elders", [])
    lead(foreman, [heir], has(heir, "probe"))
    assert heir.hear("probe")["ok"]
    return heir


@pytest.mark.parametrize(("task", "count"), [("seam.note", 1000), ("seam.once", 200)])
def test_everything_runs_once_and_the_node_is_never_lost(seam, foreman, task, count):
    agent = seam.start(slots=2)
    lead(foreman, [agent], has(agent, "live"))
    incarnation = agent.hear("live")["incarnation"]
    jobs = []

    for start in (0, count):
        items = range(start, start + count)
        load = partial(lambda items: jobs.append(submit(seam, task, items)), items)
        agent = hand_over(seam, foreman, agent, incarnation, load)
    lead(foreman, [agent], lambda: not Job.objects.filter(finished_at=None).exists())

    assert [Job.objects.get(pk=job.pk).state for job in jobs] == ["succeeded"] * 2
    assert sorted(map(int, seam.log())) == list(range(2 * count))
    assert (Node.objects.get().state, Node.objects.get().incarnation) == ("online", incarnation)
    assert check_database() + check_redis(seam.redis) == []
    assert not any("reborn" in child.words() for child in seam.children)
