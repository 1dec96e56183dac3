"""The Nexus as this machine reaches it: there, itself, and with the same time."""

import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3

from hive_site.commands.checkups.addresses import is_here
from hive_site.commands.checkups.finding import Finding, bad, ok, warn

ASK_SECONDS = 3.0
#: A date has whole seconds.
SKEW_SECONDS = 2.0


def check_nexus(url: str, *, needed: bool, ca_file: str = "") -> Iterator[Finding]:
    """Everything about the Nexus at a URL; `needed` if this machine works only with one.

    The certificates in `ca_file` vouch for it, if one is named.
    """
    before = time.time()
    try:
        with urllib3.PoolManager(ca_certs=ca_file or None) as pool:
            answer = pool.request("GET", f"{url}/readyz", timeout=ASK_SECONDS, retries=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        yield check_silence(url, why(error), needed=needed, taken=is_taken(url))
        return
    yield check_answer(url, answer.status)
    if date := answer.headers.get("Date"):
        yield check_date(date, here=(before + time.time()) / 2)


def check_answer(url: str, status: int) -> Finding:
    """Whether what answers is a Nexus that is ready."""
    if status == HTTPStatus.OK:
        return ok("Nexus", f"ready at {url}")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return bad("Nexus", f"{url} answers, without its database", "look at its log")
    if status == HTTPStatus.BAD_REQUEST:
        name = urlsplit(url).hostname
        mend = f"add {name} to ALLOWED_HOSTS on the Nexus"
        return bad("Nexus", f"{url} refuses that name", mend)
    mend = "set HIVE_NEXUS_URL; if another program has the port: `hive up --port N`"
    return warn("Nexus", f"{url} answers {status}, so it is no Nexus", mend)


def check_silence(url: str, reason: str, *, needed: bool, taken: bool) -> Finding:
    """What it means that nothing answers."""
    if taken:
        mend = "look at its log; if another program has the port: `hive up --port N`"
        found = f"something answers at {url}, but not as a Nexus: {reason}"
        return bad("Nexus", found, mend) if needed else warn("Nexus", found, mend)
    if needed:
        mend = "start it there, mend the way to it, or set HIVE_NEXUS_URL to its address"
        return bad("Nexus", f"{url} does not answer: {reason}", mend)
    if is_here(urlsplit(url).hostname or ""):
        return ok("Nexus", f"not running; nobody has {url}")
    mend = "set HIVE_NEXUS_URL to its address, or mend the way to it"
    return warn("Nexus", f"{url} does not answer: {reason}", mend)


def check_date(date: str, *, here: float) -> Finding:
    """How far this machine's clock is from the Nexus's."""
    try:
        there = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return warn("Clock of the Nexus", f"it says {date[:40]!r}", "look at its proxy")
    # It was cut down to a whole second.
    skew = here - there - 0.5
    found = f"{skew:+.1f} s against the Nexus"
    if abs(skew) > SKEW_SECONDS:
        mend = "set the clocks with NTP: signatures and sessions expire by them"
        return warn("Clock of the Nexus", found, mend)
    return ok("Clock of the Nexus", found)


def is_taken(url: str) -> bool:
    """Whether anything listens there."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "127.0.0.1", port), timeout=2).close()
    except (OSError, ValueError):
        return False
    return True


def why(error: Exception) -> str:
    """The innermost reason, without the objects that urllib3 wraps around it."""
    reason = getattr(error, "reason", None) or error
    return str(reason).rpartition(">: ")[2][:200]
