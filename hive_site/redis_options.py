"""Whom to trust at Redis and at the Nexus, and who comes in: from the environment."""

import ssl
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env

ACL_CHOICES = ("auto", "require", "off")


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


def read_redis_acl(env: Env) -> str:
    """Whether nodes are users of Redis. Raises `ImproperlyConfigured`."""
    value = env.text("HIVE_REDIS_ACL", "auto")
    if value not in ACL_CHOICES:
        raise ImproperlyConfigured(f"HIVE_REDIS_ACL={value!r}: give {', '.join(ACL_CHOICES)}")
    return value
