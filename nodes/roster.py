"""The leader's picture of all nodes, in memory. The Watch writes it, placement reads it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nodes.domain.beats import Beat
from nodes.domain.placement import Candidate
from nodes.domain.scoring import charged, faded
from nodes.domain.states import Intent, NodeState


@dataclass(slots=True)
class Seat:
    """One node: its last heartbeat, what its operator wants, and what was sent to it."""

    name: str
    state: NodeState = NodeState.LOST
    reason: str = ""
    intent: Intent = Intent.WORK
    set_labels: dict[str, str] = field(default_factory=dict)
    beat: Beat = field(default_factory=lambda: Beat(incarnation=""))
    seen_ms: int = 0
    beat_age: float = 0.0
    looks_without_sockets: int = 0
    in_flight: int = 0
    sent_since_beat: int = 0
    leased_gpus: set[int] = field(default_factory=set)

    @property
    def labels(self) -> dict[str, str]:
        """The labels that placement sees; the operator's win."""
        return {**self.beat.labels, **self.set_labels}

    @property
    def placeable(self) -> bool:
        """Whether new work may go there."""
        # Its state follows its operator's wish at the next look only.
        return self.state is NodeState.ONLINE and self.intent is Intent.WORK

    @property
    def last_seen(self) -> datetime | None:
        """When its newest heartbeat reached Redis."""
        return datetime.fromtimestamp(self.seen_ms / 1000, UTC) if self.seen_ms else None


class Roster:
    """All seats by name."""

    def __init__(self, seats: Iterable[Seat] = ()) -> None:
        self._seats = {seat.name: seat for seat in seats}

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._seats.values())

    def __contains__(self, name: object) -> bool:
        return name in self._seats

    def __getitem__(self, name: str) -> Seat:
        return self._seats[name]

    def get(self, name: str) -> Seat | None:
        """The seat of that name, if there is one."""
        return self._seats.get(name)

    def add(self, seat: Seat) -> Seat:
        """Give a node its seat."""
        return self._seats.setdefault(seat.name, seat)

    def drop(self, name: str) -> None:
        """Forget a node that was deleted."""
        self._seats.pop(name, None)

    def slots(self) -> int:
        """How many slots may be given new work."""
        return sum(seat.beat.slots for seat in self if seat.placeable)

    def candidates(self) -> list[Candidate]:
        """Every node as placement sees it, with faded and charged loads."""
        present = [seat for seat in self if seat.placeable]
        count = max(len(present), 1)
        mean_cpu = sum(seat.beat.cpu for seat in present) / count
        mean_memory = sum(seat.beat.memory for seat in present) / count
        return [_candidate(seat, mean_cpu, mean_memory) for seat in present]


def _candidate(seat: Seat, mean_cpu: float, mean_memory: float) -> Candidate:
    beat, age = seat.beat, seat.beat_age
    cpu = faded(beat.cpu, mean_cpu, age_seconds=age)
    return Candidate(
        name=seat.name,
        slots=beat.slots,
        sent=seat.in_flight,
        cpu=charged(cpu, sent_since=seat.sent_since_beat, slots=beat.slots),
        memory=faded(beat.memory, mean_memory, age_seconds=age),
        free_memory_mb=beat.free_memory_mb,
        placeable=True,
        labels=seat.labels,
        capabilities=beat.capabilities,
        gpus=beat.gpus,
        free_gpus=tuple(gpu for gpu in beat.gpus if gpu.index not in seat.leased_gpus),
    )
