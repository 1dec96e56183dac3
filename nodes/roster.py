"""The leader's picture of all nodes, in memory. The Watch writes it, placement reads it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nodes.domain.beats import Beat
from nodes.domain.fitness import PLAIN, Gpu, Kind
from nodes.domain.placement import Candidate
from nodes.domain.scoring import Vitals, Weights, charged, faded, load
from nodes.domain.states import WORKING, Intent, NodeState

#: So many kinds are kept alive for nodes that may be of one; more are forgotten.
MOST_KINDS = 1000


@dataclass(slots=True)
class Seat:
    """One node: its last heartbeat, what its operator wants, and what was sent to it."""

    name: str
    state: NodeState = NodeState.LOST
    reason: str = ""
    intent: Intent = Intent.WORK
    set_labels: dict[str, str] = field(default_factory=dict)
    beat: Beat = field(default_factory=lambda: Beat(incarnation=""))
    #: The tasks it can run; None if nobody knows.
    tasks: frozenset[str] | None = None
    seen_ms: int = 0
    #: Which entry of its stream its last heartbeat is.
    entry: str = ""
    beat_age: float = 0.0
    looks_without_sockets: int = 0
    #: Whether its work was doubled elsewhere since it became suspect.
    distrusted: bool = False
    #: When it was lost without a goodbye, in Unix seconds.
    losses: list[float] = field(default_factory=list)
    in_flight: int = 0
    #: So many of these are not short.
    long_in_flight: int = 0
    sent_since_beat: int = 0
    #: Devices that are in use, by it or by another node of its machine.
    leased_gpus: set[int] = field(default_factory=set)
    #: Memory of its machine that bundles were promised and have not taken yet, in MiB.
    promised_mb: int = 0
    #: What they have taken.
    held_mb: int = 0
    #: Free memory of each device when nothing of ours ran on it, in MiB.
    _unleased_mb: dict[int, int] = field(default_factory=dict)
    _kind: Kind = PLAIN
    _kind_of: tuple[object, ...] = ()

    @property
    def host(self) -> str:
        """Its machine. Who does not say which has one of its own."""
        return self.beat.host or self.name

    @property
    def labels(self) -> dict[str, str]:
        """The labels that placement sees; the operator's win."""
        return {**self.beat.labels, **self.set_labels}

    @property
    def placeable(self) -> bool:
        """Whether new work may go there."""
        # Its state follows its operator's wish at the next look only.
        return self.state in WORKING and self.intent is Intent.WORK

    @property
    def last_seen(self) -> datetime | None:
        """When its newest heartbeat reached Redis."""
        return datetime.fromtimestamp(self.seen_ms / 1000, UTC) if self.seen_ms else None

    def hear(self, beat: Beat, *, at_ms: int) -> None:
        """A heartbeat came, stamped by Redis at `at_ms`."""
        if beat.incarnation != self.beat.incarnation:
            self.tasks = None
        self.beat, self.seen_ms, self.sent_since_beat = beat, at_ms, 0
        self.looks_without_sockets = 0
        free = {gpu.index: gpu.free_mb for gpu in beat.gpus if gpu.index not in self.leased_gpus}
        self._unleased_mb = {**self._unleased_mb, **free} if free else self._unleased_mb

    def gpus(self) -> tuple[Gpu, ...]:
        """Its devices, each with the memory that others than the Hive leave."""
        # What a device had free while our own task ran on it says nothing about the next one.
        return tuple(
            replace(gpu, free_mb=self._unleased_mb.get(gpu.index, gpu.free_mb))
            for gpu in self.beat.gpus
        )

    def kind(self, known: dict[Kind, Kind]) -> Kind:
        """What of it stays the same; one object for all nodes of a kind."""
        made_of = (self.beat, self.set_labels, self.tasks)
        if not self._kind_of or any(
            a is not b for a, b in zip(made_of, self._kind_of, strict=True)
        ):
            kind = Kind(
                frozenset(self.labels.items()),
                self.beat.capabilities,
                tuple(gpu.memory_mb for gpu in self.beat.gpus),
                self.beat.release,
                self.tasks,
                self.beat.total_memory_mb,
            )
            self._kind, self._kind_of = known.setdefault(kind, kind), made_of
        return self._kind


class Roster:
    """All seats by name."""

    def __init__(self, seats: Iterable[Seat] = ()) -> None:
        self._seats = {seat.name: seat for seat in seats}
        self._kinds: dict[Kind, Kind] = {}

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._seats.values())

    def __len__(self) -> int:
        return len(self._seats)

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

    def machines(self) -> dict[str, list[Seat]]:
        """All seats, by the machines that they share."""
        found: dict[str, list[Seat]] = {}
        for seat in self:
            found.setdefault(seat.host, []).append(seat)
        return found

    def candidates(self) -> list[Candidate]:
        """Every node as placement sees it, with faded and charged loads."""
        means = self.means()
        return [node for seats in self.machines().values() for node in self.seen(seats, means)]

    def scores(self, weights: Weights) -> dict[str, float]:
        """How loaded each node is that may be given work, as placement rates it."""
        mean_cpu, mean_memory = self.means()
        return {
            seat.name: load(
                Vitals(
                    _charged_cpu(seat, mean_cpu),
                    faded(seat.beat.memory, mean_memory, age_seconds=seat.beat_age),
                    seat.in_flight,
                    seat.beat.slots,
                ),
                weights,
            )
            for seat in self
            if seat.placeable
        }

    def means(self) -> tuple[float, float]:
        """The mean loads of processors and memory."""
        present = [seat.beat for seat in self if seat.placeable]
        count = max(len(present), 1)
        return sum(b.cpu for b in present) / count, sum(b.memory for b in present) / count

    def seen(self, seats: list[Seat], means: tuple[float, float]) -> list[Candidate]:
        """The nodes of one machine as placement sees them; `seats` are all that there are."""
        if len(self._kinds) > MOST_KINDS:
            self._kinds.clear()
        # The newest heartbeat tells what is free. What another node says holds memory since then
        # is counted twice, and never not at all.
        newest = max(seats, key=lambda seat: seat.seen_ms) if len(seats) > 1 else seats[0]
        measured_mb = newest.beat.free_memory_mb
        return [
            _candidate(seat, seat.kind(self._kinds), means, measured_mb)
            for seat in seats
            if seat.placeable
        ]

    def absent(self) -> Counter[str]:
        """How many nodes are there and may not be given work, by what they are."""
        states = [
            NodeState.DRAINING if seat.state in WORKING else seat.state
            for seat in self
            if not seat.placeable and seat.state is not NodeState.LOST
        ]
        return Counter(f"is {state}" for state in states)


def _charged_cpu(seat: Seat, mean: float) -> float:
    cpu = faded(seat.beat.cpu, mean, age_seconds=seat.beat_age)
    return charged(cpu, sent_since=seat.sent_since_beat, slots=seat.beat.slots)


def _candidate(seat: Seat, kind: Kind, means: tuple[float, float], measured_mb: int) -> Candidate:
    beat, age = seat.beat, seat.beat_age
    mean_cpu, mean_memory = means
    gpus = seat.gpus() if beat.gpus else ()
    return Candidate(
        name=seat.name,
        host=seat.host,
        slots=beat.slots,
        sent=seat.in_flight,
        long=seat.long_in_flight,
        cpu=_charged_cpu(seat, mean_cpu),
        memory=faded(beat.memory, mean_memory, age_seconds=age),
        free_memory_mb=max(measured_mb - seat.promised_mb, 0),
        idle_memory_mb=measured_mb + seat.held_mb,
        kind=kind,
        gpus=gpus,
        free_gpus=tuple(gpu for gpu in gpus if gpu.index not in seat.leased_gpus),
    )
