"""Who asks: a program with an API key. People come with a session, which DRF knows."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from nodes.models import ApiKey
from nodes.services import find_api_key

SCHEME = "Bearer"


class KeyHolder(AnonymousUser):
    """A program that showed a valid key."""

    def __init__(self, key: ApiKey) -> None:
        super().__init__()
        self.key = key
        self.username = f"key:{key.name}"

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        """It did show a key."""
        return True


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer hive_…`"""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        """The holder and the key; None if no key was shown. Raises for a key that is no good."""
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != SCHEME.lower().encode():
            return None
        key = find_api_key(secret.strip().decode("ascii", "replace"))
        if key is None:
            raise AuthenticationFailed("this API key is unknown, revoked or expired")
        return KeyHolder(key), key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return f'{SCHEME} realm="hive"'


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """An HTTP bearer token."""
        return {"type": "http", "scheme": "bearer", "description": "`hive key NAME` makes one"}
