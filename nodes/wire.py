"""What Nexus and Spores agree on: names of keys, streams and messages. No Django, no ORM.

Permanent keys: `hive:epoch`, `hive:boot`, `hive:nodes`, `hive:admitted`. Every other key has a TTL
or an owner that deletes it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from hive_site.kernel.redis import key

#: Raised whenever a message changes its meaning; a receiver refuses what it does not know.
PROTOCOL = 1

BEAT_SECONDS = 2.0
#: How long a list of tasks outlives the last slot that has them.
TASKS_TTL_SECONDS = 86_400

EPOCH = key("epoch")
BOOT = key("boot")
#: Stream of wake-ups for the Foreman; every message is a hint, the database is the truth.
INBOX = key("inbox")
#: Set of every node name that ever announced itself.
NODES = key("nodes")
#: Hash of the nodes that are users of Redis: by which rules, as a digest.
ADMITTED = key("admitted")
#: RQ's own set of all workers: slots are in it while they live.
WORKERS = "rq:workers"
#: Pub/sub: which jobs changed, one message for each recorded batch.
CHANGED = key("changed")
#: The Foreman's picture of the cluster, written once a second.
SNAPSHOT = key("snapshot")
#: Pub/sub: the number of each new picture.
TICK = key("tick")
#: List of what the cluster did in each of the last 15 minutes' seconds, the newest last.
SECONDS = key("seconds")
#: Exists while somebody looks at what single nodes do.
VIEWERS = key("viewers")
#: Pub/sub: an operator called something out; each node finds its own signed copy of it.
BROADCAST = key("broadcast")

PURPOSE_BEAT = "beat"
PURPOSE_REPORT = "report"
PURPOSE_BUNDLE = "bundle"
PURPOSE_ORDER = "order"
PURPOSE_COMMAND = "command"
PURPOSE_ANSWER = "answer"
PURPOSE_PROBE = "probe"
PURPOSE_PROOF = "proof"


#: No value in Redis is longer than this; what is travels in pieces.
PIECE_BYTES = 192 * 1024


def pieces(name: str, value: bytes) -> dict[str, bytes]:
    """A value as fields of a hash or a stream's entry: `name`, and `name.1`, … if it is long."""
    cuts = range(PIECE_BYTES, len(value), PIECE_BYTES)
    rest = {f"{name}.{n}": value[at : at + PIECE_BYTES] for n, at in enumerate(cuts, start=1)}
    return {name: value[:PIECE_BYTES], **rest}


def whole(name: str, fields: Mapping[bytes, bytes]) -> bytes:
    """The value that `pieces` cut; empty if it is not there."""
    parts, key = [], name.encode()
    while key in fields:
        parts.append(fields[key])
        key = f"{name}.{len(parts)}".encode()
    return b"".join(parts)


#: The end of the year 9999: no clock of Redis says more, and no date can.
LATEST_MS = 253_402_300_799_000


def is_out_of_time(entry: str) -> bool:
    """Whether somebody made up when an entry was added: behind the last one nothing fits."""
    return int(entry.partition("-")[0]) > LATEST_MS


def beat_key(node: str) -> str:
    """Stream of one entry: the node's newest heartbeat, stamped by Redis's clock."""
    return key("beat", node)


def report_key(node: str) -> str:
    """Stream of what happened on the node; the Foreman trims what it recorded."""
    return key("report", node)


def control_channel(node: str) -> str:
    """Pub/sub for wake-ups to the agent; its subscription also proves that the agent lives."""
    return key("control", node)


def orders_key(node: str) -> str:
    """What an operator wants of the node (slots), as a signed message."""
    return key("orders", node)


def commands_key(node: str) -> str:
    """List of what was called out to the node and not heard yet, signed for it."""
    return key("commands", node)


def answers_key(broadcast: str) -> str:
    """Stream of what nodes answered to one broadcast, each signed by its node."""
    return key("answers", broadcast)


def flight_key(node: str) -> str:
    """Hash of the bundles that were sent to the node and not yet recorded: the ledger."""
    return key("flight", node)


def cancel_key(stop_token: str) -> str:
    """Exists while agents must end whatever their slots run of this token."""
    return key("cancel", stop_token)


def tasks_key(digest: str) -> str:
    """What some release can run, as `list_tasks` writes it; slots renew it."""
    return key("tasks", digest)


def list_tasks(tasks: Iterable[str] | Mapping[str, Any]) -> str:
    """The names, or what is told of each by its name, as the text that `tasks_key` holds.

    Raises `ValueError` or `TypeError` for what is no JSON.
    """
    if isinstance(tasks, Mapping):
        return json.dumps(tasks, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return json.dumps(sorted(tasks))


def read_tasks(text: str | bytes) -> dict[str, Any]:
    """What a list tells of each task by its name: nothing, where there are only names.

    Raises `ValueError` for any other text: any node may have written it.
    """
    try:
        told = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if isinstance(told, list):
        told = {name: None for name in told if isinstance(name, str)}
    if not isinstance(told, dict):
        raise ValueError("it is no list of tasks")
    return told


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def digest_tasks(text: str | bytes) -> str:
    """What a list of tasks is called: equal lists, equal names."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:32]


def attempt_token(attempt: int) -> str:
    """The stop token of one attempt, for copies that lost their race."""
    return f"attempt.{attempt}"


def queue_key(node: str) -> str:
    """RQ's list of bundles for the node."""
    return f"rq:queue:{node}"


def pop_command(node: str, *, seconds: int | None = None) -> tuple[str | int, ...]:
    """Redis's command that pops the node's next bundle, waiting up to `seconds` for one.

    It is RQ's own, which loses nothing if the slot dies: there is one queue.
    """
    places = (queue_key(node), intermediate_key(node), "LEFT", "RIGHT")
    return ("LMOVE", *places) if seconds is None else ("BLMOVE", *places, seconds)


def intermediate_key(node: str) -> str:
    """RQ's list of bundles that a slot popped and has not finished."""
    return f"rq:queue:{node}:intermediate"


def bundle_key(bundle: str) -> str:
    """RQ's hash of one job, which is one bundle here."""
    return f"rq:job:{bundle}"


#: Digits of the number of a bundle's first attempt: as many as 2**24 terms of leaders need, so that
#: no pattern for the bundles of one node fits those of another.
BUNDLE_DIGITS = 14


def probe_id(node: str, nonce: str) -> str:
    """The id of a bundle that an agent sends itself; no id of the Foreman's looks like it."""
    return f"{node}-probe.{nonce}"


def is_probe(bundle: str) -> bool:
    """Whether a bundle is an agent's to itself: no attempt of anybody's."""
    return "-probe." in bundle


def proof_key(node: str) -> str:
    """What came of the node's probe, signed by its slot; gone after a minute."""
    return key("proof", node)


def client_name(node: str, incarnation: str) -> str:
    """The name of every Redis connection of one start of a Spore."""
    return f"hive-{node}-{incarnation}"
