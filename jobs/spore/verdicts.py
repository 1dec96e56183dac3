"""From what a task did to what is reported: results as JSON text, errors as facts."""

import traceback
from typing import Any

from hive_site.kernel.errors import Invalid
from jobs.json_text import encode
from jobs.outcomes import Fail, Retry, TaskCancelled, TaskTimeout
from jobs.spore.payloads import PayloadLost, Unfed
from jobs.wire import MAX_PARTIAL_BYTES, MAX_PARTIALS, MAX_RESULT_BYTES

TRACEBACK_CHARS = 20_000
MESSAGE_CHARS = 4_000


class ResultInvalid(Exception):
    """The task returned something that is not JSON."""


class ResultTooLarge(Exception):
    """The task returned more than a result may hold."""


def encode_result(value: Any) -> str:
    """The result as JSON text. Raises `ResultInvalid` or `ResultTooLarge`."""
    try:
        text = encode(value, field="result")
    except Invalid as error:
        raise ResultInvalid(f"a result {error}") from error
    size = len(text.encode())
    if size > MAX_RESULT_BYTES:
        raise ResultTooLarge(f"the result has {size} bytes; {MAX_RESULT_BYTES} are allowed")
    return text


class Parts:
    """The partial results of one attempt, numbered from 1."""

    def __init__(self, attempt: int) -> None:
        self._attempt, self._count = attempt, 0

    def encode(self, value: Any) -> dict[str, Any]:
        """The event of the next one. Raises `ResultInvalid` or `ResultTooLarge`."""
        try:
            text = encode(value, field="result")
        except Invalid as error:
            raise ResultInvalid(f"partial result {self._count + 1} {error}") from error
        size = len(text.encode())
        if size > MAX_PARTIAL_BYTES:
            rule = f"{MAX_PARTIAL_BYTES} are allowed"
            raise ResultTooLarge(f"partial result {self._count + 1} has {size} bytes; {rule}")
        if self._count >= MAX_PARTIALS:
            raise ResultTooLarge(f"an attempt may have {MAX_PARTIALS:,} partial results")
        self._count += 1
        return {"k": "part", "a": self._attempt, "n": self._count, "value": text}


#: What no further try would mend, and what it is called.
FINAL: dict[type[BaseException], str] = {
    ResultInvalid: "result_invalid",
    ResultTooLarge: "result_too_large",
    PayloadLost: "payload_lost",
    Fail: "Fail",
}


def describe(error: BaseException) -> dict[str, Any]:
    """The event fields for a task that raised: kind, error, and whether it may be tried again."""
    for kind, name in FINAL.items():
        if isinstance(error, kind):
            return {"k": "fail", "final": True, "e": _facts(name, error)}
    match error:
        case TaskTimeout():
            return {"k": "timeout", "e": _facts("timeout", error)}
        case TaskCancelled():
            return {"k": "cancelled", "e": _facts("cancelled", error)}
        case Unfed():
            return {"k": "unfed", "e": _facts("unfed", error)}
        case Retry():
            return {"k": "fail", "after": error.after, "e": _facts("Retry", error)}
    return {"k": "fail", "e": _facts(type(error).__qualname__, error)}


def _facts(kind: str, error: BaseException) -> dict[str, str]:
    try:
        message = str(error)
    except Exception as broken:  # noqa: BLE001 a task's exception may fail to print itself
        message = f"unprintable: {type(broken).__name__}"
    lines = traceback.format_exception(error, limit=50)
    return {
        "type": _clean(kind)[:200],
        "message": _clean(message)[:MESSAGE_CHARS],
        "traceback": _clean("".join(lines))[-TRACEBACK_CHARS:],
    }


def _clean(text: str) -> str:
    """Text that every database and every JSON reader takes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
