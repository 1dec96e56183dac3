"""One Foreman process: the real Foreman, and fates that strike in the midst of what it does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.db import OperationalError, connection
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.outages import OUTAGES
from jobs.workload import JobsWorkload
from nodes.domain.scoring import Weights
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.management.commands.foreman import REST_AFTER_OUTAGE_SECONDS
from tests.simulation.agenda import Agenda, Days, Life
from tests.simulation.client import Client
from tests.simulation.ether import Ether


class Killed(BaseException):
    """The process is no more."""


@dataclass
class Strike:
    """What happens at one of the next steps to Redis or the database.

    where: redis, query or commit. what: kill, stall (for `seconds`) or fail. With `late` it
    happens after the step took effect, of which nobody learns.
    """

    what: str
    where: str
    countdown: int
    late: bool = False
    seconds: float = 0.0


class Desk:
    """A candidate for leadership, until it is killed."""

    def __init__(
        self,
        number: int,
        *,
        fleet_key: str,
        agenda: Agenda,
        ether: Ether,
        random: Random,
        on_death: Callable[["Desk"], None],
    ) -> None:
        self._agenda, self._ether, self._random = agenda, ether, random
        self._on_death = on_death
        self._strikes: list[Strike] = []
        self._frozen_until = 0.0
        self.acting = False
        client = Client(ether, self._redis_gate)
        leadership = Leadership(client, clock=self._now)
        leadership.holder = f"desk:{number}"
        self.workload = JobsWorkload(
            client, keyring=Keyring(fleet_key), weights=Weights(), random=random
        )
        self._foreman = Foreman(
            client=client,
            leadership=leadership,
            mailbox=Mailbox(client, keyring=Keyring(fleet_key)),
            workload=self.workload,
            keyring=Keyring(fleet_key),
            weights=Weights(),
            # Real time passes as it likes, and would tell a story of its own.
            stopwatch=lambda: agenda.now,
        )
        self._life = Life(agenda, self._work(), lambda: self._frozen_until)

    @property
    def leads(self) -> bool:
        """Whether it is the leader, as far as it knows."""
        return self._foreman.leads

    def hear_mail(self) -> None:
        """Something came in that a leader waits for."""
        if self.leads:
            self._life.wake(self._random.uniform(0.01, 0.3))

    def expect(self, strike: Strike) -> None:
        """Let fate strike soon."""
        self._strikes.append(strike)

    def freeze(self, seconds: float) -> None:
        """It gets no time, between two steps."""
        self._frozen_until = self._agenda.now + seconds

    def spare(self) -> None:
        """No fate strikes any more."""
        self._strikes.clear()
        self._frozen_until = 0.0

    def _work(self) -> Days:
        while True:
            try:
                yield self._step()
            except Killed:
                self._on_death(self)
                return

    def _step(self) -> float:
        self.acting = True
        try:
            with connection.execute_wrapper(self._query_gate):
                if self.leads:
                    self._foreman.wait(timedelta(0))
                return self._foreman.tick(self._now()).total_seconds()
        except OUTAGES:
            return REST_AFTER_OUTAGE_SECONDS
        finally:
            self.acting = False

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._agenda.now, UTC)

    def _due(self, where: str) -> Strike | None:
        for strike in self._strikes:
            if strike.where == where:
                strike.countdown -= 1
                if strike.countdown <= 0 and not (strike.what == "stall" and held()):
                    self._strikes.remove(strike)
                    return strike
        return None

    def _suffer(self, strike: Strike, outage: Exception) -> None:
        if strike.what == "kill":
            raise Killed
        if strike.what == "fail":
            raise outage
        self.acting = False
        self._agenda.run(self._agenda.now + strike.seconds)
        self.acting = True

    @contextmanager
    def _redis_gate(self, commands: int) -> Iterator[int]:
        outage = RedisConnectionError("away")
        if self._ether.down:
            raise outage
        strike = self._due("redis")
        if strike is None:
            yield commands
        elif strike.late:
            yield commands
            self._suffer(strike, outage)
        elif strike.what == "stall":
            self._suffer(strike, outage)
            yield commands
        else:
            # Some of what travels together may arrive before the connection breaks.
            yield self._random.randint(0, commands - 1)
            self._suffer(strike, outage)

    def _query_gate(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        # A lost answer to BEGIN would take the connection with it, and this test has but one.
        strike = self._due("query") if self.acting and not sql.startswith("BEGIN") else None
        if strike is None:
            return execute(sql, params, many, context)
        if not strike.late:
            self._suffer(strike, OperationalError("away"))
        answer = execute(sql, params, many, context)
        if strike.late:
            self._suffer(strike, OperationalError("away"))
        return answer

    def commit(self, really: Callable[[], None]) -> None:
        """A transaction of this process ends."""
        strike = self._due("commit")
        if strike and not strike.late:
            connection.rollback()
            self._suffer(strike, OperationalError("away"))
        really()
        if strike and strike.late:
            self._suffer(strike, OperationalError("away"))


def held() -> bool:
    """Whether a transaction is open, which would stop everybody on SQLite."""
    return connection.in_atomic_block
