"""Who looks at pages and at the admin: users by their role, each named after it."""

from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from nodes.roles import give_role


def person(role: str = "", **facts: Any) -> User:
    """A user of a role, or of none."""
    user = User.objects.create_user(role or "nobody", **facts)
    if role:
        give_role(user, role)
    return user


def browser_of(role: str, **options: Any) -> Client:
    """The browser of somebody with a role."""
    client = Client(**options)
    client.force_login(person(role))
    return client
