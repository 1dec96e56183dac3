"""What a caller may do: the scopes of its key, or what its user is."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from nodes.models import ApiKey

READ = "read"


def has_scope(request: Request, scope: str) -> bool:
    """Whether the caller may do what a scope stands for. Staff may do everything."""
    if isinstance(request.auth, ApiKey):
        return scope in request.auth.scopes
    return bool(request.user and request.user.is_staff)


class HasScope(BasePermission):
    """Reading takes the scope `read`; anything else what the view names as `scope`.

    People with a session may read; staff may do everything, but for what a view names as `right`:
    a permission that the same takes in the admin.
    """

    message = "your key or user may not do this"

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this caller may send this method to this view."""
        if not request.user or not request.user.is_authenticated:
            return False
        needed = READ if request.method in SAFE_METHODS else getattr(view, "scope", "control")
        if isinstance(request.auth, ApiKey):
            self.message = f"this takes a key with the scope {needed!r}"
            return needed in request.auth.scopes
        right = getattr(view, "right", "")
        allowed = request.user.is_staff and (not right or request.user.has_perm(right))
        return needed == READ or allowed
