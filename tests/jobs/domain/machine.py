"""A node for the state machine: it pops bundles and says what it is told to say."""

from dataclasses import dataclass, field, replace
from typing import Any

from hive_site.kernel.envelope import node_key, unseal
from jobs.wire import Bundle, read_bundle
from nodes import wire
from nodes.domain.beats import Beat, Running
from nodes.domain.states import NodeState
from nodes.roster import Seat
from tests.simulation.ether import Ether

FLEET_KEY = "key"


@dataclass
class Hand:
    """A bundle that a slot has in hand; `done` of its items are over, and one may run."""

    bundle: Bundle
    done: int = 0
    runs: bool = False

    @property
    def attempt(self) -> int:
        return self.bundle.first + self.done

    @property
    def subtask(self) -> int:
        return self.bundle.items[self.done][0]


@dataclass
class Machine:
    """One node, from start to start."""

    name: str
    ether: Ether
    starts: dict[int, list[int]]
    incarnation: str = ""
    hands: list[Hand] = field(default_factory=list)
    seat: Seat = field(init=False)

    def __post_init__(self) -> None:
        self.seat = Seat(self.name)
        self.boot()

    def boot(self) -> None:
        """Start anew, with nothing in hand."""
        number = int(self.incarnation.partition(".")[2] or 0) + 1
        self.incarnation, self.hands = f"{self.name}.{number}", []

    def beat(self) -> None:
        """Show the leader what runs here; a new start is called alive again."""
        running = tuple(Running(hand.attempt, 0.0) for hand in self.hands if hand.runs)
        anew = self.seat.beat.incarnation != self.incarnation
        if self.seat.state is not NodeState.LOST or anew:
            self.seat.state, self.seat.distrusted = NodeState.ONLINE, False
            self.seat.beat = Beat(self.incarnation, slots=1, running=running)

    def pop(self) -> None:
        """An idle slot takes a bundle and begins its first item."""
        queue, popped = wire.queue_key(self.name), wire.intermediate_key(self.name)
        if self.hands or not (name := self.ether.lmove(queue, popped)):
            return
        sealed = self.ether.hget(wire.bundle_key(name.decode()), "data")
        key = node_key(FLEET_KEY, self.name)
        body = unseal(sealed or b"", key=key, purpose=wire.PURPOSE_BUNDLE)
        if body["incarnation"] != self.incarnation:
            self.ether.lrem(popped, 0, name)
            return
        bundle = read_bundle(body, node=self.name, incarnation=self.incarnation)
        self.hands.append(Hand(bundle))
        if self.ether.exists(wire.cancel_key(bundle.stop_token)):
            return
        self._begin(self.hands[-1])

    def end_item(self, hand: Hand, kind: str) -> dict[str, Any]:
        """The item at hand ends so; the report of it. The next one begins."""
        facts = {"type": "E", "message": "", "traceback": ""}
        body: dict[str, Any] = {
            "incarnation": self.incarnation,
            "bundle": hand.bundle.id,
            "job": hand.bundle.job,
            "ok": [],
            "events": [],
        }
        if kind == "back" or not hand.runs:
            begun = hand.done + hand.runs
            back = [hand.bundle.first + n for n in range(begun, len(hand.bundle.items))]
            body["events"] = [{"k": "back", "attempts": back}]
            hand.bundle = replace(hand.bundle, items=hand.bundle.items[:begun])
            if not hand.runs:
                self._put_down(hand)
            return body
        if kind == "ok":
            body["ok"] = [(hand.attempt, 1.0, 2.0, "1")]
        elif kind == "died":
            body["events"] = [{"k": "died", "a": hand.attempt, "why": "crashed", "how": "11"}]
        else:
            body["events"] = [{"k": kind, "a": hand.attempt, "t0": 1, "t1": 2, "e": facts}]
        hand.done += 1
        if kind == "died" or hand.done == len(hand.bundle.items):
            self._put_down(hand)
        else:
            self._begin(hand)
        return body

    def is_stopped(self, hand: Hand) -> bool:
        """Whether the leader wants the item at hand to end."""
        tokens = (hand.bundle.stop_token, wire.attempt_token(hand.attempt))
        return any(self.ether.exists(wire.cancel_key(token)) for token in tokens)

    def _begin(self, hand: Hand) -> None:
        hand.runs = True
        self.starts.setdefault(hand.subtask, []).append(hand.attempt)

    def _put_down(self, hand: Hand) -> None:
        self.hands.remove(hand)
        self.ether.lrem(wire.intermediate_key(self.name), 0, hand.bundle.id)
        self.ether.delete(wire.bundle_key(hand.bundle.id))
