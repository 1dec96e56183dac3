"""One Spore, one watch over it, and a Foreman whose work only takes notes."""

import pytest
from redis import Redis

from nodes.catalogue import TaskList
from nodes.domain.scoring import Weights
from nodes.domain.trust import Trust
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.roster import Roster, Seat
from nodes.watch import Sighting, Watch
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


class Eyes:
    """A watch that looks once a second, on a clock of its own."""

    def __init__(self, client: Redis) -> None:
        self.trust, self.now = Trust(), 1000.0
        mailbox = Mailbox(client, keyring=Keyring(FLEET_KEY))
        self._watch = Watch(client, mailbox=mailbox, trust=self.trust)
        self.forget = self._watch.forget

    def look(self, roster: Roster, *, after: float = 1.0) -> Sighting:
        self.now += after
        look = self._watch.begin(self.now)
        for names in look.groups:
            self._watch.hear(look, names, roster, self.now)
        return self._watch.judge(look, roster, self.now)


@pytest.fixture
def watch(redis_client: Redis) -> Eyes:
    return Eyes(redis_client)


@pytest.fixture
def seat(watch: Eyes, roster: Roster, spore: Spore) -> Seat:
    """A node that is online, with open sockets."""
    spore.listen().beat()
    watch.look(roster)
    return roster["spore-1"]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def learned() -> list[TaskList]:
    """The lists of tasks that the Foreman told of."""
    return []


@pytest.fixture
def foreman(db: None, redis_client: Redis, work: Work, learned: list[TaskList]) -> Foreman:
    """A Foreman that has not taken a step."""
    keyring = Keyring(FLEET_KEY)
    return Foreman(
        client=redis_client,
        leadership=Leadership(redis_client),
        mailbox=Mailbox(redis_client, keyring=keyring),
        workload=work,
        keyring=keyring,
        weights=Weights(),
        learn=lambda found, now: learned.append(found),
    )
