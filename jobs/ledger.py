"""What Redis remembers of each bundle in flight, so that a new leader finds it.

Entries are sealed, each for its node and its bundle: whoever may write to Redis could otherwise
tell a new leader that a node of theirs was sent what it never was, and then report for it.
"""

import json
from dataclasses import dataclass
from typing import Any

from hive_site.kernel import messages
from hive_site.kernel.envelope import VERSION, Forged, seal, unseal
from jobs.domain.flight import Sent
from nodes.keyring import Keyring

PURPOSE = "ledger"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A bundle in flight as the ledger keeps it."""

    bundle: str
    node: str
    incarnation: str
    job: str
    first: int
    subtasks: list[int]
    at: float
    gpus: tuple[int, ...]
    task: str
    memory_mb: int
    short: bool


def ledger_key(keyring: Keyring) -> bytes:
    """What entries are sealed with; Foremen alone have it."""
    return keyring.own_key(PURPOSE)


def write_entry(sent: Sent, *, key: bytes) -> bytes:
    """What the ledger holds of a bundle: sealed JSON."""
    entry = {
        "i": sent.incarnation,
        "j": sent.job,
        "f": sent.first,
        "s": sent.subtasks,
        "t": sent.at,
        "g": sent.gpus,
        "k": sent.task,
        "m": sent.memory_mb,
        "h": sent.short,
    }
    return seal(messages.dumps(entry), key=key, purpose=_purpose(sent.node, sent.id))


def read_entry(node: str, bundle: str, data: bytes, *, key: bytes) -> LedgerEntry:
    """What `write_entry` wrote of this bundle for this node. Raises `Forged` for anything else."""
    entry = unseal(data, key=key, purpose=_purpose(node, bundle), loads=messages.loads)
    if not isinstance(entry, dict):
        raise Forged("an entry that is no object")
    return LedgerEntry(
        bundle=bundle,
        node=node,
        incarnation=entry["i"],
        job=entry["j"],
        first=entry["f"],
        subtasks=entry["s"],
        at=entry["t"],
        gpus=tuple(entry["g"]),
        task=entry.get("k", ""),
        memory_mb=entry.get("m", 0),
        short=entry.get("h", False),
    )


def peek(data: bytes) -> dict[str, Any]:
    """What an entry says, whoever wrote it: for who only looks. Raises `ValueError`."""
    text = data.split(b".", 2)[2] if data.startswith(VERSION + b".") else data
    entry = json.loads(text)
    if not isinstance(entry, dict):
        raise ValueError("an entry that is no object")
    return entry


def _purpose(node: str, bundle: str) -> str:
    return f"{PURPOSE}|{node}|{bundle}"
