"""What people do over REST is on record, as what they do on pages is."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.apps import apps
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from nodes import audit
from nodes.api.authentication import SCHEME

BASE = "/api/v1/"
#: Begins a rollout, or says what one would touch.
ROLLOUTS = f"{BASE}ota/rollouts/"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
#: What an address is about, by how it begins, and by what it names one.
KINDS = {
    "jobs": ("jobs.Job", "pk"),
    "deliveries": ("jobs.Delivery", "pk"),
    "schedules": ("jobs.Schedule", "name"),
    "tasks": ("jobs.TaskLimit", "pk"),
    "queues": ("jobs.Queue", "pk"),
    "nodes": ("nodes.Node", "name"),
    "broadcasts": ("nodes.Broadcast", "pk"),
    "ota/releases": ("ota.Release", "version"),
    "ota/rollouts": ("ota.Rollout", "pk"),
}


class RestAudit:
    """Keeps what somebody with a session did over REST, unless it was refused.

    Programs leave the names of their keys in what they make.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the site."""
        if request.method not in WRITES or not request.path.startswith(BASE) or _shows_key(request):
            return self._next(request)
        # Before it is done: what is deleted has no row afterwards. What is made has none before.
        found = _find(request.path)
        answer = self._next(request)
        facts = _facts(answer)
        person = getattr(request.user, "pk", None)  # DRF has None for nobody
        if person and _is_done(request, answer, facts):
            _keep(request, answer, found or _find(request.path, facts))
        return answer


def _is_done(request: HttpRequest, answer: HttpResponse, facts: dict[str, Any]) -> bool:
    """Whether anything was: it may have been refused, or a look at what would be."""
    only_planned = answer.status_code == 200 and request.path == ROLLOUTS
    return answer.status_code < 400 and facts.get("done") != 0 and not only_planned


def _shows_key(request: HttpRequest) -> bool:
    """Whether a key counts, and not a session: as `ApiKeyAuthentication` has it."""
    return request.headers.get("Authorization", "").partition(" ")[0].lower() == SCHEME.lower()


def _keep(request: HttpRequest, answer: HttpResponse, found: Model | None) -> None:
    flag = ADDITION if answer.status_code == 201 else CHANGE
    flag = DELETION if request.method == "DELETE" else flag
    said = f"{request.method} {request.path}"
    audit.record(request.user, found or request.user, said, flag=flag)


def _find(path: str, made: Mapping[str, Any] | None = None) -> Model | None:
    """What an address names, or what an answer says was made there; None if there is no such."""
    kind = next((kind for kind in KINDS if path.startswith(f"{BASE}{kind}/")), "")
    if not kind:
        return None
    label, field = KINDS[kind]
    named = path.removeprefix(f"{BASE}{kind}/").partition("/")[0]
    made = made or {}
    name = named or made.get("id") or made.get(field) or ""
    return apps.get_model(label)._default_manager.filter(**{field: name}).first()


def _facts(answer: HttpResponse) -> dict[str, Any]:
    """What an answer says, if that is a JSON object."""
    if answer.streaming or not answer.headers.get("Content-Type", "").startswith(
        "application/json"
    ):
        return {}
    said = json.loads(answer.content or b"null")
    return said if isinstance(said, dict) else {}
