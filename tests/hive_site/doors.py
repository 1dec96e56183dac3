"""Everybody who may stand at a door, and who of them is let through."""

import re
from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from nodes.models import ApiKey
from nodes.roles import ROLES, VIEWER, give_role
from nodes.services import SCOPES, create_api_key

#: What an address names one by; none of them is there.
NAMED = {"int": "1", "slug": "none", "str": "none", "path": "none", "": "none"}


def routes(patterns=None, base: str = "") -> Iterator[str]:
    """All addresses that the site knows."""
    for pattern in patterns or get_resolver().url_patterns:
        route = base + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def address(route: str) -> str:
    """One of a route's addresses."""
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: NAMED[found[1] or ""], route)


def people() -> dict[str, Client]:
    """Who comes with a browser."""
    users = {name: User.objects.create_user(name) for name in ("stranger", "shut out", *ROLES)}
    for role in ROLES:
        give_role(users[role], role)
    give_role(users["shut out"], VIEWER)
    users["staff"] = User.objects.create_user("staff", is_staff=True)
    users["root"] = User.objects.create_superuser("root")
    found = {"nobody": Client(raise_request_exception=False)}
    for name, user in users.items():
        found[name] = Client(raise_request_exception=False)
        found[name].force_login(user)
    User.objects.filter(username="shut out").update(is_active=False)
    return found


def programs() -> dict[str, Client]:
    """Who comes with a key: one for each scope, and keys of all scopes that count no more."""
    found = {scope: _with_key([scope]) for scope in SCOPES}
    found["revoked"], found["expired"] = _with_key(SCOPES), _with_key(SCOPES)
    past = timezone.now() - timedelta(days=1)
    keys = ApiKey.objects.order_by("-pk")
    keys.filter(pk=keys[0].pk).update(expires_at=past)
    keys.filter(pk=keys[1].pk).update(revoked_at=past)
    return {f"key {name}": client for name, client in found.items()}


def _with_key(scopes) -> Client:
    _, secret = create_api_key(name="door", scopes=list(scopes))
    headers = {"Authorization": f"Bearer {secret}"}
    return Client(raise_request_exception=False, headers=headers)


def who_is_let_through(callers: dict[str, Client], method: str, path: str) -> set[str]:
    """Those who are not sent away; what is behind the door may not be there."""
    return {name for name, client in callers.items() if _is_through(client, method, path)}


def _is_through(client: Client, method: str, path: str) -> bool:
    answer = client.generic(method, path, "{}", "application/json")
    assert answer.status_code < 500, (method, path)
    to_login = answer.headers.get("Location", "").startswith(("/login/", "/admin/login/"))
    return not to_login and answer.status_code not in (401, 403, 405)
