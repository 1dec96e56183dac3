"""Who may look: people with a session, programs with a key that may read."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from hive_site.kernel.errors import HiveError
from nodes.api.authentication import SCHEME
from nodes.api.permissions import READ
from nodes.models import ApiKey
from nodes.roles import holds, may
from nodes.services import find_api_key


class Forbidden(HiveError):
    """Whoever this is may not look, or not any more."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a visitor showed at the door: the texts of two headers."""

    authorization: str = ""
    cookies: str = ""


def read_pass(headers: Iterable[tuple[bytes, bytes]]) -> Pass:
    """What these headers of a request show."""
    found = {name: value.decode("latin-1") for name, value in headers}
    return Pass(found.get(b"authorization", ""), found.get(b"cookie", ""))


def admit(shown: Pass) -> str:
    """The name of whoever shows this. Raises `Forbidden` if they may not look just now."""
    # Who shows a key is looked at as a program, whatever else came along.
    return _holder(shown) if shown.authorization else _person(shown)


def find_key(shown: Pass) -> ApiKey:
    """The key that is shown. Raises `Forbidden` for none that counts."""
    scheme, _, secret = shown.authorization.partition(" ")
    key = find_api_key(secret.strip()) if scheme.lower() == SCHEME.lower() else None
    if key is None:
        raise Forbidden("this API key is unknown, revoked or expired")
    return key


def find_person(shown: Pass) -> Any:
    """The user whose session is shown. Raises `Forbidden` for nobody."""
    sessions = import_module(settings.SESSION_ENGINE)
    request = HttpRequest()
    cookies = parse_cookie(shown.cookies)
    request.session = sessions.SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    if not user.is_authenticated:
        raise Forbidden("log in first, or send an API key")
    return user


def _holder(shown: Pass) -> str:
    key = find_key(shown)
    if not holds(key, READ):
        raise Forbidden(f"this takes a key with the scope {READ!r}")
    return f"key:{key.name}"


def _person(shown: Pass) -> str:
    user = find_person(shown)
    if not may(user, READ):
        raise Forbidden("this user has no role yet")
    return str(user.get_username())
