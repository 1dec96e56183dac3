"""How a machine asks to be let in: over HTTP, once, with the token of an invitation.

Whom to trust may come with the token, as the SHA-256 of the authorities' certificates: these are
fetched from whoever answers, and count only if they are the ones that were meant. Everything
secret travels after that, over a connection that they vouch for.
"""

import hashlib
import hmac
import json
import ssl
import warnings
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from hive_site.kernel.errors import Conflict, Gone, HiveError, Invalid, Unavailable
from hive_site.kernel.tls import trusting

PATH, CA_PATH = "/api/v1/nodes/join/", "/api/v1/nodes/join/ca/"
SCHEME = "Join"
SECONDS = urllib3.Timeout(connect=5.0, read=20.0)
MAX_ANSWER_BYTES, MAX_CA_BYTES = 4 * 2**20, 256 * 1024
OK = 200
#: What an answer means; anything else passes.
FACTS: dict[int, type[HiveError]] = {
    400: Invalid,
    401: Conflict,
    403: Conflict,
    409: Conflict,
    410: Gone,
}


def fetch_authorities(nexus: str, sha256: str) -> str:
    """The certificates of that SHA-256, in PEM, which vouch for the Nexus. Raises `HiveError`."""
    # Whoever answers is not known yet, and learns nothing: what comes back must have this hash.
    unknown = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unknown.check_hostname, unknown.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        status, data = _ask(nexus, "GET", CA_PATH, context=unknown, at_most=MAX_CA_BYTES)
    if status != OK:
        raise Conflict(f"{nexus} names no authority ({status}); leave --ca-sha256 out")
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), sha256.lower()):
        rule = "somebody may sit between, or its certificates were changed: ask for a new line"
        raise Conflict(f"{nexus} shows other authorities than --ca-sha256 names; {rule}")
    return data.decode()


def ask_to_join(nexus: str, token: str, body: dict[str, Any], *, ca_file: str) -> dict[str, Any]:
    """What the Nexus gives a machine that it lets in. Raises `HiveError` with its reason."""
    status, data = _ask(
        nexus,
        "POST",
        PATH,
        context=trusting(ca_file) if nexus.startswith("https") else None,
        at_most=MAX_ANSWER_BYTES,
        body=json.dumps(body).encode(),
        headers={"Authorization": f"{SCHEME} {token}", "Content-Type": "application/json"},
    )
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if status != OK:
        detail = found.get("detail") if isinstance(found, dict) else ""
        reason = str(detail or f"{nexus} answered {status}; is a Nexus there?")[:500]
        raise FACTS.get(status, Unavailable)(reason)
    if not isinstance(found, dict):
        raise Unavailable(f"{nexus} answered something else than a Nexus does")
    return found


def _ask(
    nexus: str,
    method: str,
    path: str,
    *,
    context: ssl.SSLContext | None,
    at_most: int,
    **request: Any,
) -> tuple[int, bytes]:
    with urllib3.PoolManager(retries=False, timeout=SECONDS, ssl_context=context) as pool:
        try:
            answer = pool.request(
                method, f"{nexus}{path}", preload_content=False, redirect=False, **request
            )
            data = answer.read(at_most + 1)
            answer.release_conn()
        except (HTTPError, OSError) as error:
            raise Unavailable(f"no Nexus at {nexus}: {_why(error)}") from error
    if len(data) > at_most:
        raise Unavailable(f"{nexus} answered more than {at_most} bytes")
    return answer.status, data


def _why(error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        way = "give the whole line that `hive invite` prints, with --ca-sha256, or set HIVE_CA_FILE"
        return f"its certificate is not one that this machine trusts; {way} ({text[:200]})"
    return text[:300]
