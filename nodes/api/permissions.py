"""What a caller may do: the scopes of its key, or the permissions of its user."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from nodes.models import ApiKey
from nodes.roles import TAKES, holds, may

READ = "read"


def has_scope(request: Request, scope: str) -> bool:
    """Whether the caller may do what a scope stands for."""
    if isinstance(request.auth, ApiKey):
        return holds(request.auth, scope)
    return may(request.user, scope)


class HasScope(BasePermission):
    """Reading takes the scope `read`; anything else what the view names as `scope`.

    People with a session need the permission that the same takes in the admin: what the view names
    as `right`, for all methods or by method, or else what its scope takes.
    """

    message = "this takes a role: viewer, operator or admin"

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this caller may send this method to this view."""
        if not request.user or not request.user.is_authenticated:
            return False
        needed = READ if request.method in SAFE_METHODS else getattr(view, "scope", "control")
        if isinstance(request.auth, ApiKey):
            self.message = _key_needed(request.auth, needed)
            return holds(request.auth, needed)
        right = "" if needed == READ else _right(view, str(request.method)) or TAKES.get(needed)
        if right:
            self.message = f"this takes the permission {right}"
            return bool(request.user.has_perm(right))
        return may(request.user, needed)


def _right(view: Any, method: str) -> str:
    right = getattr(view, "right", "")
    return str(right.get(method, "") if isinstance(right, dict) else right)


def _key_needed(key: ApiKey, scope: str) -> str:
    if scope in key.scopes:
        return "the owner of this key may not do this any more"
    return f"this takes a key with the scope {scope!r}"
