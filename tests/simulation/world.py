"""A whole Hive in simulated time: users, Foremen, fifty machines, and what befalls them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from redis.exceptions import ConnectionError as RedisConnectionError

from jobs import services
from jobs.domain.states import JOB_OPEN
from jobs.invariants import check_database
from jobs.models import Job
from nodes import wire
from tests.simulation.agenda import Agenda, Days, Life
from tests.simulation.client import Client
from tests.simulation.desk import Desk, Strike
from tests.simulation.ether import Ether
from tests.simulation.faults import Fault, storm
from tests.simulation.spore import Spore
from tests.simulation.users import QUEUES, Users
from tests.simulation.work import Truth

FLEET_KEY = "simulated"
STORM_SECONDS = 60.0
#: In calm weather everything must have come to an end after so long.
CALM_SECONDS = 600.0
INSPECT_SECONDS = 10.0


class World:
    """One run. The same seed gives the same run."""

    def __init__(self, seed: int, *, nodes: int, start: float) -> None:
        self._random = Random(seed)
        self.agenda = Agenda(start)
        self.ether = Ether(lambda: self.agenda.now, self._hear)
        self.nexus = Client(self.ether, self._nexus_gate)
        self.truth = Truth()
        self.users = Users(self.agenda, self._branch())
        self.suffered: Counter[str] = Counter()
        self.desks: list[Desk] = []
        self.spores: dict[str, Spore] = {}
        #: What the invariants of the database said on the way.
        self.violations: set[str] = set()
        self._start, self._nodes, self._desks_opened = start, nodes, 0

    def begin(self) -> None:
        """Start every process, and put what will happen on the agenda."""
        for number in range(self._nodes):
            self._switch_on(f"spore-{number}")
        self._open_desk()
        self._open_desk()
        for _ in range(self._random.randint(8, 14)):
            self.agenda.after(self._random.uniform(0, 40), self.users.submit)
        for fault in storm(self._branch(), lasts=STORM_SECONDS):
            self.agenda.at(self._start + fault.at, lambda fault=fault: self._befall(fault))
        Life(self.agenda, self._inspect())

    def live(self) -> None:
        """From the first process to the end of the last job."""
        self.begin()
        self.rest(STORM_SECONDS)
        self._calm_down()
        while self.agenda.now < self._start + STORM_SECONDS + CALM_SECONDS:
            self.rest(10)
            if not Job.objects.filter(state__in=JOB_OPEN).exists():
                break

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        self.agenda.run(self.agenda.now + seconds)

    def commit(self, really: Callable[[], None]) -> None:
        """A transaction of somebody ends."""
        for desk in self.desks:
            if desk.acting:
                desk.commit(really)
                return
        really()

    def _inspect(self) -> Days:
        while True:
            yield INSPECT_SECONDS
            self.violations |= set(map(str, check_database()))

    def _branch(self) -> Random:
        """Chance of its own for everybody, so that one does not disturb the other."""
        return Random(self._random.random())

    def _switch_on(self, name: str) -> None:
        self.spores[name] = Spore(
            name,
            slots=self._random.randint(1, 3),
            fleet_key=FLEET_KEY,
            agenda=self.agenda,
            ether=self.ether,
            random=self._branch(),
            truth=self.truth,
        )

    def _open_desk(self) -> None:
        self._desks_opened += 1
        desk = Desk(
            self._desks_opened,
            fleet_key=FLEET_KEY,
            agenda=self.agenda,
            ether=self.ether,
            random=self._branch(),
            on_death=self._replace_desk,
        )
        self.desks.append(desk)

    def _replace_desk(self, desk: Desk) -> None:
        self.desks.remove(desk)
        self.agenda.after(self._random.uniform(0.5, 10), self._open_desk)

    def _hear(self, key: str) -> None:
        kind, _, name = key.rpartition(":")
        if key == wire.INBOX or kind == wire.report_key("")[:-1]:
            for desk in self.desks:
                desk.hear_mail()
        elif kind == wire.queue_key("")[:-1]:
            self.spores[name].hear_push()
        elif kind == wire.control_channel("")[:-1]:
            self.spores[name].hear_order()

    @contextmanager
    def _nexus_gate(self, commands: int) -> Iterator[int]:
        if self.ether.down:
            raise RedisConnectionError("away")
        yield commands

    def _befall(self, fault: Fault) -> None:
        self.suffered[fault.kind] += 1
        spore = self._random.choice(list(self.spores.values()))
        users, seconds, late = self.users, fault.seconds, self._random.random() < 0.5
        leader = next((desk for desk in self.desks if desk.leads), None)
        soon = self._random.randint(1, 60)
        if leader is None and fault.kind.startswith(("foreman", "redis", "database")):
            return
        match fault.kind:
            case "die" | "power":
                spore.die(power=fault.kind == "power")
                self.agenda.after(seconds, spore.start)
            case "freeze":
                spore.freeze(seconds)
            case "cut_off":
                spore.cut_off(seconds)
            case "slot":
                spore.lose_slot()
            case "foreman_kill":
                where = self._random.choice(("redis", "query", "commit"))
                leader.expect(Strike("kill", where, soon, late))
            case "foreman_stall":
                leader.expect(Strike("stall", "redis", soon, late, seconds))
            case "foreman_freeze":
                leader.freeze(seconds)
            case "redis_fails":
                leader.expect(Strike("fail", "redis", soon, late))
            case "database_fails":
                where = self._random.choice(("query", "commit"))
                leader.expect(Strike("fail", where, soon, late))
            case "amnesia":
                self.ether.flushall()
            case "outage":
                self._take_redis_away(min(seconds, 30))
            case "cancel":
                users.cancel()
            case "pause":
                users.pause(seconds)
            case "queue_pause":
                users.pause_queue(seconds)
            case "retry":
                users.retry()
            case "release":
                users.release()
            case "drain":
                users.drain(spore.name, seconds)

    def _take_redis_away(self, seconds: float) -> None:
        self.ether.down = True
        self.ether.connected.clear()

        def bring_back() -> None:
            self.ether.down = False

        self.agenda.after(seconds, bring_back)

    def _calm_down(self) -> None:
        """No more faults; what was paused goes on, what was off is on."""
        self.ether.down = False
        for desk in self.desks:
            desk.spare()
        for spore in self.spores.values():
            spore.calm = True
            spore.freeze(0)
            spore.cut_off(0)
            spore.start()
            self.users.welcome(spore.name)
        for queue in set(QUEUES):
            services.resume_queue(name=queue)
        self.users.resume_all()
