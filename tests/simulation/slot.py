"""One slot of a simulated Spore: what `jobs/spore/slot.py` does, without processes."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.envelope import Forged, unseal
from jobs.spore.reporter import FLUSH_SECONDS, LONG_SECONDS
from jobs.wire import Bundle, read_bundle
from nodes import wire
from nodes.spore.board import CANCEL, IDLE, Work
from nodes.spore.crew import stop_tokens
from nodes.spore.deadlines import PATIENCE_SECONDS
from tests.simulation.agenda import Days, Life
from tests.simulation.work import behaviour, verdict

if TYPE_CHECKING:
    from tests.simulation.spore import Spore

POP_SECONDS = 5.0
NEVER = 1e9


class Slot:
    """Pops bundles and runs them item by item; ends only with its process."""

    def __init__(self, spore: "Spore") -> None:
        self._spore, self._random = spore, spore.random
        self.work = IDLE
        self._asked = False
        self._ok: list[tuple[int, float, float, str]] = []
        self._events: list[dict[str, Any]] = []
        self._flushed_at = 0.0
        self.life = Life(spore.agenda, self._serve(), spore.frozen_until)

    @property
    def _now(self) -> float:
        return self._spore.agenda.now

    def interrupt(self) -> None:
        """The agent wants the running item to end."""
        if self.work.busy and not self._asked:
            self._asked = True
            self.life.wake(self._random.uniform(0, 0.1))

    def _serve(self) -> Days:
        while True:
            popped = self._pop()
            if popped is None:
                yield POP_SECONDS
                continue
            yield from self._run(popped.decode())
            self.work = IDLE

    def _pop(self) -> bytes | None:
        name = self._spore.name
        try:
            popped: bytes | None = self._spore.client.lmove(
                wire.queue_key(name), wire.intermediate_key(name)
            )
        except RedisConnectionError:
            return None
        return popped

    def _run(self, bundle_id: str) -> Days:
        self.work = Work(bundle=bundle_id)
        yield self._random.uniform(0, 0.02)
        try:
            bundle, unwanted = self._fetch(bundle_id)
        except RedisConnectionError:
            return
        if bundle is None:
            return
        self._flushed_at = self._now
        if unwanted or bundle.expires < self._now:
            self._events.append({"k": "back", "all": True})
        else:
            yield from self._run_items(bundle)
        self._flush(bundle, last=True)

    def _fetch(self, bundle_id: str) -> tuple[Bundle | None, bool]:
        me, client = self._spore.identity, self._spore.client
        fields = client.hgetall(wire.bundle_key(bundle_id))
        try:
            body = unseal(fields.get(b"data", b""), key=me.key, purpose=wire.PURPOSE_BUNDLE)
            bundle = read_bundle(body, node=me.name, incarnation=me.incarnation)
        except (Forged, ValueError):
            client.lrem(wire.intermediate_key(me.name), 0, bundle_id)
            return None, False
        return bundle, b"halted" in fields

    def _run_items(self, bundle: Bundle) -> Days:
        for position in range(len(bundle.items)):
            kept_rest = yield from self._run_item(bundle, position)
            if not kept_rest:
                self._hand_back(bundle, position + 1)  # once more, as the real one does
                return
            if self._now - self._flushed_at > FLUSH_SECONDS:
                self._flush(bundle)

    def _run_item(self, bundle: Bundle, position: int) -> Generator[float, None, bool]:
        """Run one item; whether the rest of the bundle is still ours then."""
        subtask, index, number, item = bundle.items[position]
        attempt, begun, truth = bundle.first + position, self._now, self._spore.truth
        self.work = Work(
            busy=True,
            attempt=attempt,
            started=begun,
            bundle=bundle.id,
            stop_token=bundle.stop_token,
            careful=not bundle.idempotent,
        )
        self._asked = False
        truth.start(subtask, attempt)
        if not self._spore.cancelled.isdisjoint(stop_tokens(self.work)):
            self.interrupt()
        plan = behaviour(item)
        how = verdict(plan, number)
        takes = NEVER if how == "hang" else plan["takes"]
        kept_rest = True
        if takes > LONG_SECONDS and position + 1 < len(bundle.items):
            yield from self._sleep(begun + LONG_SECONDS)
            if not self._asked:
                self._hand_back(bundle, position + 1)
                self._flush(bundle)
                kept_rest = False
        yield from self._sleep(begun + min(takes, bundle.timeout))
        fields = {"a": attempt, "t0": begun, "t1": self._now}
        if self._asked:
            yield from self._obey(bundle, fields)
        elif takes > bundle.timeout:
            truth.errors[subtask] += 1
            self._events.append({**fields, "k": "timeout", "e": facts("timeout")})
        elif how == "crash":
            truth.crash(attempt)
            self._spore.bury(self, "SIGSEGV")
            yield NEVER
        elif how == "fail":
            truth.errors[subtask] += 1
            self._events.append({**fields, "k": "fail", "e": facts("ValueError")})
        else:
            result = truth.succeed(subtask, attempt, index, item)
            self._ok.append((attempt, begun, self._now, result))
        return kept_rest

    def _sleep(self, until: float) -> Days:
        while self._now < until and not self._asked:
            yield until - self._now

    def _obey(self, bundle: Bundle, fields: dict[str, Any]) -> Days:
        """End the item because somebody wants it; one task in ten does not listen."""
        if self._random.random() < 0.1:
            yield PATIENCE_SECONDS[CANCEL]
            self._spore.bury(self, "SIGKILL", why="cancelled")
            yield NEVER
        self._events.append({**fields, "k": "cancelled", "e": facts("cancelled")})

    def _hand_back(self, bundle: Bundle, position: int) -> None:
        back = [bundle.first + later for later in range(position, len(bundle.items))]
        self._events.append({"k": "back", "attempts": back})

    def _flush(self, bundle: Bundle, *, last: bool = False) -> None:
        body = {
            "v": wire.PROTOCOL,
            "incarnation": self._spore.identity.incarnation,
            "bundle": bundle.id,
            "job": bundle.job,
            "ok": self._ok,
            "events": self._events,
        }
        if self._ok or self._events or last:
            self._spore.say(body, done=bundle.id if last else None)
        self._ok, self._events, self._flushed_at = [], [], self._now


def facts(kind: str) -> dict[str, str]:
    """An error as it is reported."""
    return {"type": kind, "message": "simulated", "traceback": ""}
