"""The admin of the Hive: who may enter it, and what its home page shows."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.http import HttpRequest, HttpResponse

from hive_site.admin_home import look_around
from hive_site.admin_shelves import put_in_order
from nodes.roles import may

#: What an address may compare a field with: with a whole value, or with nothing.
WHOLE = frozenset({"exact", "isnull", "in"})


class WholeValues:
    """For every `ModelAdmin`: addresses narrow its list down by whole values alone.

    Django takes any comparison with any field of a row, shown or not: who may look could guess
    digests letter by letter, or have the database match an expression that never ends.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whether an address may ask for this."""
        kind = lookup.rpartition("__")[2]
        return kind in {*WHOLE, lookup} and super().lookup_allowed(lookup, value, request)  # type: ignore[misc]


class HiveAdminSite(AdminSite):
    """Open to whoever may look, as every role may; pages and actions take their permissions."""

    site_header = site_title = "The Hive"
    index_title = "The cluster"
    site_url = "/"

    def register(self, models: Any, admin_class: Any = None, **options: Any) -> None:
        """With what all lists of the Hive have in common."""
        base = admin_class or ModelAdmin
        super().register(models, type(base.__name__, (WholeValues, base), {}), **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may enter at all."""
        return may(request.user, "read")

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """What this user may see, by what it is for; one app's models under its own name."""
        apps = super().get_app_list(request, app_label)
        return apps if app_label else put_in_order(apps)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The state of the cluster, then everything there is."""
        return super().index(request, {**(extra_context or {}), **look_around()})
