"""The apps of a Spore: there for whoever asks for them, their models not loaded before.

A Spore has no database, and models are most of what Django takes of its memory.
"""

from typing import Any

from django.apps import AppConfig


class Lean(AppConfig):
    """An app whose models are imported when somebody asks for one, or imports them."""

    def import_models(self) -> None:
        """Know those models that others have imported."""
        self.models = self.apps.all_models[self.label]

    def get_model(self, model_name: str, require_ready: bool = True) -> Any:
        """A model by its name. Raises `LookupError`."""
        super().import_models()
        return super().get_model(model_name, require_ready)


class HiveSite(Lean):
    name = "hive_site"

    def ready(self) -> None:
        """Close RQ's door to pickle here, too."""
        from hive_site.rq_serializer import replace_pickle

        replace_pickle()


class Nodes(Lean):
    name = "nodes"


class Jobs(Lean):
    name = "jobs"


class Ota(Lean):
    name = "ota"


class DjangoRq(Lean):
    name = "django_rq"


_APPS = (HiveSite, Nodes, Jobs, Ota, DjangoRq)
_LEAN = [f"{app.__module__}.{app.__qualname__}" for app in _APPS]
_WHOLE = [*(app.name for app in _APPS), "django.contrib.auth", "django.contrib.contenttypes"]


def compose_apps(others: list[str]) -> list[str]:
    """The apps of a Spore that runs tasks of these others.

    Their models may refer to ours and to Django's, and need them at once. Accounts are a tenth of
    all that a slot would hold, for nobody.
    """
    return [*_WHOLE, *(app for app in others if app not in _WHOLE)] if others else _LEAN
