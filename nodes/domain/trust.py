"""When the Foreman may believe that nodes are gone. Pure; times are Unix seconds.

Three things look like the death of nodes and are not: the Foreman itself was paused, Redis was
away, or a switch went down and half of the cluster fell silent at once. After each of them no
verdict is passed until every living node had time for a heartbeat.
"""

from dataclasses import dataclass

#: One full round of heartbeats: two beats, and a reconnection.
ROUND_SECONDS = 5.0
#: A Foreman that looks around once a second and missed this much was paused.
PAUSED_SECONDS = 3.0
#: Fewer nodes than this may well die together: somebody closed a laptop.
MASS = 3


def is_mass(*, vanished: int, present: int) -> bool:
    """Whether so many of the present nodes vanished at once that the cause lies elsewhere."""
    return vanished >= MASS and 2 * vanished >= present


@dataclass(slots=True)
class Trust:
    """What the Foreman thinks of its own eyes."""

    believes_from: float = 0.0
    looked_at: float = 0.0
    mass_since: float | None = None

    def shake(self, now: float) -> None:
        """Something happened that makes what is seen doubtful for one round."""
        self.believes_from = now + ROUND_SECONDS

    def look(self, now: float) -> bool:
        """A look around begins; whether its verdicts count."""
        if self.looked_at and now - self.looked_at > PAUSED_SECONDS:
            self.shake(now)
        self.looked_at = now
        return now >= self.believes_from

    def brake(self, *, vanished: int, present: int, now: float) -> bool:
        """Whether verdicts must wait because too many nodes vanished at once; for one round."""
        if not is_mass(vanished=vanished, present=present):
            self.mass_since = None
            return False
        if self.mass_since is None:
            self.mass_since = now
        return now - self.mass_since < ROUND_SECONDS
