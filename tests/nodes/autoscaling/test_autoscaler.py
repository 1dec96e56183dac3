"""All pools together, and what a Foreman does with them."""

import json
from datetime import timedelta

import pytest

from nodes import wire
from nodes.autoscaling.autoscaler import Autoscaler, is_shaky
from nodes.autoscaling.pool import Pool
from nodes.domain.beats import Beat
from nodes.domain.fitness import Demand
from nodes.domain.liveness import SHUT_DOWN
from nodes.domain.scaling_loads import Want
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Lease
from nodes.roster import Roster, Seat
from tests.nodes.autoscaling.cast import Fake, Prompt, Work, pool_of
from tests.nodes.cast import FLEET_KEY, START, after

pytestmark = pytest.mark.django_db


class Company:
    """Two pools, one of them with GPUs, each before a provider of its own."""

    def __init__(self) -> None:
        self.work, self.providers, pools = Work(), {}, []
        for name, also in (("cpu", {}), ("gpu", {"gpus": 1, "gpu_memory_mb": 8000})):
            self.providers[name] = provider = Fake()
            pools.append(
                Pool(
                    pool_of(name, **also),
                    Prompt(provider),
                    busy=self.work.busy,
                    name_node=lambda name=name, own=provider: f"{name}-{len(own.calls)}",
                )
            )
        self.autoscaler = Autoscaler(pools, self.work)

    def sizes(self) -> dict[str, int]:
        return {name: len(provider.machines) for name, provider in self.providers.items()}


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def build(redis_client, work):
    """Builds a Foreman, with pools if they are given."""

    def build(**pools) -> Foreman:
        keyring = Keyring(FLEET_KEY)
        return Foreman(
            client=redis_client,
            leadership=Leadership(redis_client),
            mailbox=Mailbox(redis_client, keyring=keyring),
            workload=work,
            keyring=keyring,
            weights=Weights(),
            **pools,
        )

    return build


@pytest.fixture
def foreman(build, company) -> Foreman:
    return build(scaling=company.autoscaler)


def test_a_leader_starts_machines_for_what_waits_in_the_pool_that_it_is_for(foreman, company):
    company.work.waiting = [Want(Demand(gpu=1), 1, seconds=60.0)]

    for second in range(3):
        foreman.tick(after(second))

    assert company.sizes() == {"cpu": 0, "gpu": 1}


def test_the_picture_shows_all_pools(foreman, company, redis_client):
    for second in range(3):
        foreman.tick(after(second))

    pools = json.loads(redis_client.get(wire.SNAPSHOT))["pools"]
    assert list(pools) == ["cpu", "gpu"]
    assert (pools["cpu"]["max"], pools["cpu"]["reason"]) == (3, "nothing waits")


def test_a_pool_that_breaks_stops_no_work(foreman, company, work):
    company.work.wants = lambda now: {}["nothing"]

    for second in range(3):
        foreman.tick(after(second))

    assert work.names().count("dispatch") >= 3


def test_a_successor_that_took_the_lease_ends_the_right_to_start_machines(foreman, company):
    foreman.tick(after(0))
    leads = company.autoscaler.leads()

    before = leads()
    Lease.objects.update(holder="other:1", epoch=99)

    assert (before, leads()) == (True, False)


def test_a_leader_that_ends_ends_its_pools_and_a_standby_does_not(foreman, company):
    foreman.stop()
    untouched = company.providers["cpu"].closed
    foreman.tick(after(0))

    foreman.stop()

    assert (untouched, company.providers["cpu"].closed) == (False, True)


def test_a_foreman_without_pools_shows_none(redis_client, build):
    foreman = build()

    foreman.tick(after(0))

    assert json.loads(redis_client.get(wire.SNAPSHOT))["pools"] == {}


def seat(name: str, state: NodeState, *, silent: float = 0.0, reason: str = "") -> Seat:
    seen = START - timedelta(seconds=silent)
    seen_ms = int(seen.timestamp() * 1000)
    return Seat(
        name, state=state, reason=reason, beat=Beat("one"), seen_ms=seen_ms, beat_age=silent
    )


ONLINE, LOST = NodeState.ONLINE, NodeState.LOST


@pytest.mark.parametrize(
    ("seats", "shaky"),
    [
        ([], False),
        ([seat("a", ONLINE)], False),
        ([seat("a", ONLINE), seat("b", ONLINE, silent=7)], True),
        ([seat("a", ONLINE), seat("c", ONLINE), seat("b", ONLINE, silent=7)], False),
        ([seat("a", ONLINE), seat("b", LOST, silent=50)], True),
        ([seat("a", ONLINE), seat("b", LOST, silent=500)], False),
        ([seat("a", ONLINE), seat("b", LOST, silent=50, reason=SHUT_DOWN)], False),
    ],
)
def test_ground_is_shaky_while_half_of_the_nodes_are_away(seats, shaky):
    assert is_shaky(Roster(seats), START.timestamp()) is shaky
