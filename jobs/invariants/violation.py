"""What a check found."""

from dataclasses import dataclass

#: More violations of one rule than this are not listed.
LISTED = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be: which rule, about what, and what was seen."""

    rule: str
    subject: str
    detail: str
