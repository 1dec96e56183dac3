from django.apps import AppConfig


class OtaConfig(AppConfig):
    name = "ota"
    verbose_name = "Updates over the air"

    def ready(self) -> None:
        """Whoever forgets a node forgets its home."""
        from django.db.models.signals import post_delete

        from ota.removal import forget_home

        post_delete.connect(forget_home, sender="nodes.Node", dispatch_uid="ota.forget_home")
