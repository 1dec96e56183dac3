"""The body of a node's report: every field checked, nothing trusted to be there."""

from collections.abc import Callable
from typing import Any

from ota.domain.states import Phase

MAX_TEXT, MAX_ROWS, MAX_NUMBER = 500, 1000, 2**53
ATTEMPTS = ("staging", "staged", "activating", "healthy", "failed", "rolled_back", "deferred")


class BadReport(ValueError):
    """No report: which field is wrong, and what it should be."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(rule)
        self.field = field


Check = Callable[[str, Any], Any]


def read_report(body: dict[str, Any]) -> dict[str, Any]:
    """The report, with every field that there is. Raises `BadReport`."""
    report: dict[str, Any] = _record(REPORT, required=("rev", "phase", "active"))("", body)
    return report


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadReport(field, "give a text")
    # What no database or terminal takes is not worth refusing a report for.
    return value[:MAX_TEXT].replace("\0", "").encode("utf-8", "replace").decode()


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > MAX_NUMBER:
        raise BadReport(field, "give a number")
    return value


def _whole(field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_NUMBER:
        raise BadReport(field, "give a whole number from 0")
    return value


def _share(field: str, value: Any) -> float:
    number = _number(field, value)
    if not 0 <= number <= 1:
        raise BadReport(field, "give a number from 0 to 1")
    return number


def _one_of(*words: str) -> Check:
    def check(field: str, value: Any) -> str:
        if value not in words:
            raise BadReport(field, f"give one of {', '.join(words)}")
        return str(value)

    return check


def _maybe(inner: Check) -> Check:
    return lambda field, value: None if value is None else inner(field, value)


def _list(field: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        raise BadReport(field, f"give a list of texts, {MAX_ROWS} at most")
    return [_text(field, one) for one in value]


def _floors(field: str, value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or len(value) > MAX_ROWS:
        raise BadReport(field, "give an object of whole numbers")
    return {_text(field, name): _whole(field, number) for name, number in value.items()}


def _record(fields: dict[str, tuple[Check, Any]], required: tuple[str, ...] = ()) -> Check:
    """An object with these fields, each with its check and what it is where it is missing."""

    def check(field: str, value: Any) -> dict[str, Any]:
        path = f"{field}." if field else ""
        if not isinstance(value, dict):
            raise BadReport(field, "give an object")
        for name in value:
            if name not in fields:
                raise BadReport(f"{path}{name}"[:MAX_TEXT], "is no field of a report")
        for name in required:
            if name not in value:
                raise BadReport(f"{path}{name}", "is missing")
        return {
            name: inner(f"{path}{name}", value[name]) if name in value else default
            for name, (inner, default) in fields.items()
        }

    return check


NUMBER_OF_SCHEMA = 1
SLOT = _record({"sha256": (_text, ""), "version": (_text, "")}, required=("sha256",))
ATTEMPT = _record(
    {
        "sha256": (_text, ""),
        "state": (_one_of(*ATTEMPTS), ""),
        "step": (_text, ""),
        "fraction": (_share, 0.0),
        "code": (_text, ""),
        "reason": (_text, ""),
    },
    required=("sha256", "state"),
)


def _schema(field: str, value: Any) -> int:
    if type(value) is not int or value != NUMBER_OF_SCHEMA:
        raise BadReport(field, f"this Nexus reads schema {NUMBER_OF_SCHEMA}")
    return NUMBER_OF_SCHEMA


REPORT: dict[str, tuple[Check, Any]] = {
    "schema": (_schema, NUMBER_OF_SCHEMA),
    "rev": (_whole, 0),
    "phase": (_one_of(*Phase), ""),
    "active": (SLOT, None),
    "previous": (_maybe(SLOT), None),
    "staged": (_maybe(SLOT), None),
    "attempt": (_maybe(ATTEMPT), None),
    "quarantine": (_list, []),
    "channels": (_maybe(_list), None),
    "floor": (_floors, {}),
    "python": (_text, ""),
    "arch": (_text, ""),
    "free_mb": (_number, 0),
    "launcher": (_text, ""),
    "trust": (
        _record({"root": (_whole, 0), "expires": (_number, 0)}),
        {},
    ),
}
