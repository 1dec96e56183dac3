"""Links that log in once: the way into a fresh Hive without a password anybody chose."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from hive_site.kernel.errors import Conflict
from nodes.models import LoginLink

VALID_FOR = timedelta(hours=1)


def make_login_link(nexus_url: str) -> str:
    """A URL that logs in as the first superuser, once, within an hour.

    If there is no superuser yet, `admin` is made, without a password. Raises `Conflict` if there
    is an `admin` who may not come in.
    """
    users = get_user_model()
    user = users.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is None and users.objects.filter(username="admin").exists():
        way_out = "make it one, or make another: manage.py createsuperuser"
        raise Conflict(f"user 'admin' is no active superuser; {way_out}")
    if user is None:
        user = users.objects.create_superuser("admin", password=None)
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    LoginLink.objects.filter(expires_at__lt=now).delete()
    LoginLink.objects.create(digest=_digest(token), user=user, expires_at=now + VALID_FOR)
    return f"{nexus_url.rstrip('/')}/login/{token}/"


def redeem(token: str) -> Any:
    """The user of a link that was not used yet; None for any other token."""
    link = LoginLink.objects.filter(digest=_digest(token), expires_at__gt=timezone.now()).first()
    # Whoever deletes the row may come in: two clicks at once log in once.
    if link is None or not LoginLink.objects.filter(pk=link.pk).delete()[0]:
        return None
    return link.user if link.user.is_active else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
