"""A provider whose machines are names in a list, and a messenger that never makes anybody wait."""

from collections.abc import Sequence
from datetime import datetime

from nodes.autoscaling.configuration import PoolSettings
from nodes.autoscaling.errands import Errand, Messenger, Outcome
from nodes.autoscaling.ports import ProviderError
from nodes.domain.beats import Beat
from nodes.domain.scaling_loads import Offer, Want
from nodes.domain.scaling_machines import Instance
from nodes.domain.scaling_pictures import Rules
from nodes.domain.states import NodeState
from nodes.models import Node
from nodes.roster import Seat
from tests.nodes.cast import START

RULES = Rules(minimum=0, maximum=3, target_wait=5, calm=10, cooldown=0, start_timeout=60)


class Fake:
    """Machines that exist as soon as they are started. Set `breaks` to have it fail."""

    def __init__(self) -> None:
        self.machines: dict[str, Instance] = {}
        self.now = START.timestamp()
        self.breaks = ""
        self.calls: list[str] = []
        self.closed = False

    def list(self) -> list[Instance]:
        self._call("list")
        return list(self.machines.values())

    def start(self, nodes: Sequence[str]) -> None:
        self._call("start")
        for node in nodes:
            self.machines[node] = Instance(f"id-{node}", node, self.now)

    def stop(self, instance: Instance) -> None:
        self._call("stop")
        self.machines.pop(instance.node, None)

    def close(self) -> None:
        self.closed = True

    def _call(self, what: str) -> None:
        self.calls.append(what)
        if self.breaks in ("all", what):
            raise ProviderError(f"no {what} today")


class Prompt(Messenger):
    """Does errands at once; what came of them is there at the next look, as ever."""

    def __init__(self, provider: Fake) -> None:
        super().__init__(provider, pool="cpu")
        self.done: Outcome | None = None
        self.errands: list[Errand] = []
        self.away = False

    @property
    def away_seconds(self) -> float:
        return 1.0 if self.away else 0.0

    def send(self, errand: Errand, *, leads) -> None:
        self.errands.append(errand)
        self.done = self._carry_out(errand, leads)

    def collect(self) -> Outcome | None:
        done, self.done = self.done, None
        return done


class Work:
    """Wants that a test sets; what nodes have in hand."""

    def __init__(self) -> None:
        self.waiting: list[Want] = []
        self.hands: dict[str, int] = {}

    def wants(self, now: datetime, offers: list[Offer]) -> list[Want]:
        return self.waiting

    def busy(self, node: str) -> int:
        return self.hands.get(node, 0)


def pool_of(name: str = "cpu", rules: Rules = RULES, **also: object) -> PoolSettings:
    return PoolSettings(name=name, provider="process", rules=rules, list_every=1.0, **also)


def enrol(name: str, *, pool: str = "cpu", slots: int = 1, seen: datetime = START) -> Seat:
    """A node that is online, with its row."""
    labels = {"pool": pool}
    Node.objects.create(name=name, own_labels=labels)
    beat = Beat("one", slots=slots, labels=labels)
    seen_ms = int(seen.timestamp() * 1000)
    return Seat(name, state=NodeState.ONLINE, beat=beat, seen_ms=seen_ms)
