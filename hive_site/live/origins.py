"""Which pages may open a socket: a browser shows its cookies to this site from anywhere."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.conf import settings
from django.http.request import is_same_domain

Message = dict[str, Any]
App = Callable[[Message, Any, Any], Awaitable[None]]


class OwnPages:
    """Lets pages of this site through to an application, and programs that show a key.

    No page can have a browser send `Authorization` with a socket.
    """

    def __init__(self, app: App) -> None:
        self._app, self._checked = app, AllowedHostsOriginValidator(app)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Let it through, or refuse it."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"authorization"):
            await self._app(scope, receive, send)
        elif is_own(headers):
            await self._checked(scope, receive, send)
        else:
            await WebsocketDenier()(scope, receive, send)


def is_own(headers: Mapping[bytes, str]) -> bool:
    """Whether a page of this very site asks, port included, as forms must too.

    To a browser all ports of a host are one site: it shows its cookies to each of them. And
    `ALLOWED_HOSTS` may be `*`.
    """
    origin = headers.get(b"origin", "").lower()
    scheme, _, place = origin.partition("://")
    if place and place == headers.get(b"host", "").lower():
        return scheme == "https" or not settings.SESSION_COOKIE_SECURE
    return any(_is_like(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _is_like(origin: str, trusted: str) -> bool:
    """Whether it is the one that is trusted, or one of `https://*.example.com`."""
    if "*" not in trusted:
        return origin == trusted.lower()
    scheme, _, place = origin.partition("://")
    known = urlsplit(trusted)
    return scheme == known.scheme and is_same_domain(place, known.netloc.lstrip("*"))
