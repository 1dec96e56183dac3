"""The Lua verbs once more, in Python, for the Redis in memory. Named by their files."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Verb = Callable[[Any, list[str], list[bytes]], Any]


def push(store: Any, keys: list[str], args: list[bytes]) -> Any:
    epoch, job, queue, ledger = keys
    mine, bundle, envelope, entry, node, now, ttl = args
    if refusal := refused(store, epoch, mine):
        return refusal
    if not store.hsetnx(ledger, bundle, entry):
        return 0
    about = {"data": envelope, "origin": node, "status": "queued", "created_at": now}
    about |= {"enqueued_at": now, "description": bundle}
    store.hset(job, *(part for pair in about.items() for part in pair))
    store.expire(job, ttl)
    store.rpush(queue, bundle)
    return 1


def withdraw(store: Any, keys: list[str], args: list[bytes]) -> Any:
    epoch, queue, job, ledger = keys
    if refusal := refused(store, epoch, args[0]):
        return refusal
    if not store.lrem(queue, 0, args[1]):
        if args[2] == b"halt" and store.exists(job):
            store.hset(job, "halted", "1")
        return 0
    store.delete(job)
    store.hdel(ledger, args[1])
    return 1


def abandon(store: Any, keys: list[str], args: list[bytes]) -> Any:
    epoch, queue, popped, job, ledger = keys
    if refusal := refused(store, epoch, args[0]):
        return refusal
    waited = store.lrem(queue, 0, args[1])
    store.lrem(popped, 0, args[1])
    store.delete(job)
    store.hdel(ledger, args[1])
    return int(waited > 0)


def remember(store: Any, keys: list[str], args: list[bytes]) -> Any:
    epoch, ledger = keys
    if refusal := refused(store, epoch, args[0]):
        return refusal
    store.hsetnx(ledger, args[1], args[2])
    return 1


def reclaim_node(store: Any, keys: list[str], args: list[bytes]) -> Any:
    epoch, queue, popped, ledger = keys
    if refusal := refused(store, epoch, args[0]):
        return refusal
    untouched = list(store.lrange(queue, 0, -1))
    for bundle in untouched:
        if store.hdel(ledger, bundle):
            store.delete(args[1] + bundle)
    for bundle in store.hkeys(ledger):
        store.delete(args[1] + bundle)
    store.delete(queue, popped)
    return untouched


def claim_epoch(store: Any, keys: list[str], args: list[bytes]) -> Any:
    epoch, boot = keys
    if int(store.get(epoch) or 0) > int(args[0]):
        return b"deposed"
    store.set(epoch, args[0])
    if store.get(boot) is None:
        store.set(boot, args[1])
    return store.get(boot)


def newer_beats(store: Any, keys: list[str], args: list[bytes]) -> Any:
    *known, most = args
    found = []
    for place, (stream, before) in enumerate(zip(keys, known, strict=True), start=1):
        for entry, fields in store.xrevrange(stream, count=1):
            if entry != before:
                message = fields[b"e"]
                found.append([place, entry, message if len(message) <= int(most) else b""])
    return found


def refused(store: Any, epoch: str, mine: bytes) -> int:
    """What a verb answers to who does not lead: -1, or -2 if Redis knows no leader."""
    leader = store.get(epoch)
    if leader == mine:
        return 0
    return -1 if leader else -2


PYTHON: dict[str, Verb] = {
    verb.__name__: verb
    for verb in (push, withdraw, abandon, remember, reclaim_node, claim_epoch, newer_beats)
}
#: By the hash of the Lua source, as EVALSHA names them.
VERBS: dict[str, Verb] = {
    hashlib.sha1(path.read_bytes()).hexdigest(): PYTHON[path.stem]
    for path in sorted(ROOT.glob("*/lua/*.lua"))
    if path.stem in PYTHON
}
