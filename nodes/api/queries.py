"""What any request may carry besides its body: how long to wait, and a key to repeat it safely."""

import hashlib
import re

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from hive_site.kernel.errors import Invalid

MAX_WAIT_SECONDS = 60.0
MAX_KEY_CHARS = 255
KEY_PATTERN = "^[ -~]+$"
WAIT = OpenApiParameter(
    "wait",
    {"type": "number", "minimum": 0, "maximum": MAX_WAIT_SECONDS},
    description="seconds to wait for its end",
)
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": KEY_PATTERN},
    OpenApiParameter.HEADER,
    description="the same key with the same body gets the same answer; with another body 422",
)


def read_wait(request: Request, *, default: float = 0.0) -> float:
    """`?wait=` in seconds, 60 at most. Raises `Invalid`."""
    text = request.query_params.get("wait", str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        rule = f"give seconds from 0 to {MAX_WAIT_SECONDS:.0f}"
        raise Invalid(f"{text!r}; {rule}", field="wait")
    return seconds


def read_key(request: Request) -> tuple[str, str] | None:
    """The Idempotency-Key of a request, and the SHA-256 of method, path and body it came with.

    None if there is no key. Raises `Invalid`.
    """
    text = read_key_text(request)
    return (text, fingerprint(request, request.body)) if text else None


def read_key_text(request: Request) -> str | None:
    """The Idempotency-Key of a request, if it has one. Raises `Invalid`."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if not 0 < len(text) <= MAX_KEY_CHARS or not re.fullmatch(KEY_PATTERN, text):
        rule = f"give 1 to {MAX_KEY_CHARS} printable characters of ASCII"
        raise Invalid(rule, field="Idempotency-Key")
    return text


def fingerprint(request: Request, body: bytes) -> str:
    """The SHA-256 of method, path and what was sent."""
    seen = f"{request.method} {request.path}\n".encode() + body
    return hashlib.sha256(seen).hexdigest()
