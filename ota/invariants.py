"""What must hold of updates: the chain of events, and that nothing of a rollout outlives it.

The numbers are those of the list of invariants in `docs/states.md`.
"""

from collections.abc import Iterator
from itertools import islice

from ota.chain import broken_links
from ota.domain.view import FINAL
from ota.models import Deployment
from ota.retention import unattested

#: More violations of one rule than this are not listed.
LISTED = 20


def check_updates() -> Iterator[tuple[str, str, str]]:
    """Violations: which rule, about what, and what was seen."""
    for event in islice(broken_links(), LISTED):
        detail = "its hash is not what it should be behind the event before"
        yield "I16", f"event {event.place} ({event})", detail
    if anchor := unattested():
        yield "I16", "the beginning of the chain", f"no event tells that {anchor} were forgotten"
    left = Deployment.objects.filter(open=True, rollout__state__in=FINAL)
    for row in left[:LISTED]:
        yield "I17", str(row), "still decided for by a rollout that is over"
