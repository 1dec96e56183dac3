from django.contrib.admin.apps import AdminConfig


class HiveAdminConfig(AdminConfig):
    """Django's admin, with the site of the Hive."""

    default_site = "hive_site.admin_site.HiveAdminSite"

    def ready(self) -> None:
        """Register everything; users our way."""
        super().ready()
        from django.contrib import admin
        from django.contrib.auth.models import User

        from hive_site.admin_users import HiveUserAdmin

        admin.site.unregister(User)
        admin.site.register(User, HiveUserAdmin)
