"""RQ's serializer for plain workers: JSON, signed, so that Redis alone cannot name code to run."""

import json
from typing import Any

from django.conf import settings

from hive_site.kernel.envelope import seal, unseal

PURPOSE = "rq"


def _key() -> bytes:
    return str(settings.SECRET_KEY).encode()


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
