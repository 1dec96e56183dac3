"""Secrets of the Nexus: given, or made by chance at the first start and kept."""

import secrets
from base64 import b64decode, b64encode
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from hive_site.kernel.secrets import keep_secret

WEBHOOK_PREFIX = "whsec_"


def find_secret(env: Env, name: str, path: Path, fresh: str | None = None) -> str:
    """The secret of that name, else what `path` keeps: `fresh`, or chance, where it is new.

    Raises `ImproperlyConfigured`.
    """
    try:
        return env.text(name) or keep_secret(path, fresh)
    except OSError as error:
        rule = f"give {name}, or a HIVE_DATA_DIR that can be written"
        raise ImproperlyConfigured(f"{path}: {error.strerror}; {rule}") from error


def find_webhook_secret(env: Env, path: Path) -> str:
    """The secret that signs webhooks, as Standard Webhooks writes it: `whsec_` and base64."""
    fresh = WEBHOOK_PREFIX + b64encode(secrets.token_bytes(32)).decode()
    secret = find_secret(env, "HIVE_WEBHOOK_SECRET", path, fresh)
    try:
        size = len(b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True))
    except ValueError:
        size = 0
    if not (secret.startswith(WEBHOOK_PREFIX) and 24 <= size <= 64):
        # Not its value: it is a secret.
        rule = f"give {WEBHOOK_PREFIX} and 24 to 64 bytes in base64"
        raise ImproperlyConfigured(f"HIVE_WEBHOOK_SECRET: {rule}")
    return secret
