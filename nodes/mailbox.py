"""What reaches the Foreman: wake-ups and the nodes' reports, in one blocking read."""

from typing import Any

import structlog
from redis import Redis

from hive_site.kernel.envelope import Forged, node_key, unseal
from nodes import wire
from nodes.models import ReportCursor
from nodes.ports import Mail, Report, Wakeup

log = structlog.get_logger()
#: Entries read of one stream at once. One entry holds a bundle's events, so this bounds a batch.
BATCH = 64


class Mailbox:
    """Reads every stream from its cursor; verifies reports before anybody looks inside."""

    def __init__(self, client: Redis, *, fleet_key: str) -> None:
        self._client = client
        self._fleet_key = fleet_key
        self._keys: dict[str, bytes] = {}
        self._cursors: dict[str, str] = {}
        self._inbox = "$"
        self.refused = 0

    def open(self, nodes: list[str]) -> None:
        """Read from where the database says that recording got to."""
        tail = self._client.xrevrange(wire.INBOX, count=1)
        # Older hints are moot: a new leader reads the database anyway.
        self._inbox = tail[0][0].decode() if tail else "0"
        known = dict(ReportCursor.objects.values_list("node", "entry"))
        self._cursors = {node: known.get(node, "0") for node in nodes}

    def rewind(self) -> None:
        """Redis lost its memory: its streams begin anew, perhaps with a clock that is behind."""
        ReportCursor.objects.all().delete()
        self._cursors = dict.fromkeys(self._cursors, "0")
        self._inbox = "0"

    def follow(self, node: str) -> None:
        """Read this node's reports too."""
        if node not in self._cursors:
            row = ReportCursor.objects.filter(pk=node).values_list("entry", flat=True).first()
            self._cursors[node] = row or "0"

    def wait(self, seconds: float) -> Mail:
        """What came in; waits up to `seconds` for the first of it."""
        streams = {wire.INBOX: self._inbox}
        streams |= {wire.report_key(node): at for node, at in self._cursors.items()}
        block = max(int(seconds * 1000), 1)
        return self._sort(self._client.xread(streams, count=BATCH, block=block))

    def drain(self, node: str) -> Mail:
        """Everything that one node still has unread."""
        stream = wire.report_key(node)
        self.follow(node)
        return self._sort(self._client.xread({stream: self._cursors[node]}))

    def _sort(self, answer: Any) -> Mail:
        mail = Mail()
        pairs = answer.items() if isinstance(answer, dict) else answer or []
        for stream, entries in pairs:
            rows = entries[0] if isinstance(answer, dict) else entries
            if stream == wire.INBOX.encode():
                self._take_wakeups(rows, mail)
            else:
                self._take_reports(stream.decode().rpartition(":")[2], rows, mail)
        return mail

    def _take_wakeups(self, entries: list[Any], mail: Mail) -> None:
        for entry, fields in entries:
            self._inbox = entry.decode()
            words = (fields.get(name, b"") for name in (b"what", b"subject"))
            # Hints are not signed: anybody who reaches Redis may write anything here.
            mail.wakeups.append(Wakeup(*(word.decode(errors="replace") for word in words)))

    def _take_reports(self, node: str, entries: list[Any], mail: Mail) -> None:
        for entry, fields in entries:
            at = entry.decode()
            self._cursors[node] = mail.cursors[node] = at
            try:
                body = self.verify(node, wire.whole("e", fields), wire.PURPOSE_REPORT)
                mail.reports.append(Report(node, str(body["incarnation"]), at, body))
            except (Forged, KeyError, TypeError) as error:
                self.refused += 1
                log.warning("report.refused", node=node, entry=at, reason=str(error))

    def verify(self, node: str, envelope: bytes, purpose: str) -> Any:
        """The message inside. Raises `Forged` unless this node sealed it, in our protocol."""
        if node not in self._keys:
            self._keys[node] = node_key(self._fleet_key, node)
        body = unseal(envelope, key=self._keys[node], purpose=purpose)
        if not isinstance(body, dict) or body.get("v") != wire.PROTOCOL:
            raise Forged(f"a {purpose} of another protocol version")
        return body
