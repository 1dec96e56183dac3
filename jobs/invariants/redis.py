"""What must hold between the database and Redis.

Work in motion may look wrong for a moment, so only what two looks ten seconds apart both show
is real.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from redis import Redis

from jobs.domain.states import OPEN, SubtaskState
from jobs.invariants.violation import Violation
from jobs.ledger import peek
from jobs.models import Subtask
from nodes import wire
from nodes.domain.placement import DEEPEST
from nodes.domain.states import NodeState
from nodes.models import Lease, Node

#: Keys that live for ever, or that an owner deletes: the Foreman trims reports and ledgers.
PERMANENT = (wire.EPOCH, wire.BOOT, wire.INBOX, wire.NODES, wire.ADMITTED)
OWNED = ("hive:report:", "hive:flight:", "hive:orders:")
MAX_VALUE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Flying:
    """One entry of the ledger."""

    node: str
    bundle: str
    subtasks: list[int]


def check_redis(client: Redis) -> list[Violation]:
    """Violations between database and Redis, at one look."""
    rules = (_flights, _lists, _lost_nodes, _keys, _bundles, _memory)
    return [violation for rule in rules for violation in rule(client)]


def read_ledger(client: Redis) -> list[Flying]:
    """Every bundle in flight, as Redis knows it."""
    return [
        Flying(node, bundle.decode(errors="replace"), _subtasks(data))
        for node in Node.objects.values_list("name", flat=True)
        for bundle, data in client.hgetall(wire.flight_key(node)).items()
    ]


def _subtasks(data: bytes) -> list[int]:
    """What an entry is about: nothing, if it is none."""
    try:
        return list(peek(data)["s"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def is_over(flying: Flying) -> bool:
    """Whether everything in a bundle has ended by now."""
    rows = Subtask.objects.filter(pk__in=flying.subtasks[:500])
    return rows.exists() and not rows.filter(state__in=OPEN).exists()


def _flights(client: Redis) -> Iterator[Violation]:
    """I3, I7 and I8: what is in flight is somewhere, and belongs to work that has not ended."""
    states = dict(Node.objects.values_list("name", "state"))
    for flying in read_ledger(client):
        # A silent node may still hold copies of work that others have done meanwhile.
        if states[flying.node] != NodeState.SUSPECT and is_over(flying):
            detail = f"in flight on {flying.node}, but its subtasks ended"
            yield Violation("I8", flying.bundle, detail)
        blocked = Subtask.objects.filter(pk__in=flying.subtasks, state=SubtaskState.BLOCKED)
        if blocked.exists():
            yield Violation("I3", flying.bundle, "in flight, but blocked in the database")
        if not _is_somewhere(client, flying):
            detail = f"in flight on {flying.node}, but in no list and no report"
            yield Violation("I7", flying.bundle, detail)


def _is_somewhere(client: Redis, flying: Flying) -> bool:
    listed = client.lrange(wire.queue_key(flying.node), 0, -1)
    listed += client.lrange(wire.intermediate_key(flying.node), 0, -1)
    return flying.bundle.encode() in listed or bool(client.xlen(wire.report_key(flying.node)))


def _lists(client: Redis) -> Iterator[Violation]:
    ledger = {(flying.node, flying.bundle) for flying in read_ledger(client)}
    for node in Node.objects.all():
        queued = client.lrange(wire.queue_key(node.name), 0, -1)
        popped = client.lrange(wire.intermediate_key(node.name), 0, -1)
        # A probe is its agent's own matter, and expires.
        bundles = [b for b in queued + popped if not wire.is_probe(b.decode(errors="replace"))]
        for bundle, count in Counter(bundles).items():
            if count > 1:
                yield Violation("I8", bundle.decode(), f"{count} times in the lists of {node}")
            if (node.name, bundle.decode()) not in ledger:
                yield Violation("I8", bundle.decode(), f"listed on {node}, but not in flight")
        if len(queued) > (1 + DEEPEST) * max(node.slots, 1):
            yield Violation("I10", node.name, f"{len(queued)} bundles queued on {node.slots} slots")


def _lost_nodes(client: Redis) -> Iterator[Violation]:
    for node in Node.objects.filter(state=NodeState.LOST):
        count = client.hlen(wire.flight_key(node.name))
        if count:
            yield Violation("I9", node.name, f"lost, but {count} bundles are in flight there")


def _keys(client: Redis) -> Iterator[Violation]:
    for key in client.scan_iter("hive:*", count=1000):
        name = key.decode(errors="replace")
        if name in PERMANENT or name.startswith(OWNED):
            continue
        if client.ttl(key) == -1:
            yield Violation("I12", name, "has no TTL and is not on the permanent list")
        size = client.strlen(key) if client.type(key) == b"string" else 0
        if size > MAX_VALUE_BYTES:
            yield Violation("I12", name, f"{size} bytes; {MAX_VALUE_BYTES} are allowed")


def _bundles(client: Redis) -> Iterator[Violation]:
    for key in client.scan_iter(wire.bundle_key("*"), count=1000):
        size = max(map(len, client.hgetall(key).values()), default=0)
        if size > MAX_VALUE_BYTES:
            name = key.decode(errors="replace")
            yield Violation("I12", name, f"{size} bytes; {MAX_VALUE_BYTES} are allowed")


def _memory(client: Redis) -> Iterator[Violation]:
    lease = Lease.objects.first()
    if lease is None:
        return
    boot, epoch = client.get(wire.BOOT), client.get(wire.EPOCH)
    if boot is None or boot.decode() != lease.boot_key:
        yield Violation("I13", wire.BOOT, "Redis is not the memory that the Foreman took over")
    if epoch is None or int(epoch) != lease.epoch:
        seen = int(epoch) if epoch else None
        yield Violation("I13", wire.EPOCH, f"Redis has {seen}, the database {lease.epoch}")
