"""Users in the admin: roles, and no way for an admin to become more than that."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

#: What only a superuser may give.
POWERS = ("is_superuser", "is_staff", "user_permissions")


class HiveUserAdmin(UserAdmin):
    """Django's, but superusers are out of reach for everybody else."""

    list_display = ("username", "roles", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password")}),
        (None, {"classes": ("wide",), "fields": ("password1", "password2", "groups")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With their groups."""
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="roles and groups")
    def roles(self, user: User) -> str:
        """The names."""
        return ", ".join(group.name for group in user.groups.all()) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Powers beyond roles come from superusers."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if request.user.is_superuser else (*fixed, *POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Also the password of a superuser is for superusers."""
        return super().has_change_permission(request, obj) and _within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same."""
        return super().has_delete_permission(request, obj) and _within_reach(request, obj)


def _within_reach(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or bool(request.user.is_superuser)
