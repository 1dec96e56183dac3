"""The setting of the pools, checked where all settings are read."""

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from hive_site.kernel.errors import Invalid


def read_pool_text(env: Env) -> str:
    """The TOML document of the pools; empty if there are none.

    Raises `ImproperlyConfigured` with the field that is wrong.
    """
    text = env.text("HIVE_AUTOSCALE")
    if text:
        from nodes.autoscaling.configuration import read_pools  # hardly anybody has any

        try:
            read_pools(text)
        except Invalid as error:
            raise ImproperlyConfigured(f"HIVE_AUTOSCALE: {error}") from error
    return text
