"""Whom to trust at Redis and at the Nexus, and who comes in: from the environment."""

import ssl
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from nodes.spore.pools import is_pool_name

OFF = "off"
ACL_CHOICES = ("auto", "require", OFF)


def read_ca_file(env: Env) -> str:
    """`HIVE_CA_FILE`, whose certificates vouch for the Nexus and for Redis; empty if there is none.

    Raises `ImproperlyConfigured` for a file without any.
    """
    path = env.text("HIVE_CA_FILE")
    if not path:
        return ""
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or "no certificate in it"
        rule = "give a readable file of certificates in PEM"
        raise ImproperlyConfigured(f"HIVE_CA_FILE={path}: {reason}; {rule}") from error
    return str(Path(path).absolute())


def read_redis_pools(env: Env) -> list[str]:
    """The pools whose Spores are users of Redis. Raises `ImproperlyConfigured`."""
    pools = env.listing("HIVE_REDIS_POOLS")
    for pool in pools:
        if not is_pool_name(pool):
            rule = "give names as in deploy/secrets/pool_keys, with commas between"
            raise ImproperlyConfigured(f"HIVE_REDIS_POOLS={pool!r}: {rule}")
    if pools and read_redis_acl(env) == OFF:
        raise ImproperlyConfigured("HIVE_REDIS_POOLS: with HIVE_REDIS_ACL=off nobody is a user")
    return pools


def read_redis_acl(env: Env) -> str:
    """Whether nodes are users of Redis. Raises `ImproperlyConfigured`."""
    value = env.text("HIVE_REDIS_ACL", "auto")
    if value not in ACL_CHOICES:
        raise ImproperlyConfigured(f"HIVE_REDIS_ACL={value!r}: give {', '.join(ACL_CHOICES)}")
    return value
