"""Builds the autoscaler: pools from the settings, and what starts Spores on this machine."""

import os
import secrets
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from hive_site.configuration import PROJECT
from hive_site.kernel.errors import HiveError
from hive_site.pool_homes import POOLS
from hive_site.stack.recipes import NEXUS_ONLY

if TYPE_CHECKING:
    from nodes.autoscaling.autoscaler import Autoscaler
    from nodes.autoscaling.configuration import PoolSettings
    from nodes.autoscaling.ports import Wants
    from nodes.autoscaling.providers import Surroundings
    from nodes.autoscaling.providers.process import Recipe

#: Not for Spores either: they have no use for it, or keys of their own.
POOLS_ONLY = (
    *("HIVE_AUTOSCALE", "HIVE_WEBHOOK_SECRET", "HIVE_JOIN_REDIS_URL", "HIVE_API_KEY"),
    *("HIVE_NODE_KEY", "HIVE_POOL_KEY"),
)


def build_autoscaler(work: "Wants") -> "Autoscaler | None":
    """The autoscaler of the configured pools; None if there are none.

    Raises `ImproperlyConfigured` with what is wrong with them.
    """
    if not settings.HIVE.autoscale:
        return None
    from nodes.autoscaling.autoscaler import Autoscaler
    from nodes.autoscaling.configuration import read_pools
    from nodes.autoscaling.errands import Messenger
    from nodes.autoscaling.pool import Pool
    from nodes.autoscaling.providers import open_provider

    try:
        wanted = read_pools(settings.HIVE.autoscale)
        around = surroundings(wanted)
        pools = [
            Pool(
                each,
                Messenger(open_provider(each, around), pool=each.name),
                busy=work.busy,
                name_node=partial(name_node, each.name),
            )
            for each in wanted
        ]
    except HiveError as error:
        raise ImproperlyConfigured(f"HIVE_AUTOSCALE: {error}") from error
    return Autoscaler(pools, work)


def surroundings(pools: "list[PoolSettings]") -> "Surroundings":
    """What providers need of this machine."""
    from nodes.autoscaling.invitations import NodeKeys
    from nodes.autoscaling.providers import Surroundings

    keys = NodeKeys(settings.HIVE_FLEET_KEY)
    env = without_secrets(os.environ)
    return Surroundings(
        recipe_of={each.name: process_recipe(each, env) for each in pools},
        folder=settings.HIVE.data / POOLS,
        env=env,
        own=keys,
        invitations=keys,
    )


def name_node(pool: str) -> str:
    """A name that no node of the pool ever had."""
    return f"{pool}-{secrets.token_hex(4)}"


def process_recipe(pool: "PoolSettings", env: Mapping[str, str]) -> "Recipe":
    """What starts Spores of the pool on this machine: managed ones, with homes of their own."""
    from nodes.autoscaling.providers.process import Start

    shared = {
        **{name: text for name, text in env.items() if name != "DJANGO_SETTINGS_MODULE"},
        "REDIS_URL": settings.HIVE.redis_url,
        "HIVE_NEXUS_URL": settings.HIVE.nexus_url,
        "HIVE_OTA_CHANNELS": env.get("HIVE_OTA_CHANNELS") or "dev,stable",
        "PYTHONUNBUFFERED": "1",
    }
    if env.get("HIVE_SPORE_DATABASE") == "1":
        shared["DATABASE_URL"] = os.environ.get("DATABASE_URL", "")

    def start(node: str, home: Path) -> Start:
        argv = [sys.executable, str(PROJECT / "manage.py"), "rqworker", *pool.spore_flags(node)]
        return Start([*argv, "--home", str(home)], {**shared, "HIVE_DATA_DIR": str(home)})

    return start


def without_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without what belongs to Nexus and Foreman only."""
    kept = (*NEXUS_ONLY, *POOLS_ONLY, "REDIS_URL")
    secret = {*kept, *(f"{name}_FILE" for name in kept)}
    return {name: text for name, text in env.items() if name not in secret}
