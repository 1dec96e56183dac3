"""Sends one webhook: one POST, to an address that was checked, and no further.

The host is resolved once, every address must be public, and the connection goes to exactly one of
those, so that a second answer of the name server changes nothing. Redirects are not followed, no
proxy is used, and of the answer only the head is read.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook
from urllib3.exceptions import HTTPError

from jobs.outcomes import Fail
from jobs.web.connecting import Limits, connect, cut
from jobs.web.retry_after import read_retry_after
from jobs.webhooks.address import read_url

LIMITS = Limits(connect_seconds=5.0, total_seconds=15.0)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent. `tries` counts this try."""

    id: str
    url: str
    host: str
    body: str
    tries: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one try. `refused`: the address may not be talked to, now or later."""

    parcel: Parcel
    status: int | None = None
    error: str = ""
    retry_after: float | None = None
    refused: bool = False


def send(parcel: Parcel, *, secret: str, allow_private: bool, limits: Limits = LIMITS) -> Receipt:
    """Send it, in bounded time. Never raises for what the receiver or the network does."""
    try:
        answer = _post(parcel, secret=secret, allow_private=allow_private, limits=limits)
    except Fail as error:
        return Receipt(parcel, error=str(error), refused=True)
    except (OSError, HTTPError) as error:
        return Receipt(parcel, error=f"{type(error).__name__}: {error}")
    status = int(answer.status)
    after = read_retry_after(answer.headers.get("Retry-After"), now=datetime.now(UTC))
    error = "redirects are not followed; give the final address" if 300 <= status < 400 else ""
    return Receipt(parcel, status, error, after)


def _post(parcel: Parcel, *, secret: str, allow_private: bool, limits: Limits) -> Any:
    end = time.monotonic() + limits.total_seconds
    parts = read_url(parcel.url)
    if parts is None:
        raise Fail(f"{parcel.url!r} is no address of the web")
    line = connect(parts, allow_private=allow_private, limits=limits, end=end)
    with closing(line):
        if time.monotonic() >= end:
            # Connecting took so long that nothing is left for the conversation.
            raise TimeoutError(f"{parcel.host} took too long")
        with cut(line.sock, at=end, url=parcel.host):
            headers = {**sign(parcel, secret=secret, at=datetime.now(UTC)), "Host": parts.netloc}
            body = parcel.body.encode()
            line.request(
                "POST", parts.request_uri, body=body, headers=headers, preload_content=False
            )
            return line.getresponse()


def sign(parcel: Parcel, *, secret: str, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks (https://www.standardwebhooks.com), and our own."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "TheHive/0.1 (webhook)",
        "Connection": "close",
        "webhook-id": parcel.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(parcel.id, at, parcel.body),
    }
