"""One Spore, one watch over it, and a Foreman whose work only takes notes."""

import pytest
from redis import Redis

from nodes.domain.scoring import Weights
from nodes.foreman import Foreman
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.roster import Roster, Seat
from nodes.watch import Watch
from tests.contracts.redis import Broker
from tests.nodes.cast import FLEET_KEY, Spore, Work


@pytest.fixture
def redis_client(broker: Broker) -> Redis:
    return broker.open()


@pytest.fixture
def spore(broker: Broker) -> Spore:
    return Spore(broker)


@pytest.fixture
def roster() -> Roster:
    return Roster()


@pytest.fixture
def watch(redis_client: Redis) -> Watch:
    return Watch(redis_client, mailbox=Mailbox(redis_client, fleet_key=FLEET_KEY))


@pytest.fixture
def seat(watch: Watch, roster: Roster, spore: Spore) -> Seat:
    """A node that is online, with open sockets."""
    spore.listen().beat()
    watch.look(roster)
    return roster["spore-1"]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def foreman(db: None, redis_client: Redis, work: Work) -> Foreman:
    """A Foreman that has not taken a step."""
    return Foreman(
        client=redis_client,
        leadership=Leadership(redis_client),
        mailbox=Mailbox(redis_client, fleet_key=FLEET_KEY),
        workload=work,
        fleet_key=FLEET_KEY,
        weights=Weights(),
    )
