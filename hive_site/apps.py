from django.apps import AppConfig


class HiveSiteConfig(AppConfig):
    name = "hive_site"

    def ready(self) -> None:
        """Close RQ's door to pickle in every process: whatever asks for a default gets ours."""
        from rq import serializers

        from hive_site.rq_serializer import SignedJSON

        serializers.DefaultSerializer = serializers.PickleSerializer = SignedJSON  # type: ignore
        for alias in ("json", "pickle"):
            serializers.SERIALIZER_ALIASES[alias] = SignedJSON
