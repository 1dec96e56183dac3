"""What happens to a subtask whose attempt did not succeed. Budgets per kind of ending."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from jobs.domain.bounds import MAX_REST_SECONDS
from jobs.domain.states import Outcome, SubtaskState

MAX_LOSSES = 5
MAX_CRASHES = 3
CRASH_REST = timedelta(seconds=1)
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Tally:
    """What a subtask has been through, the newest ending included."""

    errors: int = 0
    crashes: int = 0
    losses: int = 0
    crash_nodes: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What its job allows. `backoff` are seconds; the last one repeats."""

    retries: int
    backoff: tuple[float, ...] = (2, 8, 32)
    at_most_once: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The subtask's next state; with a time if it is tried again later, with a reason if not."""

    state: SubtaskState
    at: datetime | None = None
    reason: str = ""


def decide(
    outcome: Outcome,
    tally: Tally,
    policy: Policy,
    *,
    now: datetime,
    random: Random,
    final: bool = False,
    after: float | None = None,
) -> Verdict:
    """What comes after an attempt that ended in `outcome`.

    `final` is the task's own wish for no further try, `after` its wish for when, in seconds.
    """
    if outcome is Outcome.CANCELLED:
        return Verdict(SubtaskState.CANCELLED)
    if policy.at_most_once:
        return Verdict(SubtaskState.FAILED, reason="at_most_once: it may have started")
    if outcome is Outcome.LOST:
        return _after_loss(tally)
    if outcome is Outcome.CRASHED:
        return _after_crash(tally, now)
    if final or tally.errors > policy.retries:
        return Verdict(SubtaskState.FAILED)
    rest = after if after is not None else _backoff(policy, tally.errors, random)
    return Verdict(SubtaskState.RETRYING, at=now + timedelta(seconds=rest))


def _after_loss(tally: Tally) -> Verdict:
    if tally.losses > MAX_LOSSES:
        return Verdict(SubtaskState.FAILED, reason=f"lost with its node {tally.losses} times")
    return Verdict(SubtaskState.WAITING)


def _after_crash(tally: Tally, now: datetime) -> Verdict:
    # A cluster of one node must come to an end too: one more crash proves enough there.
    if tally.crashes > MAX_CRASHES or (tally.crashes == MAX_CRASHES and tally.crash_nodes > 1):
        reason = f"crashed its process {tally.crashes} times on {tally.crash_nodes} nodes"
        return Verdict(SubtaskState.QUARANTINED, reason=reason)
    return Verdict(SubtaskState.RETRYING, at=now + CRASH_REST)


def _backoff(policy: Policy, errors: int, random: Random) -> float:
    steps = policy.backoff or (0.0,)
    step = steps[min(max(errors, 1), len(steps)) - 1]
    return min(step * (1 + random.uniform(-JITTER, JITTER)), MAX_REST_SECONDS)
