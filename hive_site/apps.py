import sys
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.conf import settings
from django.db.models.signals import post_migrate


class HiveSiteConfig(AppConfig):
    name = "hive_site"

    def ready(self) -> None:
        """Close RQ's door to pickle in every process, and have it watched."""
        from hive_site.logs import process_name
        from hive_site.observing import start_observing
        from hive_site.rq_serializer import replace_pickle

        replace_pickle()
        start_observing(
            process_name(sys.argv), settings.HIVE.observing, release=settings.HIVE_RELEASE
        )
        post_migrate.connect(settle_roles_of, dispatch_uid="hive.roles")


def settle_roles_of(sender: AppConfig, using: str, apps: Any = installed, **state: Any) -> None:
    """Give the roles what they have in an app that was migrated, new models included."""
    from django.contrib.auth.management import create_permissions

    from nodes.roles import ADMINISTERS, OURS, settle_roles

    if sender.label not in {*OURS, *ADMINISTERS}:
        return
    try:
        groups, permissions = (apps.get_model("auth", name) for name in ("Group", "Permission"))
    except LookupError:  # accounts were not migrated yet; their turn comes
        return
    # Django makes them at this same signal, perhaps after us.
    create_permissions(sender, verbosity=0, using=using, apps=apps)
    settle_roles(sender.label, groups=groups, permissions=permissions)
