"""From what a task did to what is reported: results as JSON text, errors as facts."""

import json
import traceback
from typing import Any

from hive_site.kernel.errors import Invalid
from jobs.json_text import encode
from jobs.outcomes import Fail, Retry, TaskCancelled, TaskTimeout
from jobs.packing import MARK, holds_packed
from jobs.spore.payloads import PayloadLost, Unfed
from jobs.wire import MAX_PARTIAL_BYTES, MAX_PARTIALS, MAX_RESULT_BYTES

TRACEBACK_CHARS = 20_000
MESSAGE_CHARS = 4_000


class ResultInvalid(Exception):
    """The task returned something that is not JSON."""


class ResultTooLarge(Exception):
    """The task returned more than a result may hold."""


def encode_result(value: Any, *, packed: bool = False) -> str:
    """The result as JSON text. Raises `ResultInvalid` or `ResultTooLarge`.

    Only what was `packed` here may look like a Python object: other tasks unpack results.
    """
    return _encode(value, name="a result", limit=MAX_RESULT_BYTES, packed=packed)


class Parts:
    """The partial results of one attempt, numbered from 1."""

    def __init__(self, attempt: int, *, packed: bool = False) -> None:
        self._attempt, self._count, self._packed = attempt, 0, packed

    def encode(self, value: Any) -> dict[str, Any]:
        """The event of the next one. Raises `ResultInvalid` or `ResultTooLarge`."""
        name = f"partial result {self._count + 1}"
        text = _encode(value, name=name, limit=MAX_PARTIAL_BYTES, packed=self._packed)
        if self._count >= MAX_PARTIALS:
            raise ResultTooLarge(f"an attempt may have {MAX_PARTIALS:,} partial results")
        self._count += 1
        return {"k": "part", "a": self._attempt, "n": self._count, "value": text}


def _encode(value: Any, *, name: str, limit: int, packed: bool) -> str:
    try:
        text = encode(value, field="result")
    except Invalid as error:
        raise ResultInvalid(f"{name} {error}") from error
    size = len(text.encode())
    if size > limit:
        raise ResultTooLarge(f"{name} has {size} bytes; {limit} are allowed")
    # What came from outside would run in whatever task with codec="pickle" is given it.
    if not packed and f'"{MARK}"' in text and holds_packed(json.loads(text)):
        rule = 'which only a task with codec="pickle" may give; leave it out, or name it otherwise'
        raise ResultInvalid(f'{name} holds {{"{MARK}": …}}, {rule}')
    return text


#: What no further try would mend, and what it is called.
FINAL: dict[type[BaseException], str] = {
    ResultInvalid: "result_invalid",
    ResultTooLarge: "result_too_large",
    PayloadLost: "payload_lost",
    Fail: "Fail",
}


def describe(error: BaseException) -> dict[str, Any]:
    """The event fields for a task that raised: kind, error, and whether it may be tried again."""
    try:
        return _describe(error)
    except BaseException as broken:  # noqa: BLE001 a task's exceptions may be anything
        message = f"an exception that cannot be described: {type(broken).__name__}"
        return {"k": "fail", "e": {"type": "Exception", "message": message, "traceback": ""}}


def _describe(error: BaseException) -> dict[str, Any]:
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
            return {"k": "fail", "after": _seconds(error), "e": _facts("Retry", error)}
    return {"k": "fail", "e": _facts(type(error).__qualname__, error)}


def _seconds(error: Retry) -> float | None:
    """When it wants to be tried again; None, as the task says, if that is no number."""
    try:
        return None if error.after is None else float(error.after)
    except Exception:  # noqa: BLE001 whoever sets it afterwards may set anything
        return None


def _facts(kind: str, error: BaseException) -> dict[str, str]:
    return {
        "type": _clean(kind)[:200],
        "message": _clean(_message(error))[:MESSAGE_CHARS],
        "traceback": _clean(_story(kind, error))[-TRACEBACK_CHARS:],
    }


def _story(kind: str, error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error, limit=50))
    except Exception as broken:  # noqa: BLE001 its notes, its cause, its very fields
        where = "".join(traceback.format_tb(error.__traceback__, limit=50))
        return f"{where}{kind}: not all of it can be printed: {type(broken).__name__}"


def _message(error: BaseException) -> str:
    try:
        return f"{error!s}"
    except Exception as broken:  # noqa: BLE001 a task's exception may fail to print itself
        return f"unprintable: {type(broken).__name__}"


def _clean(text: str) -> str:
    """Text that every database and every JSON reader takes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
