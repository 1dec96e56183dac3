"""What the Foreman needs of others. `jobs` implements it; `hive_site/wiring.py` hands it in."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from nodes.leadership import Leadership
from nodes.roster import Roster


@dataclass(frozen=True, slots=True)
class Report:
    """What one node said in one stream entry; the signature was verified."""

    node: str
    incarnation: str
    entry: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wakeup:
    """A hint that something about `subject` changed in the database."""

    what: str
    subject: str


@dataclass(slots=True)
class Mail:
    """What came in since the last look."""

    wakeups: list[Wakeup] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    #: The newest entry read of each node, even if it was refused: the cursor moves past it.
    cursors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Totals:
    """What became of the work since this leader took over. These numbers only grow."""

    succeeded: int = 0
    failed: int = 0
    #: Attempts after which their subtask is tried again.
    retried: int = 0
    #: Subtasks that ended, by the node that brought them to their end.
    ended: Counter[str] = field(default_factory=Counter)
    #: Subtasks that were sent, by their queue.
    sent: Counter[str] = field(default_factory=Counter)


class Workload(Protocol):
    """The work that a Foreman places, records and takes back."""

    def take_over(self, leadership: Leadership, now: datetime) -> None:
        """Forget everything and rebuild it from the database and the ledger."""

    def record(self, mail: Mail, now: datetime) -> None:
        """Commit what the nodes reported, with their cursors, in one transaction."""

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        """Look at what the hints point to."""

    def reclaim(self, node: str, reason: str, now: datetime) -> int:
        """Take back everything sent to a node that is gone; how many subtasks that were."""

    def stranded(self, roster: Roster) -> dict[str, str]:
        """Nodes that hold work that they can never bring back, each with the reason."""

    def distrust(self, node: str, now: datetime) -> None:
        """A node fell silent: take back what it has not begun, double what may run twice."""

    def recount(self, roster: Roster, now: datetime) -> None:
        """After an outage: send again what is in no queue, in no slot, and in no report."""

    def dispatch(self, roster: Roster, now: datetime) -> int:
        """Send ready work to nodes with room; how many subtasks were sent."""

    def housekeep(self, roster: Roster, now: datetime) -> None:
        """Once a second: what is due by time alone."""

    def next_due(self, now: datetime) -> timedelta:
        """How long nothing of the work is due by time alone."""

    def snapshot(self, now: datetime) -> dict[str, Any]:
        """The work's part of the picture that viewers see."""

    def totals(self) -> Totals:
        """What became of the work so far."""

    def in_flight(self) -> int:
        """How many bundles were sent and have not come back."""

    def busy(self, node: str) -> int:
        """How many bundles a node has in hand, or waiting behind those."""

    def work_of(self, node: str) -> list[dict[str, Any]]:
        """What was sent to a node and has not come back."""


class Updates(Protocol):
    """The new code that a Foreman brings to nodes."""

    def take_over(self, leadership: Leadership, now: datetime) -> None:
        """Forget everything; the database knows it."""

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        """Remember what the hints point to."""

    def conduct(self, roster: Roster, now: datetime) -> set[str]:
        """Go on with what is due; the nodes of which something else is wanted now."""

    def next_due(self, now: datetime) -> timedelta:
        """How long nothing is due."""

    def revs(self) -> dict[str, int]:
        """How often something was wanted of each node: the number grows with every wish."""

    def snapshot(self, now: datetime) -> dict[str, Any]:
        """The updates' part of the picture that viewers see."""


class NoUpdates:
    """For a Foreman that brings no code to anybody."""

    def take_over(self, leadership: Leadership, now: datetime) -> None:
        """Nothing to forget."""

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        """Nothing to remember."""

    def conduct(self, roster: Roster, now: datetime) -> set[str]:
        """Of nobody."""
        return set()

    def next_due(self, now: datetime) -> timedelta:
        """Never."""
        return timedelta.max

    def revs(self) -> dict[str, int]:
        """None."""
        return {}

    def snapshot(self, now: datetime) -> dict[str, Any]:
        """None."""
        return {}


class Scaling(Protocol):
    """The machines that come and go with the work."""

    def take_over(self, leadership: Leadership) -> None:
        """Forget everything: a new term begins."""

    def look(self, roster: Roster, now: datetime) -> None:
        """Once a second: decide how many there should be, and see to it, never waiting for it."""

    def snapshot(self) -> dict[str, Any]:
        """Their part of the picture that viewers see."""

    def stop(self) -> None:
        """The leader ends: end what must not outlive it."""


class NoScaling:
    """For a Foreman whose machines come and go by themselves."""

    def take_over(self, leadership: Leadership) -> None:
        """Nothing to forget."""

    def look(self, roster: Roster, now: datetime) -> None:
        """At nothing."""

    def snapshot(self) -> dict[str, Any]:
        """No pools."""
        return {"pools": {}}

    def stop(self) -> None:
        """Nothing to end."""
