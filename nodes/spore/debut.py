"""The first moments of an agent that a launcher started, until it has shown that it works."""

import structlog

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Invalid
from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.spore.crew import Crew, Obituary
from nodes.spore.identity import Identity
from nodes.spore.line import Line
from nodes.spore.probe import Probe
from nodes.spore.ward import Ward

log = structlog.get_logger()


class Debut:
    """Of one agent. `gated`: the launcher wants to know first whether its release works."""

    def __init__(self, ward: Ward, *, gated: bool) -> None:
        self._ward, self._gated = ward, gated
        self._is_live = self._is_ready = False
        self._opened_at = 0.0
        self._probe: Probe | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has shown that it works, or need not."""
        return self._is_live and self._probe is None

    def check_name_is_free(self, line: Line, name: str) -> None:
        """See `Agent.check_name_is_free`."""
        try:
            is_taken = line.is_taken()
        except (RedisError, OSError):
            if not self._ward.leash.is_managed:
                raise
            is_taken = False
        if is_taken:
            raise Invalid(f"a Spore named {name!r} is running; give another --name", field="name")

    def wait_at_gate(self, crew: Crew, line: Line, identity: Identity, now: float) -> bool:
        """One look at slots that load their tasks: whether they may go on now.

        Says once that all have. Raises `Unfit` if they cannot.
        """
        crew.reap(now)
        crew.fill(identity, now)
        if not self._is_ready and crew.is_ready():
            self._is_ready = True
            crash_point("agent.ready")
            facts = {"tasks": crew.tasks(), "count": len(crew), "release": identity.release}
            self._ward.say("ready", **facts, redis=line.reaches_redis())
        self._opened_at = now
        return self._is_ready and self._ward.may_go

    def may_beat(self, now: float, *, loaded: bool) -> bool:
        """Not while the launcher is frozen, nor before others can know what we can run."""
        early = self._gated and not loaded and now - self._opened_at < wire.BEAT_SECONDS
        return self._ward.leash.is_held and not early

    def begin(self, crew: Crew, identity: Identity, *, now: float, clock: float) -> None:
        """A heartbeat was sent; after the first one others know what we can run."""
        if self._is_live:
            return
        crash_point("agent.live")
        self._is_live = True
        crew.board.set_live(clock if self._gated else 0.0)
        self._ward.say("live", incarnation=identity.incarnation)
        if self._gated:
            self._probe = Probe(identity, now)

    def follow(self, line: Line, now: float) -> None:
        """See what became of the probe."""
        if self._probe and (proof := self._probe.outcome(line, now)):
            self._probe = None
            log.info("probe.answered", ok=proof.ok, reason=proof.reason)
            self._ward.say("probe", ok=proof.ok, release=proof.release, reason=proof.reason)

    def leave_out(self, said: list[Obituary]) -> list[Obituary]:
        """What others should hear of these deaths: all but what the probe died of."""
        for obituary in said:
            if self._probe and self._probe.id == obituary["bundle"]:
                self._probe.fail(obituary["events"][-1]["how"])
        return [obituary for obituary in said if not wire.is_probe(obituary["bundle"])]
