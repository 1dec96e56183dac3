"""The figures of a node's own state machine, and small decisions with them."""

from collections.abc import Mapping

from ota.domain.install.state import Quarantine, Slot, State

#: Starts that a release has before it is given up.
TRIES = 3
#: How often one attempt may be saved: whoever needs more goes round in circles.
MOST_SAVES = 40
MOST_WARM_DEATHS = 3
#: An agent behind the gate costs memory: after so long it is ended, and started anew later.
WARM_SECONDS = 120.0
#: How long a stager may take in all.
ATTEMPT_SECONDS = 1800.0
#: How long what ran before may take to prove itself.
RESTORE_SECONDS = 60.0
#: How long a release is not blamed for a Redis that is away.
HOLD_SECONDS = 1800.0
QUARANTINE_SECONDS = 6 * 3600.0
LONGEST_RETRY_SECONDS = 600.0
#: After so many failures it stays in quarantine.
MOST_STRIKES = 3
FOR_EVER = 1e12
#: So many crashes within this time, this long after it was proved, bring the one before back.
#: So many starts in a row that come to nothing do, too, whenever it was proved.
STARTS = 8
CRASHES, CRASH_SECONDS, LATE_SECONDS = 3, 600.0, 86_400.0
#: Who worked for so long is well again, whatever came before.
HEALTHY_SECONDS = 600.0
BACKOFF_SECONDS = (0.0, 0.5, 1, 2, 5, 10, 30)
SAFE_BACKOFF_SECONDS = (5.0, 10, 30, 60, 120, 300, 600)


def backoff(deaths: int) -> float:
    """How long to rest before an agent that ended so often is started again."""
    return BACKOFF_SECONDS[min(deaths, len(BACKOFF_SECONDS) - 1)]


def rest_in_safe_mode(deaths: int) -> float:
    """The same once neither release ran."""
    return SAFE_BACKOFF_SECONDS[min(deaths, len(SAFE_BACKOFF_SECONDS) - 1)]


def retry_after(retries: int) -> float:
    """How long to rest before the same release is fetched again."""
    return float(min(60 * 2 ** min(retries - 1, 8), LONGEST_RETRY_SECONDS))


def may_retry(retry_at: float | None, now: float) -> bool:
    """Whether what failed may be fetched again. In Unix seconds."""
    # Whoever waits for longer than that was given the time by a clock that was wrong.
    return retry_at is not None and not 0 < retry_at - now <= LONGEST_RETRY_SECONDS


def recent_crashes(crashes: tuple[float, ...], now: float) -> tuple[float, ...]:
    """Those that still count. In Unix seconds."""
    return tuple(at for at in crashes if abs(now - at) < CRASH_SECONDS)


def crashed_too_often(state: State, now: float) -> bool:
    """Whether a release that had proved itself did not keep its promise."""
    young = abs(now - state.committed_at) < LATE_SECONDS
    return young and not state.active.own and len(state.crashes) >= CRASHES


def forbidden(slot: Slot, floor: Mapping[str, int]) -> bool:
    """Whether its signers do not want this release to run here any more."""
    return not slot.own and slot.seq < floor.get(slot.channel, 0)


def quarantined(found: tuple[Quarantine, ...], sha256: str, now: float) -> Quarantine | None:
    """Why this release must not be tried again yet."""
    return next((each for each in found if each.sha256 == sha256 and _rests(each, now)), None)


def _rests(each: Quarantine, now: float) -> bool:
    # What is to end later than it can was put there while the clock was wrong.
    return each.until >= FOR_EVER or 0 < each.until - now <= QUARANTINE_SECONDS


def with_quarantine(
    found: tuple[Quarantine, ...], slot: Slot, reason: str, now: float
) -> tuple[Quarantine, ...]:
    """The same with one more failure. A Spore's own code is never put there."""
    if slot.own:
        return found
    before = next((each for each in found if each.sha256 == slot.sha256), None)
    strikes = before.strikes + 1 if before else 1
    until = FOR_EVER if strikes >= MOST_STRIKES else now + QUARANTINE_SECONDS
    rest = tuple(each for each in found if each.sha256 != slot.sha256)
    return (*rest, Quarantine(slot.sha256, reason, until, strikes))
