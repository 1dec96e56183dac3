"""A first bundle that an agent sends itself: it shows that this release can work."""

import secrets
from dataclasses import dataclass

from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.spore.identity import Identity
from nodes.spore.line import Line

PATIENCE_SECONDS = 10.0
#: Redis may have lost it, and it does no harm twice.
AGAIN_SECONDS = 3.0
#: Whoever could not look for so long was cut off, and says nothing about the release.
GAP_SECONDS = 2.0
TTL_SECONDS = 60
TASK = "demo.whoami"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a probe. `release` is the one that ran it; `reason` is fit for people."""

    ok: bool
    release: str
    reason: str = ""


class Probe:
    """One probe. It has ten seconds in which Redis is there."""

    def __init__(self, identity: Identity, now: float) -> None:
        self.id = wire.probe_id(identity.name, secrets.token_hex(8))
        self._release, self._until = identity.release, now + PATIENCE_SECONDS
        self._sent_at, self._looked_at, self._crash = -AGAIN_SECONDS, now, ""

    def fail(self, how: str) -> None:
        """The slot that ran it died."""
        self._crash = f"the process that ran the probe ended with {how}"

    def outcome(self, line: Line, now: float) -> Proof | None:
        """What came of it, or None as long as that is open. Raises `RedisError` before the end."""
        if self._crash:
            return self._end(line, self._crash)
        if now - self._looked_at > GAP_SECONDS:
            self._until, self._sent_at = now + PATIENCE_SECONDS, now - AGAIN_SECONDS
        if now >= self._until:
            return self._end(line, f"no answer to the probe within {PATIENCE_SECONDS:.0f} s")
        if now - self._sent_at >= AGAIN_SECONDS:
            line.send_probe(self.id, TASK, ttl_seconds=TTL_SECONDS)
            self._sent_at = now
        said = line.hear_proof(self.id)
        self._looked_at = now
        return self._judge(str(said["release"]), str(said["reason"])) if said else None

    def _judge(self, release: str, reason: str) -> Proof:
        if not reason and release != self._release:
            reason = f"the probe was answered by release {release!r}"
        return Proof(not reason, release, reason)

    def _end(self, line: Line, reason: str) -> Proof:
        try:
            line.drop_probe(self.id)
        except (RedisError, OSError):
            reason = f"{reason}; Redis is away"  # it expires there
        return Proof(False, self._release, reason)
