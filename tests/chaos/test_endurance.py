"""Random kills of everything, for as long as there is time: row 29 of FAULTS.md."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest

from jobs.models import Job
from nodes.domain.states import Intent
from nodes.services import create_api_key, set_intent
from tests.chaos.cluster import SOON, Cluster
from tests.chaos.waiting import chaos_seconds, until
from tests.chaos.work import await_state, check, finish, states, submit

pytestmark = pytest.mark.chaos
#: Killed again and again; the last Spore and the Nexus live through all of it.
MORTAL, SURVIVOR = ("spore-1", "spore-2", "spore-3"), "spore-4"
#: The first part fills caches and pools; what grows after it grows for ever.
WARM_UP = 0.3
OPEN_JOBS = 4
#: Of all four Spores.
SLOTS = 8


def start_again(cluster: Cluster, name: str) -> None:
    cluster.again(name)
    if name in MORTAL:
        # Its operator says that it is well, or it would rest because it flaps.
        set_intent(name=name, intent=Intent.WORK)


def kill_a_spore(cluster: Cluster, chance: random.Random) -> None:
    name = chance.choice(MORTAL)
    cluster.kill(name)
    start_again(cluster, name)


def kill_an_agent(cluster: Cluster, chance: random.Random) -> None:
    name = chance.choice(MORTAL)
    cluster.kill_alone(name)
    start_again(cluster, name)


def kill_a_slot(cluster: Cluster, chance: random.Random) -> None:
    slots = cluster.slots(chance.choice(MORTAL))
    if slots:
        os.kill(chance.choice(slots), signal.SIGKILL)


def stop_a_spore(cluster: Cluster, chance: random.Random) -> None:
    name = chance.choice(MORTAL)
    cluster.child(name).ask_to_stop()
    start_again(cluster, name)


def freeze_a_spore(cluster: Cluster, chance: random.Random) -> None:
    name = chance.choice(MORTAL)
    cluster.freeze(name)
    time.sleep(chance.uniform(1, 12))
    cluster.thaw(name)


def kill_the_foreman(cluster: Cluster, chance: random.Random) -> None:
    cluster.kill("foreman")
    time.sleep(chance.uniform(0, 3))
    start_again(cluster, "foreman")


def kill_redis(cluster: Cluster, chance: random.Random) -> None:
    cluster.kill("redis")
    time.sleep(chance.uniform(0, 5))
    cluster.start_redis(empty=chance.random() < 0.3)


BLOWS: tuple[Callable[[Cluster, random.Random], None], ...] = (
    kill_a_spore,
    kill_an_agent,
    kill_a_slot,
    stop_a_spore,
    freeze_a_spore,
    kill_the_foreman,
    kill_redis,
)


@dataclass(frozen=True)
class Size:
    """How much the survivors hold while nothing goes on."""

    fds: int
    rss: int
    keys: int
    members: int


def measure(cluster: Cluster) -> Size:
    pids = [cluster.pid("nexus"), cluster.pid(SURVIVOR), *cluster.slots(SURVIVOR)]
    living = [psutil.Process(pid) for pid in pids]
    sets = [key for key in cluster.redis.scan_iter("*", _type="set")]
    return Size(
        fds=sum(process.num_fds() for process in living),
        rss=sum(process.memory_info().rss for process in living),
        # What RQ keeps of workers for two minutes comes and goes.
        keys=sum(cluster.redis.ttl(key) in range(-1, 0) for key in cluster.redis.scan_iter("*")),
        members=sum(cluster.redis.scard(key) for key in sets),
    )


def await_names(cluster: Cluster) -> None:
    """RQ keeps what it knows of a worker for two minutes, and its name until the Foreman looks;
    into a Redis that lost them slots write theirs within half a minute."""

    def are_right() -> bool:
        names = cluster.redis.smembers("rq:workers")
        return len(names) == SLOTS and all(cluster.redis.exists(name) for name in names)

    until(are_right, within=300, what="the names of all slots, and of no other")


def submit_something(chance: random.Random) -> str:
    task = chance.choice(["chaos.work", "chaos.work", "chaos.careful", "chaos.once"])
    count = chance.randint(1, 60)
    reduce = chance.choice([None, "chaos.total"])
    return submit(task, [chance.choice([0.01, 0.05, 0.5])] * count, reduce=reduce)


def rage(cluster: Cluster, chance: random.Random, seconds: float) -> tuple[int, list[str]]:
    """Strike every 5 to 20 s while work goes on; how often, and the jobs."""
    blows, jobs, end = 0, [], time.monotonic() + seconds
    while time.monotonic() < end:
        strike_at = time.monotonic() + chance.uniform(5, 20)
        while time.monotonic() < strike_at:
            if Job.objects.open().count() < OPEN_JOBS:
                jobs.append(submit_something(chance))
            time.sleep(0.2)
        blow = chance.choice(BLOWS)
        blow(cluster, chance)
        blows += 1
    return blows, jobs


def test_row_29_random_kills_leave_no_trace(cluster, figure):
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    create_api_key(name="chaos", scopes=["read"])
    cluster.nexus()
    cluster.foreman()
    for name in (*MORTAL, SURVIVOR):
        cluster.spore(name, slots=SLOTS // 4)
    cluster.await_nodes(*MORTAL, SURVIVOR)

    blows, jobs = rage(cluster, chance, chaos_seconds() * WARM_UP)
    finish(*jobs, within=180)
    await_names(cluster)
    before = measure(cluster)
    more, later = rage(cluster, chance, chaos_seconds() * (1 - WARM_UP))
    finish(*later, within=180)
    for name in MORTAL:
        await_state(name, "online")
    until(lambda: cluster.redis.dbsize() > 0, within=SOON, what="Redis is there")
    await_names(cluster)
    after = measure(cluster)

    everything = [*jobs, *later]
    again = sum(max(runs(cluster, job).values(), default=0) > 1 for job in once(everything))
    figure(29, f"kills and freezes (seed {seed})", blows + more)
    figure(29, "jobs", len(everything))
    figure(29, "subtasks lost", sum(failures(job) for job in everything), "= 0")
    figure(29, "at_most_once subtasks that ran twice", again, "= 0")
    figure(29, "growth of file descriptors, %", growth(before.fds, after.fds), "< 2")
    figure(29, "growth of RSS, %", growth(before.rss, after.rss), "< 2")
    figure(29, "growth of keys without a TTL, %", growth(before.keys, after.keys), "< 2")
    figure(29, "growth of sets, %", growth(before.members, after.members), "< 2")
    check(cluster)


def growth(before: int, after: int) -> float:
    return 100 * (after - before) / before


def runs(cluster: Cluster, job: str) -> dict[int, int]:
    return {index: count for index, count in cluster.diary.times_run(job).items()}


def once(jobs: list[str]) -> list[str]:
    """Those whose task may never run twice."""
    return list(Job.objects.filter(pk__in=jobs, at_most_once=True).values_list("pk", flat=True))


def failures(job: str) -> int:
    """What did not succeed, unless its task may never run twice: then it may have to fail."""
    if Job.objects.get(pk=job).at_most_once:
        return 0
    return states(job).total() - states(job)["succeeded"]
