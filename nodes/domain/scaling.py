"""What to do about a pool of machines. Pure; times are Unix seconds.

Up goes it by what is needed now (`scaling_pictures.py`), counting those that start already. Down
goes it by the highest need of a calm period (the stabilisation window of Kubernetes' horizontal
pod autoscaler), one node at a time, drained before it is removed. Where durations are not known,
or wrong, waiting tells: then a pool doubles, as that autoscaler's default policy lets it.
"""

from dataclasses import dataclass, replace
from math import ceil, inf

from nodes.domain.scaling_pictures import NOISE, Load, Picture, Rules, Stage, need_of

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5.0, 300.0
#: Whoever grows so soon after it shrank was not calm: the next calm is twice as long.
RELAPSE, FORGIVEN, MOST_PATIENCE = 2, 10, 4


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from look to look. A new leader begins with an empty one."""

    wanted: int = 0
    #: Needs that were the highest of all since, oldest and highest first: when, and how much.
    needs: tuple[tuple[float, float], ...] = ()
    since: float | None = None
    up_at: float = -inf
    down_at: float = -inf
    arrived_at: float = -inf
    ready: frozenset[str] = frozenset()
    failures: int = 0
    retry_at: float = -inf
    patience: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """How many nodes are wanted and why; how many to start; nodes to drain, to resume, to remove
    because they are drained, and to give up because they never came."""

    wanted: int
    reason: str
    start: int = 0
    drain: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    give_up: tuple[str, ...] = ()


def decide(*, rules: Rules, picture: Picture, memory: Memory) -> tuple[Decision, Memory]:
    """What to do about one pool now, and what to remember."""
    if picture.doubt:
        return Decision(memory.wanted, picture.doubt), memory
    memory = _learn(rules, picture, memory)
    late = [m for m in picture.of(Stage.STARTING) if m.age >= rules.start_timeout]
    late = [] if picture.shaky else late
    active = len(picture.of(Stage.READY, Stage.STARTING)) - len(late)
    wanted, why = _wish(rules, picture, memory, active)
    decision = Decision(wanted, why, give_up=tuple(m.node for m in late))
    if late:
        memory = fail(memory, picture.now)
    if wanted > active:
        decision = _grow(rules, picture, memory, decision, lacking=wanted - active)
    else:
        decision = _shrink(rules, picture, memory, decision, spare=active - wanted)
    return decision, _note(rules, picture.now, memory, decision)


def fail(memory: Memory, now: float) -> Memory:
    """A start came to nothing: the next one waits, twice as long each time."""
    rest = min(FIRST_RETRY_SECONDS * 2.0 ** min(memory.failures, 10), LONGEST_RETRY_SECONDS)
    return replace(memory, failures=memory.failures + 1, retry_at=now + rest)


def _learn(rules: Rules, picture: Picture, memory: Memory) -> Memory:
    now, need = picture.now, need_of(rules, picture)
    ready = frozenset(machine.node for machine in picture.of(Stage.READY))
    if ready - memory.ready:
        # A new leader saw nobody arrive.
        arrived = now if memory.since is not None else memory.arrived_at
        memory = replace(memory, arrived_at=arrived, failures=0, retry_at=-inf)
    window = rules.calm * memory.patience
    # Only what was not exceeded since can be the highest of a later window. What lies ahead was
    # seen before the clock was set back.
    kept = [(at, seen) for at, seen in memory.needs if now - window < at <= now and seen > need]
    since = now if memory.since is None else min(memory.since, now)
    return replace(memory, needs=(*kept, (now, need)), since=since, ready=ready)


def _wish(rules: Rules, picture: Picture, memory: Memory, active: int) -> tuple[int, str]:
    """How many nodes there should be, and why."""
    load, need = picture.load, memory.needs[-1][1]
    doubled = _overdue(rules, picture, memory)
    if doubled:
        need = max(need, active + min(load.size, max(active, 1)))
    floor = _bounded(rules, need)
    told = _tell(load) if load.waiting else "nothing waits"
    if floor > active:
        why = told if load.waiting else f"{rules.minimum} at least"
        return floor, f"{why}, over the target" if doubled else why
    if active > rules.maximum:
        return rules.maximum, f"{rules.maximum} at most"
    calm = rules.calm * memory.patience
    if memory.since is None or picture.now - memory.since < calm:
        return max(active, rules.minimum), told
    highest = _bounded(rules, memory.needs[0][1])
    wanted = max(floor, min(active, highest))
    return wanted, f"{told}; {highest} were enough for {calm:.0f} s" if wanted < active else told


def _overdue(rules: Rules, picture: Picture, memory: Memory) -> bool:
    """Whether work waits too long although everything that was asked for has come."""
    settled = picture.now - max(memory.up_at, memory.arrived_at) > rules.target_wait
    return picture.load.is_late(rules) and settled and not picture.of(Stage.STARTING)


def _grow(
    rules: Rules, picture: Picture, memory: Memory, decision: Decision, *, lacking: int
) -> Decision:
    leaving = picture.of(Stage.DRAINING, Stage.DRAINED)
    # Those that work go on before those that idle.
    leaving.sort(key=lambda machine: (-machine.share, machine.node))
    resume = tuple(machine.node for machine in leaving[:lacking])
    existing = len(picture.machines) - len(decision.give_up)
    start = max(min(lacking - len(resume), rules.maximum - existing), 0)
    reason = decision.reason
    if start and picture.now < memory.retry_at:
        tries = "start" if memory.failures == 1 else "starts"
        reason += f"; {memory.failures} {tries} failed, the next in"
        start, reason = 0, f"{reason} {memory.retry_at - picture.now:.0f} s"
    elif start and 0 <= picture.now - memory.up_at < rules.cooldown:
        start = 0
    return replace(decision, start=start, resume=resume, reason=reason)


def _shrink(
    rules: Rules, picture: Picture, memory: Memory, decision: Decision, *, spare: int
) -> Decision:
    if picture.shaky:
        return replace(decision, reason=f"{decision.reason}; half of the cluster is away")
    remove = tuple(machine.node for machine in picture.of(Stage.DRAINED))
    rested = not 0 <= picture.now - max(memory.up_at, memory.down_at) < rules.cooldown
    free = [machine for machine in picture.of(Stage.READY) if not machine.pinned]
    idle = sorted(free, key=lambda machine: (machine.share, machine.age, machine.node))
    # One that still works, perhaps for hours, holds up nobody.
    going = any(machine.share == 0 for machine in picture.of(Stage.DRAINING))
    step = spare > 0 and rested and not going
    drain = tuple(machine.node for machine in idle[:1]) if step else ()
    return replace(decision, remove=remove, drain=drain)


def _note(rules: Rules, now: float, memory: Memory, decision: Decision) -> Memory:
    """Remember what was decided, and how well the last calm was chosen."""
    memory = replace(memory, wanted=decision.wanted)
    if decision.drain:
        return replace(memory, down_at=now)
    if not (decision.start or decision.resume):
        return memory
    patience, ago = memory.patience, (now - memory.down_at) / max(rules.calm, NOISE)
    if 0 <= ago < RELAPSE * patience:
        patience = min(patience * 2, MOST_PATIENCE)
    elif ago > FORGIVEN * patience:
        patience = 1
    return replace(memory, up_at=now, patience=patience)


def _bounded(rules: Rules, need: float) -> int:
    return min(max(ceil(need - NOISE), rules.minimum), rules.maximum)


def _tell(load: Load) -> str:
    verb = "subtask waits" if load.waiting == 1 else "subtasks wait"
    return f"{load.waiting} {verb}, the oldest for {load.oldest:.0f} s"
