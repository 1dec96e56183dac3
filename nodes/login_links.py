"""Links that log in once: the way in without a password anybody chose."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from hive_site.kernel.errors import Conflict, NotFound
from nodes.models import LoginLink
from nodes.roles import ADMIN, give_role

VALID_FOR = timedelta(hours=1)


def make_login_link(nexus_url: str, *, name: str = "", role: str = "") -> str:
    """A URL that logs in once, within an hour: by default as the first superuser.

    If there is no superuser yet, `admin` is made, without a password. With a `role` it is a user
    of that name, or else one called like the role, who is made if need be and has that role from
    now on. Raises `Conflict` for a user who may not come in, or who is a superuser and would get
    less; `NotFound` for a name that nobody has and no role.
    """
    user = _user(name, role) if name or role not in ("", ADMIN) else _first_superuser()
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    LoginLink.objects.filter(expires_at__lt=now).delete()
    LoginLink.objects.create(digest=_digest(token), user=user, expires_at=now + VALID_FOR)
    return f"{nexus_url.rstrip('/')}/login/{token}/"


def _first_superuser() -> Any:
    users = get_user_model().objects
    user = users.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is None and users.filter(username="admin").exists():
        way_out = "make it one, or make another: manage.py createsuperuser"
        raise Conflict(f"user 'admin' is no active superuser; {way_out}")
    return user or users.create_superuser("admin", password=None)


def _user(name: str, role: str) -> Any:
    """The user of that name with that role, if one is given. Raises `Conflict`, `NotFound`."""
    users = get_user_model().objects
    user = users.filter(username=name or role).first()
    if user is None and not role:
        raise NotFound(f"no user is named {name!r}; give a role too, and it is made")
    user = user or users.create_user(name or role)
    if not user.is_active:
        raise Conflict(f"user {user} is not active: nobody comes in as {user}")
    if role and user.is_superuser:
        raise Conflict(f"user {user} is a superuser, who may do everything; leave the role out")
    if role:
        give_role(user, role)
    return user


def redeem(token: str) -> Any:
    """The user of a link that was not used yet; None for any other token."""
    link = LoginLink.objects.filter(digest=_digest(token), expires_at__gt=timezone.now()).first()
    # Whoever deletes the row may come in: two clicks at once log in once.
    if link is None or not LoginLink.objects.filter(pk=link.pk).delete()[0]:
        return None
    return link.user if link.user.is_active else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
