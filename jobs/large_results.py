"""Results that are too large for a row, on their way into the database."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import structlog
from django.conf import settings

from jobs import blobs
from jobs.domain.batch import Ending, error_text
from jobs.domain.references import is_over, is_reference
from jobs.domain.states import Outcome

log = structlog.get_logger()
LOST = {"type": "result_lost", "message": "its node stored no such result here", "traceback": ""}


def store_large(endings: list[Ending]) -> list[Ending]:
    """The endings, with references to results that came as text because the Nexus was away."""
    limit = settings.HIVE.inline_bytes
    if not any(ending.result and is_over(ending.result, limit) for ending in endings):
        return endings
    try:
        texts = blobs.keep(ending.result or "" for ending in endings)
    except OSError as error:
        # Better a long row than no result.
        log.warning("result.kept_in_its_row", error=str(error))
        return endings
    return [
        replace(ending, result=text) if text != (ending.result or "") else ending
        for ending, text in zip(endings, texts, strict=True)
    ]


def refuse_lost(endings: Iterable[Ending], now: datetime) -> list[Ending]:
    """The endings; successes whose result is nowhere are failures. In the recording transaction."""
    found = list(endings)
    named = {ending.result for ending in found if ending.result and is_reference(ending.result)}
    lost = blobs.claim(named, now) if named else set()
    if not lost:
        return found
    error = error_text(LOST)
    return [
        replace(ending, outcome=Outcome.FAILED, result=None, error=error)
        if ending.result in lost
        else ending
        for ending in found
    ]
