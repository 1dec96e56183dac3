"""Connects to exactly the addresses that were checked, and hangs up when the time is over."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from jobs.web.addresses import resolve


@dataclass(frozen=True, slots=True)
class Limits:
    """What fetching one page may cost. The total covers its redirects too."""

    max_bytes: int = 5 * 2**20
    redirects: int = 3
    addresses: int = 3
    connect_seconds: float = 5.0
    total_seconds: float = 30.0


LIMITS = Limits()


def connect(parts: Any, *, allow_private: bool, limits: Limits, end: float) -> Any:
    """An open connection to the first address of a URL's host that answers.

    No address is tried after `end`, a time of `time.monotonic`. Raises `Fail` for a host that is
    not public, `OSError` or urllib3's errors for what may pass.
    """
    from urllib3.exceptions import HTTPError

    secure = parts.scheme == "https"
    host, port = parts.host.strip("[]"), parts.port or (443 if secure else 80)
    failure: Exception = OSError(f"{host} has no address")
    for address in resolve(host, port=port, allow_private=allow_private)[: limits.addresses]:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{host} took too long")
        seconds = min(limits.connect_seconds, left)
        line = _line(address, port, name=host if secure else None, seconds=seconds)
        try:
            line.connect()
        except (OSError, HTTPError) as error:
            line.close()
            failure = error
        else:
            line.sock.settimeout(limits.total_seconds)
            return line
    raise failure


def _line(address: str, port: int, *, name: str | None, seconds: float) -> Any:
    """A connection, not yet open; with TLS for `name`, which the certificate must bear."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    if name is None:
        return HTTPConnection(address, port, timeout=seconds)
    return HTTPSConnection(address, port, timeout=seconds, server_hostname=name)


@contextmanager
def cut(sock: socket.socket, *, at: float, url: str) -> Iterator[None]:
    """End a conversation when its time is over, however slowly it trickles: `TimeoutError`."""
    over = threading.Event()

    def shut() -> None:
        over.set()
        with suppress(OSError):
            # Not SSLSocket's own shutdown, which may not be called beside a read.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(max(at - time.monotonic(), 0), shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        # The socket's own patience may end before a timer on a busy machine wakes.
        if over.is_set() or time.monotonic() >= at:
            raise TimeoutError(f"{url} took too long") from error
        raise
    finally:
        timer.cancel()
    if over.is_set():  # a body without a length ends quietly when it is cut
        raise TimeoutError(f"{url} took too long")
