"""Errors of ours, told to Sentry: what broke, where, in which process. Never what people sent.

What a task raises is an answer like another and is not told; an outage that passes is a warning.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import sentry_sdk
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from hive_site.kernel.last_words import at_last
from hive_site.kernel.redaction import HIDDEN, is_secret, redact
from hive_site.kernel.subject import subject
from hive_site.logs import Event, tidy

#: Sites have more to say: which view, which address.
SITES = ("nexus", "foreman")
LAST_WORDS_SECONDS = 2.0
MOST_DEPTH = 12
#: Of a request: what says where it broke. The rest is the caller's.
OF_REQUESTS = ("method", "url")


def start_sentry(process: str, *, dsn: str, release: str, node: str = "") -> None:
    """Tell Sentry what breaks in this process from now on."""
    sentry_sdk.init(
        dsn=dsn,
        release=f"the-hive@{release}",
        server_name=node or None,
        send_default_pii=False,
        max_request_body_size="never",
        # What variables hold is what people sent.
        include_local_variables=False,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=_integrations(process),
        before_send=scrub,
        before_breadcrumb=lambda crumb, hint: _scrub(crumb),
        shutdown_timeout=LAST_WORDS_SECONDS,
    )
    at_last(partial(sentry_sdk.flush, LAST_WORDS_SECONDS))
    sentry_sdk.set_tags({"process": process} | ({"node": node} if node else {}))


def _integrations(process: str) -> list[Integration]:
    found: list[Integration] = [
        AtexitIntegration(callback=lambda pending, timeout: None),
        DedupeIntegration(),
        ExcepthookIntegration(),
        LoggingIntegration(level=logging.INFO, event_level=logging.ERROR),
        ThreadingIntegration(propagate_scope=True),
    ]
    if process in SITES:
        from sentry_sdk.integrations.django import DjangoIntegration

        found.append(DjangoIntegration(middleware_spans=False, cache_spans=False))
    return found


def scrub(event: dict[str, Any], hint: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its own name, and without what is nobody's business."""
    record = hint.get("log_record")
    if record is not None and isinstance(record.msg, Event):
        _name(event, record.msg)
    for field in ("user", "modules"):
        event.pop(field, None)
    request = event.get("request")
    if isinstance(request, dict):
        event["request"] = {name: request[name] for name in OF_REQUESTS if name in request}
    event["extra"] = {**event.get("extra", {}), **subject()}
    scrubbed: dict[str, Any] = _scrub(event)
    return scrubbed


def _name(event: dict[str, Any], said: Event) -> None:
    """One issue for each name of an event and kind of exception, whatever its fields are."""
    fields = dict(tidy(None, "", {**said}))
    fields.pop("exc_info", None)
    name = str(fields.pop("event", ""))
    event["logentry"] = {"message": name}
    event["fingerprint"] = [name, "{{ default }}"]
    event["extra"] = fields


def _scrub(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return redact(value)
    if depth >= MOST_DEPTH:
        return value if value is None or isinstance(value, int | float) else HIDDEN
    if isinstance(value, dict):
        return {
            key: HIDDEN if is_secret(str(key)) and value[key] else _scrub(value[key], depth + 1)
            for key in value
        }
    if isinstance(value, list | tuple):
        return [_scrub(each, depth + 1) for each in value]
    return value
