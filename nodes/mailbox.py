"""What reaches the Foreman: wake-ups and the nodes' reports, in one blocking read."""

from typing import Any

import structlog
from redis import Redis

from hive_site.kernel import messages
from hive_site.kernel.envelope import Forged, unseal
from hive_site.kernel.redis import Direct, pairs
from nodes import wire
from nodes.keyring import Keyring
from nodes.models import ReportCursor
from nodes.ports import Mail, Report, Wakeup

log = structlog.get_logger()
#: Entries read of one stream at once. One entry holds a bundle's events, so this bounds a batch.
BATCH = 64


class Mailbox:
    """Reads every stream from its cursor; verifies reports before anybody looks inside."""

    def __init__(self, client: Redis, *, keyring: Keyring) -> None:
        self._client, self._direct = client, Direct(client)
        self._keyring = keyring
        #: Where to read on, by stream; there may be a thousand, so this is put together once.
        self._streams: dict[str, str] = {wire.INBOX: "$"}
        #: Streams that somebody closed for good with an entry out of time.
        self._spoilt: set[str] = set()
        self.refused = 0

    def open(self, nodes: list[str]) -> None:
        """Read from where the database says that recording got to."""
        tail = self._client.xrevrange(wire.INBOX, count=1)
        at = tail[0][0].decode() if tail else "0"
        self._spoilt = {wire.INBOX} if wire.is_out_of_time(at) else set()
        # Older hints are moot: a new leader reads the database anyway.
        known = dict(ReportCursor.objects.values_list("node", "entry"))
        self._streams = {wire.INBOX: at}
        self._streams |= {wire.report_key(node): known.get(node, "0") for node in nodes}

    def rewind(self) -> None:
        """Redis lost its memory: its streams begin anew, perhaps with a clock that is behind."""
        ReportCursor.objects.all().delete()
        self._streams = dict.fromkeys(self._streams, "0")

    def follow(self, node: str) -> None:
        """Read this node's reports too."""
        stream = wire.report_key(node)
        if stream not in self._streams:
            row = ReportCursor.objects.filter(pk=node).values_list("entry", flat=True).first()
            self._streams[stream] = row or "0"

    def wait(self, seconds: float) -> Mail:
        """What came in; waits up to `seconds` for the first of it."""
        return self.read(self.listen(seconds))

    def listen(self, seconds: float) -> Any:
        """The same, to be `read` once."""
        self._drop_spoilt()
        block = max(int(seconds * 1000), 1)
        streams = self._streams
        ask = ("XREAD", "COUNT", BATCH, "BLOCK", block, "STREAMS", *streams, *streams.values())
        return self._direct.ask(ask)[0]

    def _drop_spoilt(self) -> None:
        for stream in list(self._spoilt):
            self._client.delete(stream)
            if stream == wire.INBOX:
                self._streams[stream] = "0"
            log.warning("stream.dropped", stream=stream, reason="an entry out of time")
            self._spoilt.discard(stream)

    def drain(self, node: str) -> Mail:
        """Everything that one node still has unread."""
        stream = wire.report_key(node)
        self.follow(node)
        return self.read(self._direct.ask(("XREAD", "STREAMS", stream, self._streams[stream]))[0])

    def read(self, answer: Any) -> Mail:
        """What was listened to; nobody hears it a second time."""
        mail = Mail()
        for stream, entries in answer.items() if isinstance(answer, dict) else answer or ():
            rows = self._in_time(stream.decode(), entries)
            if stream == wire.INBOX.encode():
                self._take_wakeups(rows, mail)
            else:
                self._take_reports(stream.decode().rpartition(":")[2], rows, mail)
        return mail

    def _in_time(self, stream: str, entries: Any) -> list[Any]:
        found = [(entry, dict(pairs(fields))) for entry, fields in entries]
        kept = [each for each in found if not wire.is_out_of_time(each[0].decode())]
        if len(kept) < len(found):
            self._spoilt.add(stream)
            self.refused += len(found) - len(kept)
        return kept

    def _take_wakeups(self, entries: list[Any], mail: Mail) -> None:
        for entry, fields in entries:
            self._streams[wire.INBOX] = entry.decode()
            words = (fields.get(name, b"") for name in (b"what", b"subject"))
            # Hints are not signed: anybody who reaches Redis may write anything here.
            mail.wakeups.append(Wakeup(*(word.decode(errors="replace") for word in words)))

    def _take_reports(self, node: str, entries: list[Any], mail: Mail) -> None:
        if entries:
            at = entries[-1][0].decode()
            self._streams[wire.report_key(node)] = mail.cursors[node] = at
        for entry, fields in entries:
            at = entry.decode()
            try:
                body = self.verify(node, wire.whole("e", fields), wire.PURPOSE_REPORT)
                mail.reports.append(Report(node, _incarnation(body), at, body))
            except (Forged, KeyError, TypeError) as error:
                self.refused += 1
                log.warning("report.refused", node=node, entry=at, reason=str(error))

    def verify(self, node: str, envelope: bytes, purpose: str) -> Any:
        """The message inside. Raises `Forged` unless this node sealed it, in our protocol."""
        key = self._keyring.key_of(node)
        body = unseal(envelope, key=key, purpose=purpose, loads=messages.loads)
        if not isinstance(body, dict) or body.get("v") != wire.PROTOCOL:
            raise Forged(f"a {purpose} of another protocol version")
        return body


def _incarnation(body: dict[str, Any]) -> str:
    name = body["incarnation"]
    if not isinstance(name, str):
        raise TypeError("an incarnation that is no text")
    return name
