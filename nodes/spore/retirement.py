"""The rest of the life of an agent whose place another one took: it finishes what it runs.

It pops nothing, beats not and takes no orders. It goes on to hold deadlines, to report deaths,
and to stop what is cancelled, or what must not run twice once nobody hears of this node.
"""

import time
from math import inf
from typing import Any

import structlog

from hive_site.kernel.crash import crash_point
from hive_site.kernel.redis import RedisError
from nodes.spore.clocks import boot_clock
from nodes.spore.crew import stop_tokens
from nodes.spore.deadlines import FENCE_SECONDS
from nodes.spore.leaving import STOP_PATIENCE_SECONDS, Estate
from nodes.spore.outage import Outage
from nodes.spore.outbox import send_all
from nodes.spore.works import describe_works

log = structlog.get_logger()
STEP_SECONDS = 0.05
LOOK_SECONDS = 0.5
#: Changes of what runs are told at most twice a second.
TELL_SECONDS = 0.5


class Retirement:
    """A retired agent."""

    def __init__(self, estate: Estate, *, now: float, seconds: float) -> None:
        self._estate, self._seconds, self._until = estate, seconds, now + seconds
        self._looked_at = self._told_at = 0.0
        self._told: dict[str, Any] | None = None
        self._outage = Outage()
        estate.crew.board.set_clock(offset_seconds=estate.offset_seconds, stopping=True)
        # From here on whoever pops hands back. Only these may have looked just before.
        self._entering = {w.bundle for w in estate.crew.works() if w.bundle and not w.busy}
        crash_point("agent.retired")

    def serve(self) -> None:
        """Until nothing runs any more, or it took too long; signals make that sooner."""
        line = self._estate.line
        line.hush()
        while self._estate.crew:
            now = time.monotonic()
            if signals := self._estate.signals():
                patience = STOP_PATIENCE_SECONDS if signals == 1 else 0.0
                if now + patience < self._until:
                    self._until, self._seconds = now + patience, patience
            self.step(now)
        self._tell(time.monotonic())
        self._leave_word()
        line.close()

    def step(self, now: float) -> None:
        """One look at slots, deadlines, the launcher and Redis."""
        mine = self._estate
        mine.ward.heed(STEP_SECONDS)
        if boot_clock() - mine.heard_at >= FENCE_SECONDS:
            mine.crew.fence(now)
        mine.outbox += mine.crew.reap(now)
        mine.crew.enforce(now, mine.cancelled)
        if now >= self._until:
            mine.crew.break_off(now, f"it ran on for {self._seconds:.0f} s")
        self._tell(now)
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            with self._outage.endured(0.0):
                self._outage.refrain()
                self._talk()

    def _talk(self) -> None:
        mine = self._estate
        send_all(mine.line, mine.outbox)
        if not mine.ward.leash.is_held:
            return  # then the new agent is silent too, and the Foreman may give both up
        tokens = {token for work in mine.crew.works() if work.busy for token in stop_tokens(work)}
        seen = mine.line.look(tokens)
        if seen.silence_seconds < inf:  # else Redis lost its memory just now
            mine.heard_at = boot_clock() - seen.silence_seconds
        mine.offset_seconds = seen.clock_ms / 1000 - time.time()
        mine.cancelled = seen.cancelled
        if seen.is_over:
            log.warning("spore.given_up")
            mine.crew.kill_all()
            mine.outbox.clear()

    def _tell(self, now: float) -> None:
        mine = self._estate
        if self._told is None:
            self._entering &= {w.bundle for w in mine.crew.works() if not w.busy}
            if self._entering:
                return
        elif mine.crew and now - self._told_at < TELL_SECONDS:
            return
        told = describe_works(mine.crew, offset_seconds=mine.offset_seconds, now=now)
        if self._told is None or _outline(told) != _outline(self._told):
            mine.ward.say("works" if self._told else "retired", **told)
            self._told, self._told_at = told, now

    def _leave_word(self) -> None:
        """Report what was not; if Redis is away, the agent that took our place does."""
        mine = self._estate
        try:
            send_all(mine.line, mine.outbox)
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=str(error))
            for body in mine.outbox:
                mine.line.write_down(body, mine.spool)


def _outline(told: dict[str, Any]) -> Any:
    """All of it that does not change by itself."""
    return told["bundles"], [(row[0], *row[2:]) for row in told["running"]]
