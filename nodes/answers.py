"""What nodes answer to what was called out to them.

Answers come signed, on a stream of each broadcast that lives for an hour. They are read, checked
and stored when somebody asks for them.
"""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import close_old_connections, connection
from redis import Redis

from hive_site.kernel.envelope import Forged, unseal
from hive_site.kernel.redis import RedisError
from nodes import inbox, wire
from nodes.credentials import load_keyring
from nodes.domain.states import NodeState
from nodes.models import Acknowledgement, Broadcast, Node

log = structlog.get_logger()
MAX_ANSWER_BYTES = 64 * 1024
#: Below what a blocking client waits for its socket.
LONGEST_BLOCK_SECONDS = 20.0
#: Nodes that are well answer within this; who waits longer gives the database connection back.
SOON_SECONDS = 0.25


def await_answers(broadcast: Broadcast, *, seconds: float) -> bool:
    """Gather answers until every node that is there has answered; False if some have not.

    With 0 seconds it takes what is there. While Redis is away nothing new is learnt.
    """
    begun, block, ears = time.monotonic(), SOON_SECONDS, _Ears(broadcast)
    end = begun + seconds
    if not ears.missing:
        return True
    try:
        with closing(inbox.open_ear()) as client:
            while True:
                left = end - time.monotonic()
                ears.take(ears.read(client, min(left, block)))
                if not ears.missing or left <= 0:
                    return not ears.missing
                if time.monotonic() - begun > SOON_SECONDS:
                    block = LONGEST_BLOCK_SECONDS
                    if not connection.in_atomic_block:
                        close_old_connections()
    except (RedisError, OSError) as error:
        log.warning("broadcast.answers_away", broadcast=broadcast.pk, error=str(error))
        return False


class _Ears:
    """Reads the answers to one broadcast, each once."""

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast, self._at = broadcast, "0"
        self._expected, self._keyring = set(broadcast.nodes), load_keyring()
        answered = set(broadcast.acknowledgements.values_list("node", flat=True))
        there = Node.objects.filter(name__in=self._expected).exclude(state=NodeState.LOST)
        #: Nodes that are there and have not answered.
        self.missing = set(there.values_list("name", flat=True)) - answered

    def read(self, client: Redis, seconds: float) -> Iterable[tuple[bytes, Mapping[bytes, bytes]]]:
        """The next answers; waits up to `seconds` for the first of them."""
        stream = wire.answers_key(self._broadcast.pk)
        found: Any = client.xread({stream: self._at}, block=max(int(seconds * 1000), 1))
        if isinstance(found, dict):  # as RESP3 has it
            return [entry for batches in found.values() for batch in batches for entry in batch]
        return [entry for _, entries in found or [] for entry in entries]

    def take(self, entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> None:
        """Store what is signed; the first answer of each node counts."""
        rows = []
        for entry, fields in entries:
            self._at = entry.decode()
            try:
                rows.append(self._row(int(self._at.partition("-")[0]), fields))
            except (Forged, ValueError, KeyError, TypeError, RecursionError) as error:
                log.warning("answer.refused", broadcast=self._broadcast.pk, reason=str(error))
        if rows:
            Acknowledgement.objects.bulk_create(rows, ignore_conflicts=True)
            self.missing -= {row.node for row in rows}

    def _row(self, at_ms: int, fields: Mapping[bytes, bytes]) -> Acknowledgement:
        node, envelope = fields[b"n"].decode(), fields[b"e"]
        if node not in self._expected or len(envelope) > MAX_ANSWER_BYTES:
            raise Forged(f"{len(envelope)} bytes of {node[:48]!r}, who was not asked for that")
        body = unseal(envelope, key=self._keyring.key_of(node), purpose=wire.PURPOSE_ANSWER)
        if body["v"] != wire.PROTOCOL or body["id"] != self._broadcast.pk:
            raise Forged("an answer to something else")
        # Raises for what no answer of ours could hold: NaN, half of a surrogate pair.
        json.dumps(body["data"], ensure_ascii=False, allow_nan=False).encode()
        return Acknowledgement(
            broadcast=self._broadcast,
            node=node,
            ok=bool(body["ok"]),
            at=datetime.fromtimestamp(at_ms / 1000, UTC),
            # ASCII, so that every database keeps it.
            data=json.dumps(dict(body["data"])),
        )


def broadcast_view(broadcast: Broadcast) -> dict[str, Any]:
    """A broadcast as the API shows it: each node that was called, with its answer or None."""
    answers = {row.node: row for row in broadcast.acknowledgements.all()}
    return {
        "id": broadcast.pk,
        "command": broadcast.command,
        "data": json.loads(broadcast.data),
        "submitted_by": broadcast.submitted_by,
        "created_at": _stamp(broadcast.created_at),
        "acknowledgements": {name: _answer_view(answers.get(name)) for name in broadcast.nodes},
    }


def _answer_view(row: Acknowledgement | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"ok": row.ok, "at": _stamp(row.at), "data": json.loads(row.data)}


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
