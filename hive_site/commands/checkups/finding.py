"""What a checkup found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` says what to do; empty if all is well."""

    name: str
    verdict: Verdict
    found: str
    mend: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Verdict.OK, found)


def warn(name: str, found: str, mend: str) -> Finding:
    """It works, but not as it should."""
    return Finding(name, Verdict.WARN, found, mend)


def bad(name: str, found: str, mend: str) -> Finding:
    """It does not work, or work can be lost."""
    return Finding(name, Verdict.BAD, found, mend)
