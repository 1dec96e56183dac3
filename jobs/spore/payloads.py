"""Large values on a node: fetched from the Nexus before a task needs them, left there after.

While the Nexus is away, results go into the report as text, so that nothing waits for it.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
import urllib3
from urllib3.exceptions import HTTPError

from hive_site.kernel.signed_requests import authorization
from hive_site.kernel.tls import trusting
from jobs.domain.references import Large, Reference, is_over, resolve
from jobs.spore.node_cache import NodeCache
from nodes.spore.identity import Identity

log = structlog.get_logger()
PATH = "/api/v1/blobs/{}/"
#: How long a fetch is tried before the subtask is handed to another node.
PATIENCE_SECONDS = 30.0
REST_SECONDS = 0.5
#: Whoever could not leave a result does not try again for so long.
AWAY_SECONDS = 5.0
CONNECT_SECONDS, READ_SECONDS = 3.0, 15.0
#: How long a result may take on its way to the Nexus.
DELIVERY_SECONDS = 20.0
OK, NO_CONTENT, NOT_FOUND, GONE = 200, 204, 404, 410


class Unfed(Exception):
    """The Nexus did not give what the task should work on."""


class PayloadLost(Exception):
    """The Nexus has no such value any more."""


@dataclass(frozen=True, slots=True)
class PayloadOptions:
    """Where large values are fetched, and where this node keeps what it fetched."""

    nexus_url: str = ""
    folder: Path = Path()
    cache_bytes: int = 0
    inline_bytes: int = 64 * 1024
    ca_file: str = ""


class Payloads:
    """One slot's way to large values. `clock` gives Unix seconds on Redis's clock."""

    def __init__(
        self, payload_options: PayloadOptions, identity: Identity, clock: Callable[[], float]
    ) -> None:
        self._options, self._identity, self._clock = payload_options, identity, clock
        self._cache = NodeCache(payload_options.folder, payload_options.cache_bytes)
        self._away_until = 0.0
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=timeout,
            # Costs a megabyte for what the system trusts: only where others count as well.
            ssl_context=trusting(payload_options.ca_file) if payload_options.ca_file else None,
        )
        self._base = payload_options.nexus_url.rstrip("/")

    def open(self, value: Any) -> Any:
        """The value itself. Raises `Unfed` or `PayloadLost` for one that cannot be had."""
        if not isinstance(value, Large):
            return value
        return json.loads(resolve(value.text, self._fetch))

    def is_large(self, text: str) -> bool:
        """Whether a result should be left at the Nexus."""
        return is_over(text, self._options.inline_bytes)

    def leave(self, text: str) -> str:
        """A reference to the result, which is stored; its text if the Nexus does not take it."""
        if not self._base or time.monotonic() < self._away_until:
            return text
        data = text.encode()
        reference = Reference(hashlib.sha256(data).hexdigest(), len(data))
        try:
            answer = self._ask("PUT", reference.sha256, body=data)
        except HTTPError as error:
            reason = str(error)
        else:
            if answer.status == NO_CONTENT:
                return str(reference)
            reason = _reason(answer)
        log.warning("result.sent_as_text", bytes=len(data), reason=reason)
        self._away_until = time.monotonic() + AWAY_SECONDS
        return text

    def _fetch(self, reference: Reference) -> str:
        data = self._cache.get(reference.sha256)
        if data is None:
            data = self._download(reference)
            self._cache.put(reference.sha256, data)
        return data.decode()

    def _download(self, reference: Reference) -> bytes:
        """The bytes, whole. Tries again while the Nexus is away, for a while."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._ask("GET", reference.sha256)
            except HTTPError as error:
                reason = str(error)
            else:
                if answer.status == OK and _is_whole(answer.data, reference):
                    return bytes(answer.data)
                if answer.status in (NOT_FOUND, GONE):
                    raise PayloadLost(f"the Nexus has no value {reference.sha256} any more")
                reason = _reason(answer) if answer.status != OK else "other bytes than were asked"
            if time.monotonic() >= give_up_at:
                place = self._base or "nowhere: HIVE_NEXUS_URL is not set"
                raise Unfed(f"what it should work on cannot be fetched from {place}: {reason}")
            time.sleep(REST_SECONDS)

    def _ask(self, method: str, sha256: str, body: bytes | None = None) -> urllib3.BaseHTTPResponse:
        if not self._base:
            raise HTTPError("no address of the Nexus is known")
        me, path = self._identity, PATH.format(sha256)
        signed = authorization(
            node=me.name, key=me.key, method=method, path=path, now=self._clock()
        )
        headers = {"Authorization": signed, "Content-Type": "application/json"}
        # What a proxy in front of it is told to strip is no part of what is signed.
        return self._pool.request(method, self._base + path, body=body, headers=headers)


def _is_whole(data: bytes, reference: Reference) -> bool:
    return hashlib.sha256(data).hexdigest() == reference.sha256


def _reason(answer: urllib3.BaseHTTPResponse) -> str:
    """What the Nexus says is wrong, in a line."""
    try:
        detail = json.loads(answer.data)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = urlsplit(answer.geturl() or "").netloc
    return f"{answer.status} {detail}"[:300]
