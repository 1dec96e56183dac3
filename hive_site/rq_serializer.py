"""RQ's serializer for plain workers: JSON, signed, so that Redis alone cannot name code to run."""

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from hive_site.configuration import find_fleet_key
from hive_site.kernel.env import Env
from hive_site.kernel.envelope import purpose_key, seal, unseal

PURPOSE = "rq"


@cache
def _key() -> bytes:
    fleet_key = find_fleet_key(Env(), settings.HIVE.data)
    if not fleet_key:
        raise ImproperlyConfigured("HIVE_FLEET_KEY: plain RQ jobs are signed with it; set it")
    return purpose_key(fleet_key, PURPOSE)


class SignedJSON:
    """`dumps` and `loads` as RQ wants them; `loads` raises `Forged` for what we did not sign."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """The value as signed JSON."""
        return seal(json.dumps(value), key=_key(), purpose=PURPOSE)

    @staticmethod
    def loads(data: bytes) -> Any:
        """The value that `dumps` made."""
        return unseal(data, key=_key(), purpose=PURPOSE)


def replace_pickle() -> None:
    """Close RQ's door to pickle in this process: whatever asks for a default gets ours."""
    from rq import serializers

    serializers.DefaultSerializer = serializers.PickleSerializer = SignedJSON  # type: ignore
    for alias in ("json", "pickle"):
        serializers.SERIALIZER_ALIASES[alias] = SignedJSON
